import { GradelineError } from "../../base/errors.ts";
import type { GstConfig } from "../../config/camera.ts";

/** The descriptor of the child on which it writes frames: its standard output is not ours, drivers print on it. */
export const FRAMES_FD = 3;

/**
 * What follows on gst-launch-1.0 for a camera. Passed as an argv array; no shell sees it.
 *
 * @param password of an RTSP camera
 */
export function gstArguments(config: GstConfig, password?: string): string[] {
  return [
    "-q",
    ...sourceArguments(config, password),
    ..."! videoconvert ! video/x-raw,format=RGB".split(" "),
    ..."! queue leaky=downstream max-size-buffers=2 max-size-bytes=0 max-size-time=0".split(" "),
    ...`! gdppay ! fdsink fd=${FRAMES_FD} sync=false`.split(" "),
  ];
}

function sourceArguments(config: GstConfig, password: string | undefined): string[] {
  switch (config.preset) {
    case "test":
      return ["videotestsrc", "is-live=true", `pattern=${config.pattern ?? "ball"}`, "!", raw(config, true)];
    case "usb":
      return usb(config);
    case "csi":
      return csi(config);
    case "rtsp":
      return rtsp(config, password);
    case "file":
      return video(config);
    case undefined:
      return splitPipeline(config.pipeline ?? "");
  }
}

function usb(config: GstConfig): string[] {
  const source = ["v4l2src", `device=${config.device ?? "/dev/video0"}`];
  const controls = Object.entries(config.controls ?? {});
  if (controls.length > 0) {
    source.push(`extra-controls=controls,${controls.map(([name, value]) => `${name}=${value}`).join(",")}`);
  }
  switch (config.encoding ?? "raw") {
    case "mjpeg":
      return [...source, "!", caps("image/jpeg", config, false), "!", "jpegdec"];
    case "bayer":
      return [...source, "!", caps("video/x-bayer", config, false), "!", "bayer2rgb"];
    default:
      return [...source, "!", raw(config, false)];
  }
}

function csi(config: GstConfig): string[] {
  const source = ["nvarguscamerasrc", `sensor-id=${config.sensor ?? 0}`];
  if (config.whiteBalanceMode !== undefined) source.push(`wbmode=${WB_MODES.indexOf(config.whiteBalanceMode)}`);
  if (config.exposureUs !== undefined) source.push(range("exposuretimerange", config.exposureUs * 1000));
  if (config.gain !== undefined) source.push(range("gainrange", config.gain));
  if (config.exposureUs !== undefined && config.gain !== undefined) source.push("aelock=true");
  const format = `${caps("video/x-raw(memory:NVMM)", config, true)},format=NV12`;
  return [...source, "!", format, "!", "nvvidconv", "!", "video/x-raw,format=BGRx"];
}

/** In the order of the numbers of nvarguscamerasrc's `wbmode`. */
const WB_MODES: readonly string[] = [
  "off",
  "auto",
  "incandescent",
  "fluorescent",
  "warm-fluorescent",
  "daylight",
  "cloudy-daylight",
];

function rtsp(config: GstConfig, password: string | undefined): string[] {
  const source = ["rtspsrc", property("location", config.url ?? ""), "protocols=tcp"];
  source.push(`latency=${config.latencyMs ?? 100}`, "drop-on-latency=true");
  if (config.username !== undefined) source.push(property("user-id", config.username));
  if (password !== undefined) source.push(property("user-pw", password));
  return [...source, "!", "decodebin", "!", "videoconvert", "!", "videoscale", "!", raw(config, false)];
}

/** A file has no pace of its own: `identity sync=true` lets each frame out at its time. */
function video(config: GstConfig): string[] {
  const source = ["filesrc", property("location", config.path ?? ""), "!", "decodebin", "!", "videoconvert"];
  return [...source, "!", "videoscale", "!", "videorate", "!", raw(config, false), "!", "identity", "sync=true"];
}

function raw(config: GstConfig, live: boolean): string {
  return caps("video/x-raw", config, live);
}

function caps(type: string, { widthPx, heightPx, fps }: GstConfig, whole: boolean): string {
  const parts = [type];
  const width = widthPx ?? (whole ? 1280 : undefined);
  const height = heightPx ?? (whole ? 720 : undefined);
  const rate = fps ?? (whole ? 30 : undefined);
  if (width !== undefined) parts.push(`width=${width}`);
  if (height !== undefined) parts.push(`height=${height}`);
  if (rate !== undefined) parts.push(`framerate=${fraction(rate)}`);
  return parts.join(",");
}

/** 29.97 is 30000/1001 and so on; whole rates stay whole. */
function fraction(fps: number): string {
  if (Number.isInteger(fps)) return `${fps}/1`;
  const ntsc = Math.round(fps * 1.001);
  if (Math.abs((ntsc * 1000) / 1001 - fps) < 0.01) return `${ntsc * 1000}/1001`;
  return `${Math.round(fps * 1000)}/1000`;
}

function range(name: string, value: number): string {
  return `${name}="${value} ${value}"`;
}

/** A property whose value may hold anything: quoted, so that the pipeline's grammar has no say in it. */
function property(name: string, value: string): string {
  return `${name}="${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/**
 * Cuts a pipeline as a user writes it into the words gst-launch-1.0 takes. A quoted part stays in one word, quotes
 * included: gst-launch reads them itself.
 *
 * @throws {GradelineError} CONFIG when a quote is left open
 */
export function splitPipeline(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+|["'\\]/gsu) ?? [];
  if (words.some((word) => word === '"' || word === "'" || word === "\\")) {
    throw new GradelineError("CONFIG", `a quote is left open in the pipeline: ${text}`);
  }
  return words;
}
