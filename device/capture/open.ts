import type { SourceConfig } from "../base/config.ts";
import type { Log } from "../base/log.ts";
import { openGige } from "./gige/open.ts";
import { openGst } from "./gst/open.ts";
import { openLibcamera } from "./libcamera/open.ts";
import { openLine } from "./line/source.ts";
import { type Clock, systemClock } from "./pacing.ts";
import { openReplay } from "./replay.ts";
import type { FrameSource } from "./source.ts";

/**
 * Opens the source that a configuration names.
 *
 * @param clock paces sources that play at their own speed
 * @param log takes what cameras and their drivers say
 * @throws {GradelineError} what each source says of its configuration, files and folders
 */
export async function openSource(config: SourceConfig, clock: Clock = systemClock, log?: Log): Promise<FrameSource> {
  switch (config.kind) {
    case "replay":
      return await openReplay(config, clock);
    case "line":
      return await openLine(config, clock);
    case "gige":
      return await openGige(config, log);
    case "gst":
      return await openGst(config, log);
    case "libcamera":
      return await openLibcamera(config, log);
  }
}
