import { mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { formatMicros, type Micros, nowMicros } from "../base/time.ts";
import { INDEX_NAME, indexLine } from "./recording.ts";
import type { FrameSource, SourceStatus } from "./source.ts";

export interface RingLimits {
  /** All images together, bytes. */
  readonly maxBytes: number;
  /** Longest time between the oldest and the newest frame kept, milliseconds. */
  readonly maxAgeMs: number;
  /**
   * A quarter off the size for six times the work: 24 ms instead of 4 for a frame of 720p. Off where absent, since a
   * recorder stands beside work that must be in time.
   */
  readonly compress?: boolean;
  /** Recordings of earlier openings stay, and count for nothing. */
  readonly keepEarlier?: boolean;
}

interface Kept {
  readonly line: string;
  readonly file: string;
  readonly exposedAt: Micros;
  readonly bytes: number;
}

/** Frames whose images are being made at once: beyond it frames are left out of the recording, and counted. */
const MAX_PENDING = 4;
/** Frames beyond a limit are cut off by such a share of all at once: the index is written anew each time. */
const CUT_SHARE = 0.05;

/**
 * Keeps the newest frames of a source on disk, without loss, for looking at what happened. Each opening begins a folder
 * of its own below `root`, which at any moment, also after a kill, is a recording that `replay` plays.
 */
export class RingRecorder implements Closable {
  readonly folder: string;
  readonly #root: string;
  readonly #limits: RingLimits;
  readonly #kept: Kept[] = [];
  #bytes = 0;
  /** Frames handed in, in order: each waits for the one before to be in the index. */
  #last: Promise<void> = Promise.resolve();
  #pending = 0;
  #skipped = 0;
  #recorded = 0;
  #failure: unknown;

  private constructor(root: string, folder: string, limits: RingLimits) {
    this.#root = root;
    this.folder = folder;
    this.#limits = limits;
  }

  /**
   * @param root made where absent
   * @throws {GradelineError} FILE when it cannot be written
   */
  static async open(root: string, limits: RingLimits): Promise<RingRecorder> {
    const folder = join(root, formatMicros(nowMicros()).replaceAll(/[:.]/g, "-"));
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, INDEX_NAME), "", { flag: "wx" });
    } catch (cause) {
      throw new GradelineError("FILE", `cannot record in ${root}`, {
        hint: "name a folder the daemon may write to",
        cause,
      });
    }
    const ring = new RingRecorder(root, folder, limits);
    await ring.#dropOlderFolders();
    return ring;
  }

  /** What the folder holds now. */
  get kept(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#kept.length, bytes: this.#bytes };
  }

  /** Frames that were recorded, those that went again included. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Frames that were not recorded because images could not be written in time. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Takes a copy of a frame; returns at once.
   *
   * @returns whether it was taken, or left out because those before it are still being written
   * @throws {GradelineError} FILE when an earlier frame could not be written
   */
  offer(frame: Frame): boolean {
    this.#check();
    if (this.#pending >= MAX_PENDING) {
      this.#skipped++;
      return false;
    }
    this.#pending++;
    const file = `${String(frame.seq).padStart(12, "0")}.png`;
    const image = writeImage(join(this.folder, file), frame, this.#limits.compress === true);
    const before = this.#last;
    this.#last = this.#add(before, image, { line: indexLine(frame, file), file, exposedAt: frame.exposedAt });
    return true;
  }

  /** Resolves when all frames handed in are on disk. @throws {GradelineError} FILE when one could not be written */
  async flush(): Promise<void> {
    await this.#last;
    this.#check();
  }

  close(): Promise<void> {
    return this.flush();
  }

  async #add(before: Promise<void>, image: Promise<number>, entry: Omit<Kept, "bytes">): Promise<void> {
    try {
      const [bytes] = await Promise.all([image, before]);
      this.#kept.push({ ...entry, bytes });
      this.#bytes += bytes;
      this.#recorded++;
      await appendLine(join(this.folder, INDEX_NAME), entry.line);
      await this.#cut(entry.exposedAt);
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#pending--;
    }
  }

  #check(): void {
    if (this.#failure === undefined) return;
    const why = this.#failure instanceof Error ? `: ${this.#failure.message}` : "";
    throw new GradelineError("FILE", `recording in ${this.folder} broke off${why}`, {
      hint: "is the disk full, or the folder gone? what was recorded until then can be played",
      cause: this.#failure,
    });
  }

  async #cut(newest: Micros): Promise<void> {
    const { maxBytes, maxAgeMs } = this.#limits;
    let count = 0;
    let bytes = this.#bytes;
    while (count < this.#kept.length - 1) {
      const { exposedAt, bytes: size } = this.#kept[count]!;
      if (bytes <= maxBytes && newest - exposedAt <= maxAgeMs * 1000) break;
      bytes -= size;
      count++;
    }
    if (count === 0) return;
    await this.#dropOlderFolders(0);
    // What goes beyond the limits goes at once; some more, so that the next time is not the next frame.
    const more = Math.round(CUT_SHARE * this.#kept.length);
    const cut = this.#kept.splice(0, Math.min(count + more, this.#kept.length - 1));
    for (const { bytes: size } of cut) this.#bytes -= size;
    // First out of the index, then from the disk: a kill between leaves images too many, never too few.
    const index = join(this.folder, INDEX_NAME);
    await writeFile(`${index}.new`, this.#kept.map(({ line }) => `${line}\n`).join(""));
    await rename(`${index}.new`, index);
    for (const { file } of cut) await unlink(join(this.folder, file));
  }

  /** Folders of earlier openings: the oldest go first, and all once this one alone reaches the limits. */
  async #dropOlderFolders(maxBytes = this.#limits.maxBytes): Promise<void> {
    if (this.#limits.keepEarlier === true) return;
    const names = (await readdir(this.#root)).filter((name) => /^\d{4}-\d\d-\d\dT[\d-]+Z$/.test(name)).sort();
    let left = maxBytes;
    for (const name of names.reverse()) {
      const folder = join(this.#root, name);
      if (folder === this.folder) continue;
      left -= await sizeOf(folder);
      if (left < 0 || (await ageMs(folder)) > this.#limits.maxAgeMs) await rm(folder, { recursive: true, force: true });
    }
  }
}

/** What a configuration says of a ring. */
export interface RecordConfig {
  readonly maxBytes: number;
  readonly maxAgeS: number;
  readonly compress: boolean;
}

/**
 * A source whose frames are recorded as they pass. A disk that takes no more ends the recording, never the source.
 *
 * @throws {GradelineError} FILE when nothing can be recorded there
 */
export async function recordWhile(
  source: FrameSource,
  root: string,
  { maxBytes, maxAgeS, compress }: RecordConfig,
  log: Log,
): Promise<RecordedSource> {
  const ring = await RingRecorder.open(root, { maxBytes, maxAgeMs: maxAgeS * 1000, compress });
  log.info({ folder: ring.folder, maxBytes, maxAgeS }, "frames are recorded");
  return new RecordedSource(source, ring, (error) => {
    const { message, hint } = asGradelineError(error);
    log.error({ hint }, `${message}; the camera goes on without being recorded`);
  });
}

/** Closing it closes the source and the recording. */
export class RecordedSource implements FrameSource {
  readonly status?: () => SourceStatus;
  readonly trigger?: (at?: Micros) => Promise<Micros>;
  readonly #source: FrameSource;
  readonly #ring: RingRecorder;
  readonly #failed: (error: unknown) => void;
  #broken = false;

  /** @param failed called once when frames cannot be written any more */
  constructor(source: FrameSource, ring: RingRecorder, failed: (error: unknown) => void) {
    this.#source = source;
    this.#ring = ring;
    this.#failed = failed;
    if (source.status !== undefined) this.status = () => source.status!();
    if (source.trigger !== undefined) this.trigger = (at) => source.trigger!(at);
  }

  get widthPx(): number {
    return this.#source.widthPx;
  }

  get heightPx(): number {
    return this.#source.heightPx;
  }

  get counters(): FrameSource["counters"] {
    return this.#source.counters;
  }

  async *frames(): AsyncIterableIterator<Frame> {
    for await (const frame of this.#source.frames()) {
      if (!this.#broken) this.#attempt(() => this.#ring.offer(frame));
      yield frame;
    }
  }

  async close(): Promise<void> {
    await this.#source.close();
    await this.#ring.close().catch((error: unknown) => this.#fail(error));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#broken) this.#failed(error);
    this.#broken = true;
  }
}

/** @returns bytes of the file */
async function writeImage(path: string, { widthPx, heightPx, data }: Frame, compress: boolean): Promise<number> {
  const png = await sharp(Buffer.from(data), { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .png({ compressionLevel: compress ? 1 : 0 })
    .toBuffer();
  await writeFile(path, png);
  return png.length;
}

async function appendLine(path: string, line: string): Promise<void> {
  const index = await open(path, "a");
  try {
    await index.write(`${line}\n`);
  } finally {
    await index.close();
  }
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

async function ageMs(folder: string): Promise<number> {
  const lines = (await readFile(join(folder, INDEX_NAME), "utf8").catch(() => "")).trimEnd();
  if (lines === "") return Number.POSITIVE_INFINITY;
  return Date.now() - (await stat(join(folder, INDEX_NAME))).mtimeMs;
}
