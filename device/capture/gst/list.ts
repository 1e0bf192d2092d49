import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { CameraSearch, FoundCamera } from "../camera-search.ts";
import { packageOf } from "./diagnose.ts";

const run = promisify(execFile);
/** What every pipeline of ours needs, besides the camera's own element. */
const NEEDED = ["videoconvert", "v4l2src", "rtspsrc", "gdppay"];
const DEVICES = "/sys/class/video4linux";

/** Cameras that the kernel offers (USB and connectors), their formats, and what a GStreamer camera still needs. */
export async function listGstCameras(): Promise<CameraSearch> {
  const advice = await programAdvice();
  const names = (await readdir(DEVICES).catch(() => [])).sort();
  const cameras: FoundCamera[] = [];
  for (const name of names) {
    const device = `/dev/${name}`;
    const label = (await readFile(`${DEVICES}/${name}/name`, "utf8").catch(() => name)).trim();
    if (!(await allowed(device))) {
      advice.push(
        `${device} may not be opened: add the service's user to the group video (usermod -aG video gradeline)`,
      );
    }
    const formats = await formatsOf(device);
    if (formats === undefined) advice.push("formats are listed by v4l2-ctl: apt-get install v4l-utils");
    // A camera has a second device for its metadata, which offers no format.
    else if (formats.length === 0) continue;
    cameras.push({ kind: "gst", name: device, label, formats: formats ?? [] });
  }
  return { kind: "gst", cameras, advice: [...new Set(advice)] };
}

async function programAdvice(): Promise<string[]> {
  try {
    await run("gst-launch-1.0", ["--version"]);
  } catch {
    return ["gst-launch-1.0 is not there: apt-get install gstreamer1.0-tools"];
  }
  const advice: string[] = [];
  for (const element of NEEDED) {
    await run("gst-inspect-1.0", ["--exists", element]).catch(() => {
      advice.push(`GStreamer has no ${element}: apt-get install ${packageOf(element)}`);
    });
  }
  return [...new Set(advice)];
}

async function allowed(device: string): Promise<boolean> {
  return access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** @returns undefined where v4l2-ctl is not installed */
async function formatsOf(device: string): Promise<string[] | undefined> {
  try {
    const { stdout } = await run("v4l2-ctl", ["-d", device, "--list-formats-ext"]);
    return parseFormats(stdout);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : [];
  }
}

/**
 * @param text what `v4l2-ctl --list-formats-ext` prints
 * @returns e.g. `MJPG 1280x720 at 30, 15 fps`
 */
export function parseFormats(text: string): string[] {
  const formats: string[] = [];
  let format = "";
  let size = "";
  let rates: string[] = [];
  const finish = (): void => {
    if (size !== "") formats.push(`${format} ${size}${rates.length === 0 ? "" : ` at ${rates.join(", ")} fps`}`);
    size = "";
    rates = [];
  };
  for (const line of text.split("\n")) {
    const kind = /^\s*\[\d+\]: '(....)'/.exec(line);
    const pixels = /Size: \w+ (\d+x\d+)/.exec(line);
    const rate = /\(([\d.]+) fps\)/.exec(line);
    if (kind !== null || pixels !== null) finish();
    if (kind !== null) format = kind[1]!.trim();
    if (pixels !== null) size = pixels[1]!;
    if (rate !== null) rates.push(String(Number(rate[1])));
  }
  finish();
  return formats;
}
