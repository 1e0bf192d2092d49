import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { unwritable, writeAtomic } from "../../device/base/files.ts";
import type { Frame } from "../../device/base/frame.ts";
import { encodePng, type Image } from "../../device/capture/image.ts";
import { takeStill } from "../../device/capture/libcamera/open-libcamera.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import type { SourceConfig } from "../../device/config/schema.ts";
import { openSource } from "../../device/lanes/open-source.ts";
import { pictureFaults } from "../audit/picture-faults.ts";
import { qualityOf } from "../audit/quality.ts";
import type { Context } from "../cli/context.ts";
import { type SourceOptions, sourceOf, untilStopped } from "../cli/source-option.ts";
import { StillReader } from "../pictures/still-reader.ts";

/** As the shipped model has its views. */
const LOOK = { sizePx: 96, cropMargin: 0.06, cropFill: 118 };
/** In it the automatics of a camera settle; libcamera-still takes as long. */
const SETTLE_US = 500_000;
/** Opening a camera may take longer than anybody waits without a word. */
const TELL_MS = 1000;

/** `still`: one picture, as the next of the folder. */
export async function still({ config, stop, json }: Context, folder: string, options: SourceOptions): Promise<void> {
  const source = await sourceOf(config, options, "still");
  const telling = setTimeout(() => {
    if (process.stderr.isTTY) process.stderr.write("waiting for the camera ...\n");
  }, TELL_MS);
  let image: Image;
  try {
    image = source.kind === "libcamera" ? await takeStill(source, stop) : await frameOf(source, stop);
  } finally {
    clearTimeout(telling);
  }
  const { widthPx, heightPx } = image;
  const file = await saveNext(folder, await encodePng(image));
  const warnings = await warningsOf(file);
  if (json) {
    const told = warnings.length === 0 ? {} : { warnings };
    process.stdout.write(`${JSON.stringify({ file, widthPx, heightPx, ...told })}\n`);
    return;
  }
  process.stdout.write(`${file}: ${widthPx}x${heightPx}\n`);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}

/** What is wrong with the picture, said while the fruit still lies there. */
async function warningsOf(file: string): Promise<string[]> {
  const reader = new StillReader(LOOK);
  // What has no fruit in it, or is too small for one, is no view to judge.
  const crop = await reader.crop(file).catch(() => undefined);
  if (crop === undefined) return [];
  const quality = qualityOf(crop, LOOK.sizePx, LOOK.cropFill);
  return pictureFaults()
    .filter(({ bad }) => bad(quality))
    .map(({ found, advice }) => `${file} ${found(quality)} -> ${advice}, and take it again`);
}

async function frameOf(config: SourceConfig, stop: AbortSignal): Promise<Image> {
  const source = await untilStopped(openSource(config), stop);
  const close = (): void => void source.close();
  stop.addEventListener("abort", close, { once: true });
  try {
    const triggered = config.kind === "gige" && config.trigger?.source === "Software";
    const image = await settled(source, triggered);
    if (image !== undefined) return image;
    stop.throwIfAborted();
    throw new GradelineError("SOURCE_EMPTY", "the camera ended before it gave a whole frame");
  } finally {
    stop.removeEventListener("abort", close);
    await source.close();
  }
}

/** The first whole frame after some time; where the source ends sooner, its last one. */
async function settled(source: FrameSource, triggered: boolean): Promise<Image | undefined> {
  let from: number | undefined;
  let last: Image | undefined;
  const frames = source.frames();
  for (;;) {
    const next = frames.next();
    if (triggered) await source.trigger?.();
    const { done, value: frame } = await next;
    if (done === true) return last;
    if (frame.status !== "ok") continue;
    from ??= frame.exposedAt;
    const enough = triggered || frame.exposedAt - from >= SETTLE_US;
    // Its memory is the source's: a copy is made of what may be the last one.
    last = copyOf(frame);
    if (enough) return last;
  }
}

function copyOf({ widthPx, heightPx, data }: Frame): Image {
  return { widthPx, heightPx, data: data.slice() };
}

/** @returns path of the file: 1.png, 2.png and so on */
async function saveNext(folder: string, png: Uint8Array): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    const numbers = (await readdir(folder)).map((name) => Number(/^(\d+)\.png$/.exec(name)?.[1] ?? 0));
    const file = join(folder, `${Math.max(0, ...numbers) + 1}.png`);
    await writeAtomic(file, [png]);
    return file;
  } catch (error) {
    throw error instanceof GradelineError ? error : unwritable(folder, error);
  }
}
