import { join } from "node:path";
import { libcamera } from "node-libcamera";
import type { Log } from "../../base/log.ts";
import type { LibcameraConfig } from "../../config/camera.ts";
import { type Image, readImage } from "../image.ts";
import { LiveSource } from "../live/live-source.ts";
import { stillOptions } from "./options.ts";
import { killHolders, programFailed, searchPath, withFolder } from "./programs.ts";

const FIRST_RETRY_MS = 1000;

/**
 * Opens a camera on a board's own connector and waits for its first frame.
 *
 * @throws {GradelineError} SOURCE when the programs or the camera are not there
 */
export async function openLibcamera(config: LibcameraConfig, log?: Log): Promise<LiveSource> {
  const { delayMs, onEnd } = config;
  const setup = { config, delayMs, onEnd, firstRetryMs: FIRST_RETRY_MS };
  return LiveSource.open(new URL("./thread.ts", import.meta.url), setup, log);
}

/**
 * One still picture, for enrollment. The camera must not be in use.
 *
 * @param stop ends the program
 * @throws {GradelineError} SOURCE when the programs or the camera are not there; the signal's reason
 */
export async function takeStill(config: LibcameraConfig, stop?: AbortSignal): Promise<Image> {
  return withFolder(async (folder) => {
    const output = join(folder, "still.png");
    const options = stillOptions(config, output);
    const path = process.env.PATH ?? "";
    process.env.PATH = await searchPath("still", folder, path);
    const taken = libcamera.still(options as Parameters<typeof libcamera.still>[0]);
    process.env.PATH = path;
    const end = (): void => void killHolders(output, "SIGINT");
    stop?.addEventListener("abort", end, { once: true });
    try {
      await taken;
    } catch (error) {
      stop?.throwIfAborted();
      throw programFailed("libcamera-still", error);
    } finally {
      stop?.removeEventListener("abort", end);
    }
    return await readImage(output);
  });
}
