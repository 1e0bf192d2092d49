import type { Log } from "../base/log.ts";
import { type Clock, systemClock } from "../capture/pacing.ts";
import type { FrameSource } from "../capture/source.ts";
import type { SourceConfig } from "../config/schema.ts";

/**
 * Opens the source that a configuration names.
 *
 * @param clock paces sources that play at their own speed
 * @param log takes what cameras and their drivers say
 * @throws {GradelineError} what each source says of its configuration, files and folders
 */
export async function openSource(config: SourceConfig, clock: Clock = systemClock, log?: Log): Promise<FrameSource> {
  // Every camera has a thread, and a thread its own copy of the code: only what this camera needs is loaded.
  switch (config.kind) {
    case "replay":
      return await (await import("../capture/replay.ts")).openReplay(config, clock, log);
    case "line":
      return await (await import("../simulation/source.ts")).openLine(config, clock);
    case "gige":
      return await (await import("../capture/gige/open-gige.ts")).openGige(config, log);
    case "gst":
      return await (await import("../capture/gst/open-gst.ts")).openGst(config, log);
    case "libcamera":
      return await (await import("../capture/libcamera/open-libcamera.ts")).openLibcamera(config, log);
  }
}
