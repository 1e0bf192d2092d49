import { GradelineError } from "../../base/errors.ts";
import type { LibcameraConfig } from "../../config/camera.ts";

/** What may reach the command line: node-libcamera hands it to a shell, joined with spaces. */
type Value = number | true | string | readonly [number, number];

/** Words that the programs know. Whatever else a configuration may hold never becomes an option. */
const WORDS: ReadonlySet<string> = new Set(
  ["yuv420", "png", "auto", "incandescent", "tungsten", "fluorescent", "indoor", "daylight", "cloudy"].concat([
    "off",
    "cdn_off",
    "cdn_fast",
    "cdn_hq",
  ]),
);
/** Paths of our own making, below the system's folder for temporary files. */
const SAFE_PATH = /^\/[A-Za-z0-9/_.-]+$/;

/**
 * Options of `libcamera-vid` for raw frames without an end.
 *
 * @throws {GradelineError} SOURCE when anything in it is not a number, a known word or a plain path
 */
export function videoOptions(config: LibcameraConfig, output: string): Record<string, Value> {
  return checked({
    ...common(config, output),
    timeout: 0,
    codec: "yuv420",
    framerate: config.fps,
    flush: true,
    // One line per frame on standard error would fill the buffer that node-libcamera keeps of it.
    verbose: 0,
  });
}

/** Options of `libcamera-still` for one picture at once. @throws {GradelineError} SOURCE, see {@link videoOptions} */
export function stillOptions(config: LibcameraConfig, output: string): Record<string, Value> {
  return checked({ ...common(config, output), timeout: 500, encoding: "png" });
}

function common(config: LibcameraConfig, output: string): Record<string, Value | undefined> {
  const { awbGains } = config;
  return {
    camera: config.camera,
    width: config.widthPx,
    height: config.heightPx,
    output,
    nopreview: true,
    shutter: config.exposureUs,
    gain: config.gain,
    awb: config.awb,
    awbgains: awbGains === undefined ? undefined : [awbGains.red, awbGains.blue],
    denoise: config.denoise,
    hflip: config.hflip ? true : undefined,
    vflip: config.vflip ? true : undefined,
  };
}

function checked(options: Record<string, Value | undefined>): Record<string, Value> {
  const safe: Record<string, Value> = {};
  for (const [name, value] of Object.entries(options)) {
    // node-libcamera would pass an absent or false option as a flag.
    if (value === undefined) continue;
    if (!isSafe(name, value)) {
      throw new GradelineError("SOURCE", `libcamera option ${name} is refused: ${JSON.stringify(value)}`, {
        hint: name === "output" ? "TMPDIR must be a plain path" : "this value is not one the camera programs know",
      });
    }
    safe[name] = value;
  }
  return safe;
}

function isSafe(name: string, value: Value): boolean {
  if (value === true) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "string") return name === "output" ? SAFE_PATH.test(value) : WORDS.has(value);
  return value.every((part) => Number.isFinite(part));
}
