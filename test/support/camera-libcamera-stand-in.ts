import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { parseArgs } from "node:util";
import sharp from "sharp";

/**
 * Stands in for `libcamera-vid` and `libcamera-still` where there is no such camera. Keeps their documented contract:
 * unknown options end it with code 255 and "ERROR: *** unrecognised option"; `vid --codec yuv420` writes whole planes
 * with rows padded to 64 bytes, at the set rate, until it is interrupted; `still` writes one picture and ends.
 *
 * STAND_IN_CALLS names a file to which it appends its arguments; STAND_IN_DIE ends it after so many frames in the
 * middle of one; STAND_IN_MUTE keeps it running without a frame; STAND_IN_FAIL makes it say that and end.
 */
const [program, ...words] = process.argv.slice(2);
const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const { STAND_IN_CALLS, STAND_IN_DIE, STAND_IN_MUTE, STAND_IN_FAIL } = process.env;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(255);
}

if (STAND_IN_CALLS !== undefined)
  writeFileSync(STAND_IN_CALLS, `${JSON.stringify([program, ...words])}\n`, { flag: "a" });
if (STAND_IN_FAIL !== undefined) fail(STAND_IN_FAIL);
const values = options();
const width = Number(values.width);
const height = Number(values.height);

if (program?.endsWith("still")) {
  // A camera that gives no picture keeps it waiting.
  if (STAND_IN_MUTE !== undefined) await new Promise((resolve) => setTimeout(resolve, 600_000));
  const image = sharp({ create: { width, height, channels: 3, background: { r: 200, g: 100, b: 50 } } });
  await image.png().toFile(String(values.output));
} else {
  await video();
}

function options() {
  try {
    return parseArgs({
      args: words,
      options: {
        camera: text,
        width: text,
        height: text,
        output: text,
        nopreview: flag,
        shutter: text,
        gain: text,
        awb: text,
        awbgains: text,
        denoise: text,
        hflip: flag,
        vflip: flag,
        timeout: text,
        codec: text,
        framerate: text,
        flush: flag,
        verbose: text,
        encoding: text,
      },
    }).values;
  } catch (error) {
    fail(`ERROR: *** unrecognised option: ${error instanceof Error ? error.message : error} ***`);
  }
}

async function video(): Promise<void> {
  if (values.codec !== "yuv420") fail("ERROR: *** only yuv420 here ***");
  process.on("SIGINT", () => process.exit(0));
  const file = await open(String(values.output), "w");
  const stride = Math.ceil(width / 64) * 64;
  const frame = Buffer.alloc((stride * height * 3) / 2, 255);
  const period = 1000 / Number(values.framerate);
  let count = 0;
  setInterval(() => {
    if (STAND_IN_MUTE !== undefined) return;
    // Grey that grows by one a frame; the padding stays 255.
    const plane = (from: number, rows: number, bytes: number, step: number, value: number) => {
      for (let row = 0; row < rows; row++) frame.fill(value, from + row * step, from + row * step + bytes);
    };
    plane(0, height, width, stride, 16 + (count % 200));
    plane(stride * height, height, width / 2, stride / 2, 128);
    if (STAND_IN_DIE !== undefined && count === Number(STAND_IN_DIE)) {
      void file.write(frame.subarray(0, frame.length / 2)).then(() => fail("ERROR: *** failed to start camera ***"));
      return;
    }
    count++;
    // A copy: the next frame may be drawn before this one is written.
    void file.write(Buffer.from(frame)).catch(() => process.exit(1));
  }, period);
}
