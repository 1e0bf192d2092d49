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
  const password = config.password === undefined ? undefined : await readSecret(config.password);
  const { delayMs, onEnd } = config;
  const setup = { config, password, delayMs, onEnd, firstRetryMs: FIRST_RETRY_MS };
  return LiveSource.open(new URL("./thread.ts", import.meta.url), setup, log);
}
