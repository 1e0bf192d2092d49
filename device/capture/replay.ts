import { existsSync } from "node:fs";
import { join } from "node:path";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import type { Log } from "../base/log.ts";
import type { Micros } from "../base/time.ts";
import type { ReplayConfig } from "../config/schema.ts";
import { type Image, imageSize, listImages, readImage } from "./image.ts";
import { PacedSource, type Reel } from "./paced.ts";
import { type Clock, systemClock } from "./pacing.ts";
import { INDEX_NAME, type RecordedFrame, readRecording } from "./recording.ts";
import type { FrameSource } from "./source.ts";

/**
 * Opens a folder of images or a recording. In real pace, and for a folder always, times are counted from the opening;
 * a recording in fast pace keeps its own. A picture that cannot be read is an incomplete frame: the camera exposed it.
 *
 * @throws {GradelineError} SOURCE when the folder is absent, its index is damaged or an image differs in size,
 *   SOURCE_EMPTY when there is nothing to show, IMAGE or IMAGE_SIZE when no image can be read
 */
export async function openReplay(config: ReplayConfig, clock: Clock = systemClock, log?: Log): Promise<FrameSource> {
  if (!existsSync(config.path)) {
    throw new GradelineError("SOURCE", `there is no folder ${config.path} to replay`, {
      hint: "`path` names a folder of images, or of a recording",
    });
  }
  const recorded = existsSync(join(config.path, INDEX_NAME));
  const frames = recorded ? await readRecording(config.path) : await listFolder(config);
  const size = await commonSize(frames);
  const others = recorded ? await othersOf(config) : [];
  const span = spanOf([frames, ...others]);
  const rebase = !recorded || config.pace === "real";
  const begin = config.startAt === 0 ? clock.now() : config.startAt;
  // Of recordings in step, the earliest begins now; the others keep their delay to it.
  const first = frames[0]!.exposedAt;
  const startAt = rebase ? begin + first - span.first : first;
  const reel = new ReplayReel(frames, size, config, startAt, others.length === 0 ? undefined : span, log);
  return new PacedSource(reel, config.pace, clock);
}

/** The recordings that play in step with this one. */
async function othersOf({ inStepWith, path }: ReplayConfig): Promise<(readonly RecordedFrame[])[]> {
  const others = inStepWith.filter((other) => other !== path);
  return Promise.all(
    others.map(async (other) => {
      if (existsSync(join(other, INDEX_NAME))) return readRecording(other);
      throw new GradelineError("SOURCE", `${other} is no recording, ${path} cannot be played in step with it`, {
        hint: "a folder of images has no times: record the cameras of a lane together",
      });
    }),
  );
}

/** From the first frame of recordings in step to the last of any. */
interface RecordedSpan {
  readonly first: Micros;
  /** Until the next round begins, the same for all of them. */
  readonly roundUs: Micros;
}

function spanOf(recordings: readonly (readonly RecordedFrame[])[]): RecordedSpan {
  const first = Math.min(...recordings.map((frames) => frames[0]!.exposedAt));
  const last = Math.max(...recordings.map((frames) => frames[frames.length - 1]!.exposedAt));
  const intervals = recordings.map((frames) => {
    const end = frames[frames.length - 1]!;
    return (end.exposedAt - frames[0]!.exposedAt) / Math.max(1, end.seq - frames[0]!.seq);
  });
  return { first, roundUs: last - first + Math.max(1, Math.round(Math.max(...intervals))) };
}

async function listFolder(config: ReplayConfig): Promise<RecordedFrame[]> {
  const files = await listImages(config.path);
  if (files.length === 0) {
    throw new GradelineError("SOURCE_EMPTY", `no image in ${config.path}`, {
      hint: "put JPEG, PNG, WebP or TIFF files there, named in the order in which they are to be shown",
    });
  }
  return files.map((file, seq) => ({
    seq,
    exposedAt: Math.round((seq * 1e6) / config.fps),
    status: "ok" as const,
    file,
  }));
}

async function commonSize(frames: readonly RecordedFrame[]): Promise<{ widthPx: number; heightPx: number }> {
  let first: { widthPx: number; heightPx: number } | undefined;
  let torn: unknown;
  for (const { file } of frames) {
    let size: { widthPx: number; heightPx: number };
    try {
      size = await imageSize(file);
    } catch (error) {
      torn ??= error;
      continue;
    }
    first ??= size;
    const { widthPx, heightPx } = size;
    if (widthPx === first.widthPx && heightPx === first.heightPx) continue;
    throw new GradelineError(
      "SOURCE",
      `${file} is ${widthPx} x ${heightPx}, the frames before it are ${first.widthPx} x ${first.heightPx}`,
      { hint: "all images of a replay come from one camera; take this one out" },
    );
  }
  if (first === undefined) throw torn;
  return first;
}

