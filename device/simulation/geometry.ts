import { GradelineError } from "../base/errors.ts";
import type { LineConfig } from "../config/schema.ts";

/** Longest half axis of any fruit on the line with its sideways jitter: what must fit into a lane, a pitch, a window. */
const REACH_MM = 48;
/** A belt's speed swings once in so long. */
const WAVE_S = 6;

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
  const meanS = (xMm + offsetMm) / config.speedMmPerS;
  if (waveOf(config) === 0) return meanS;
  let timeS = meanS;
  for (let i = 0; i < 30; i++) {
    const speed = config.speedMmPerS * (1 + config.speedWave * Math.sin((2 * Math.PI * timeS) / WAVE_S));
    timeS -= (travelledMm(config, timeS) - xMm - offsetMm) / speed;
  }
  return timeS;
}

/** How far the conveyor went since world time 0. */
export function travelledMm(config: LineConfig, timeS: number): number {
  const wave = waveOf(config);
  if (wave === 0) return config.speedMmPerS * timeS;
  const turn = (2 * Math.PI) / WAVE_S;
  return config.speedMmPerS * (timeS + (wave / turn) * (1 - Math.cos(turn * timeS)));
}

/** Cups are triggered once per pitch: nothing shows how fast they go. */
function waveOf({ conveyor, speedWave }: LineConfig): number {
  return conveyor === "cups" ? 0 : speedWave;
}
