import type { Log } from "../../base/log.ts";
import type { GigeConfig } from "../../config/camera.ts";
import { LiveSource } from "../live/live-source.ts";

/** A camera gives up the control of a client that died after about 3 s: earlier tries are refused. */
const FIRST_RETRY_MS = 3000;

/**
 * Opens a GigE Vision or USB3 Vision camera.
 *
 * @throws {GradelineError} SOURCE with the cameras found, or with what the camera offers where a setting does not suit
 */
export async function openGige(config: GigeConfig, log?: Log): Promise<LiveSource> {
  const { delayMs, onEnd } = config;
  const setup = { config, delayMs, onEnd, firstRetryMs: FIRST_RETRY_MS };
  return LiveSource.open(new URL("./thread.ts", import.meta.url), setup, log);
}