class ReplayReel implements Reel {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly count: number;
  readonly #frames: readonly RecordedFrame[];
  readonly #startAt: Micros;
  /** From the first frame of one round to the first of the next. */
  readonly #roundUs: Micros;
  readonly #roundSeq: number;
  /** The image that follows the last one asked for, being read while that one is in use. */
  #ahead: { readonly index: number; readonly image: Promise<Image> } | undefined;
  readonly #log: Log | undefined;
  readonly #torn = new Set<number>();

  constructor(
    frames: readonly RecordedFrame[],
    size: { widthPx: number; heightPx: number },
    config: ReplayConfig,
    startAt: Micros,
    /** Of all recordings in step, whose rounds are equally long. */
    together: RecordedSpan | undefined,
    log?: Log,
  ) {
    this.#log = log;
    this.widthPx = size.widthPx;
    this.heightPx = size.heightPx;
    this.count = config.loop ? Number.POSITIVE_INFINITY : frames.length;
    this.#frames = frames;
    this.#startAt = startAt;
    const first = frames[0]!;
    const last = frames[frames.length - 1]!;
    const intervals = last.seq - first.seq;
    const spanUs = last.exposedAt - first.exposedAt;
    this.#roundSeq = intervals + 1;
    this.#roundUs =
      together?.roundUs ??
      spanUs + (intervals > 0 ? Math.max(1, Math.round(spanUs / intervals)) : Math.round(1e6 / config.fps));
  }

  exposedAt(k: number): Micros {
    const round = Math.floor(k / this.#frames.length);
    return this.#startAt + round * this.#roundUs + this.#since(k % this.#frames.length);
  }

  newestAt(time: Micros): number {
    const round = Math.floor((time - this.#startAt) / this.#roundUs);
    const restUs = time - this.#startAt - round * this.#roundUs;
    let low = 0;
    let high = this.#frames.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#since(middle) <= restUs) low = middle;
      else high = middle - 1;
    }
    return round * this.#frames.length + low;
  }

  async load(k: number): Promise<Frame> {
    const index = k % this.#frames.length;
    const round = Math.floor(k / this.#frames.length);
    const recorded = this.#frames[index]!;
    const image = await this.#image(index).catch((error: unknown) => this.#tell(index, error));
    if (image.widthPx !== this.widthPx || image.heightPx !== this.heightPx) {
      throw new GradelineError("SOURCE", `${recorded.file} has changed its size since it was opened`, {
        hint: "do not write to a folder while it is replayed",
      });
    }
    if (k + 1 < this.count) this.#readAhead((index + 1) % this.#frames.length);
    return {
      seq: recorded.seq - this.#frames[0]!.seq + round * this.#roundSeq,
      exposedAt: this.exposedAt(k),
      status: this.#torn.has(index) ? "incomplete" : recorded.status,
      ...(recorded.cameraId === undefined ? {} : { cameraId: recorded.cameraId }),
      ...(recorded.cameraNs === undefined ? {} : { cameraNs: recorded.cameraNs }),
      widthPx: image.widthPx,
      heightPx: image.heightPx,
      data: image.data,
    };
  }

  async #image(index: number): Promise<Image> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const image = await (ahead?.index === index ? ahead.image : readImage(this.#frames[index]!.file));
    this.#torn.delete(index);
    return image;
  }

  /**
   * Nothing is measured on an incomplete frame, so its pixels may be anything.
   *
   * @throws {GradelineError} when the file is not torn but gone: the source is away, as a camera that was unplugged
   */
  #tell(index: number, error: unknown): Image {
    const { widthPx, heightPx } = this;
    const { code, message, hint } = asGradelineError(error);
    if (code !== "IMAGE") throw error;
    if (!this.#torn.has(index)) this.#log?.warn({ hint }, `a frame is incomplete: ${message}`);
    this.#torn.add(index);
    return { widthPx, heightPx, data: new Uint8Array(widthPx * heightPx * 3) };
  }

  #readAhead(index: number): void {
    const image = readImage(this.#frames[index]!.file);
    // Whoever asks for it gets the error; nobody may ask.
    image.catch(() => undefined);
    this.#ahead = { index, image };
  }

  /** Microseconds from the first frame to the one at `index`. */
  #since(index: number): Micros {
    return this.#frames[index]!.exposedAt - this.#frames[0]!.exposedAt;
  }
}
