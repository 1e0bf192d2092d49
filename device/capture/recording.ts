import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { GradelineError } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import { formatMicros, type Micros, parseMicros } from "../base/time.ts";
import { writePng } from "./image.ts";
import type { FrameSource } from "./source.ts";

/** Lists the frames of a recording, one JSON object a line; the images lie beside it. */
export const INDEX_NAME = "frames.jsonl";

/** An index of a day at 100 frames a second has about 1 GB; this is an hour at 30. */
const MAX_INDEX_BYTES = 64 * 1024 * 1024;

const lineSchema = z.strictObject({
  seq: z.number().int().min(0),
  exposedAt: z
    .string()
    .refine((text) => !Number.isNaN(parseMicros(text)), "RFC 3339 in UTC, e.g. 2026-11-23T15:04:05.123456Z"),
  status: z.enum(["ok", "incomplete"]),
  cameraId: z.number().int().min(0).optional(),
  cameraNs: z
    .string()
    .regex(/^\d{1,19}$/, "whole nanoseconds in digits")
    .optional(),
  file: z
    .string()
    .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/, "the name of a file in the same folder: letters, digits, . _ or -"),
});

export interface RecordedFrame {
  readonly seq: number;
  readonly exposedAt: Micros;
  readonly status: "ok" | "incomplete";
  readonly cameraId?: number;
  readonly cameraNs?: bigint;
  /** Path of its image. */
  readonly file: string;
}

/**
 * Writes frames of a source as PNG files with an index that replay plays back, until the source ends.
 * A line of the index is written after its image, so that a recording that was cut short can be played.
 *
 * @param folder made where absent; must not hold a recording yet
 * @param maxFrames stops after that many
 * @returns frames written
 * @throws {GradelineError} FILE when the folder holds a recording or cannot be written
 */
export async function recordFrames(
  source: FrameSource,
  folder: string,
  maxFrames = Number.POSITIVE_INFINITY,
): Promise<number> {
  const index = await createIndex(folder);
  let written = 0;
  try {
    for await (const frame of source.frames()) {
      const file = `${String(frame.seq).padStart(8, "0")}.png`;
      await writePng(join(folder, file), frame);
      await index.write(`${indexLine(frame, file)}\n`);
      if (++written >= maxFrames) break;
    }
  } finally {
    await index.close();
  }
  return written;
}

/** What the index says of one frame; its pixels lie in `file`. */
export function indexLine({ seq, exposedAt, status, cameraId, cameraNs }: Frame, file: string): string {
  // A number of JSON does not hold nanoseconds since 1970.
  return JSON.stringify({
    seq,
    exposedAt: formatMicros(exposedAt),
    status,
    cameraId,
    cameraNs: cameraNs?.toString(),
    file,
  });
}

/**
 * Reads the index of a recording.
 *
 * @throws {GradelineError} SOURCE when a line is damaged or out of order (a torn last line is left out),
 *   SOURCE_EMPTY when it has none
 */
export async function readRecording(folder: string): Promise<RecordedFrame[]> {
  const path = join(folder, INDEX_NAME);
  const lines = (await readIndex(path)).split("\n");
  // Without its line end the last line was cut off while it was written.
  lines.pop();
  const frames = lines.map((line, i) => parseLine(path, folder, line, i + 1));
  for (let i = 1; i < frames.length; i++) {
    const [before, frame] = [frames[i - 1]!, frames[i]!];
    if (frame.seq > before.seq && frame.exposedAt > before.exposedAt) continue;
    throw damaged(path, i + 1, "`seq` and `exposedAt` must be later than on the line before");
  }
  if (frames.length === 0) {
    throw new GradelineError("SOURCE_EMPTY", `${path} lists no frame`, {
      hint: "record again, or name another folder",
    });
  }
  return frames;
}

async function createIndex(folder: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    await mkdir(folder, { recursive: true });
    return await open(join(folder, INDEX_NAME), "wx");
  } catch (cause) {
    throw new GradelineError("FILE", `cannot start a recording in ${folder}`, {
      hint: "name a folder without a recording that the daemon may write to",
      cause,
    });
  }
}

async function readIndex(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_INDEX_BYTES) {
      throw new GradelineError("SOURCE", `${path} has ${size} bytes, at most ${MAX_INDEX_BYTES} are read`, {
        hint: "cut the recording into shorter ones",
      });
    }
    return await readFile(file, "utf8");
  } finally {
    await file.close();
  }
}

function parseLine(path: string, folder: string, text: string, number: number): RecordedFrame {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, number, "it is not JSON", cause);
  }
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw damaged(path, number, `${issue.path.join(".") || "the line"}: ${issue.message}`);
  }
  const { seq, exposedAt, status, cameraId, cameraNs, file } = parsed.data;
  return {
    seq,
    exposedAt: parseMicros(exposedAt),
    status,
    ...(cameraId === undefined ? {} : { cameraId }),
    ...(cameraNs === undefined ? {} : { cameraNs: BigInt(cameraNs) }),
    file: join(folder, file),
  };
}

function damaged(path: string, line: number, what: string, cause?: unknown): GradelineError {
  return new GradelineError("SOURCE", `${path} line ${line}: ${what}`, {
    hint: "each line is one JSON object {seq, exposedAt, status, file}; record again, or repair that line",
    cause,
  });
}
