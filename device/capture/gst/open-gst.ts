import { access, constants } from "node:fs/promises";
import { GradelineError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { GstConfig } from "../../config/camera.ts";
import { readSecret } from "../../config/file.ts";
import { LiveSource } from "../live/live-source.ts";
import { splitPipeline } from "./arguments.ts";

/** A child is soon made again; later pauses are longer. */
const FIRST_RETRY_MS = 500;

/**
 * Opens a camera by a GStreamer pipeline and waits for its first frame.
 *
 * @throws {GradelineError} SOURCE with the pipeline's own words and a hint; CONFIG when a quote is left open
 */
export async function openGst(config: GstConfig, log?: Log): Promise<LiveSource> {
  if (config.pipeline !== undefined) splitPipeline(config.pipeline);
  if (config.preset === "file") await checkVideo(config.path ?? "");
  const password = config.password === undefined ? undefined : await readSecret(config.password);
  const { delayMs, onEnd } = config;
  const setup = { config, password, delayMs, onEnd, firstRetryMs: FIRST_RETRY_MS };
  return LiveSource.open(new URL("./thread.ts", import.meta.url), setup, log);
}

async function checkVideo(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new GradelineError("SOURCE", `the video ${path} cannot be read: ${(cause as Error).message}`, {
      hint: "`path` names a video that exists and that the daemon may read",
      cause,
    });
  });
}
