import { GradelineError } from "../base/errors.ts";
import type { LineConfig } from "../config/schema.ts";

/** Longest half axis of any fruit on the line with its sideways jitter: what must fit into a lane, a pitch, a window. */
const REACH_MM = 48;

/** What follows from the configuration alone. Lengths in millimetres, x from the frame's entry edge along the travel. */
export interface LineGeometry {
  readonly widthMm: number;
  /** Height of one lane's band; lane n lies at n * bandMm from the top. */
  readonly bandMm: number;
  /** Frames per second: as configured on a belt, one per pitch on cups. */
  readonly fps: number;
  /** Cups that one frame shows whole; 0 on a belt. */
  readonly windows: number;
  /** Centre of the first window; window w is at firstWindowMm + w * spacingMm. On a belt 0. */
  readonly firstWindowMm: number;
  /** Cups without fruit that come before the first item, so that what follows the line sees it empty; 0 on a belt. */
  readonly leadCups: number;
}

/**
 * Works out the line's geometry and refuses what cannot be a line.
 *
 * @throws {GradelineError} CONFIG when a fruit would not fit into a lane, between two others, or into the frame
 */
export function lineGeometry(config: LineConfig): LineGeometry {
  const widthMm = config.widthPx * config.mmPerPx;
  const bandMm = (config.heightPx * config.mmPerPx) / config.lanes;
  const needMm = 2 * REACH_MM;
  if (bandMm < needMm || widthMm < 2 * needMm) {
    throw new GradelineError(
      "CONFIG",
      `the simulated frame shows ${widthMm.toFixed(0)} mm along and ${bandMm.toFixed(0)} mm across each lane; fruit need ${2 * needMm} mm and ${needMm} mm`,
      { hint: "raise widthPx, heightPx or mmPerPx, or take fewer lanes" },
    );
  }
  if (config.spacingMm < needMm) {
    throw new GradelineError("CONFIG", `spacingMm is ${config.spacingMm}, fruit need ${needMm} mm each`, {
      hint: "raise spacingMm; fruit that touch come with `touching`",
    });
  }
  if (config.conveyor === "belt") {
    return { widthMm, bandMm, fps: config.fps, windows: 0, firstWindowMm: 0, leadCups: 0 };
  }
  const firstWindowMm = config.spacingMm / 2;
  const windows = Math.floor((widthMm - REACH_MM - firstWindowMm) / config.spacingMm) + 1;
  return {
    widthMm,
    bandMm,
    fps: config.speedMmPerS / config.spacingMm,
    windows,
    firstWindowMm,
    leadCups: windows + 1,
  };
}

/** Moment at which the centre of a body at `offsetMm` behind the entry edge at time 0 is at `xMm`, world seconds. */
export function timeAt(config: LineConfig, offsetMm: number, xMm: number): number {
  return (xMm + offsetMm) / config.speedMmPerS;
}
