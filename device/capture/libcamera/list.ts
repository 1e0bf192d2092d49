import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CameraSearch, FoundCamera } from "../camera-search.ts";

const run = promisify(execFile);

/** Cameras on the connectors of a Raspberry Pi and its like. */
export async function listLibcameraCameras(): Promise<CameraSearch> {
  for (const program of ["rpicam-hello", "libcamera-hello"]) {
    try {
      const { stdout, stderr } = await run(program, ["--list-cameras"], { timeout: 10_000 });
      return { kind: "libcamera", cameras: parseList(`${stdout}\n${stderr}`), advice: [] };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      const advice = [`${program} --list-cameras failed: ${error instanceof Error ? error.message : error}`];
      return { kind: "libcamera", cameras: [], advice };
    }
  }
  const advice = ["rpicam-apps are not there (only needed for a camera on a Raspberry Pi's connector)"];
  return { kind: "libcamera", cameras: [], advice };
}

/**
 * @param text what `rpicam-hello --list-cameras` prints: `0 : imx477 [4056x3040 12-bit RGGB] (/base/…)`, below it the
 *   modes as `'SRGGB10_CSI2P' : 1332x990 [120.05 fps - …]`
 */
export function parseList(text: string): FoundCamera[] {
  const cameras: (FoundCamera & { formats: string[] })[] = [];
  let format = "";
  for (const line of text.split("\n")) {
    const camera = /^(\d+)\s*:\s*(\S+)\s*(\[[^\]]*\])?/.exec(line);
    if (camera !== null) {
      const [, name = "", model = "", sensor = ""] = camera;
      cameras.push({ kind: "libcamera", name, label: `${model} ${sensor}`.trim(), formats: [] });
      continue;
    }
    format = /'(\w+)'/.exec(line)?.[1] ?? format;
    const mode = /(\d+x\d+) \[([\d.]+) fps/.exec(line);
    if (mode !== null) cameras.at(-1)?.formats.push(`${format} ${mode[1]} at ${Number(mode[2])} fps`);
  }
  return cameras;
}
