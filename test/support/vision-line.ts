import type { Frame } from "../../device/base/frame.ts";
import { configSchema, type LaneConfig, type LineConfig, lineSchema } from "../../device/config/schema.ts";
import { lineMicros, openLine } from "../../device/simulation/source.ts";
import { lineTruth, type TruthItem } from "../../device/simulation/world.ts";
import { createFollower } from "../../device/vision/create-follower.ts";
import type { ItemPassed, Sighting, ViewSeen } from "../../device/vision/follower.ts";

/** Epoch of simulated lines in tests. */
const START_AT = 1_700_000_000_000_000;

export const CROP = { sizePx: 96, margin: 0.06, fill: 118 };

/** A simulated line that plays as fast as it is read. */
export function lineConfig(config: Partial<LineConfig>): LineConfig {
  return lineSchema.parse({ kind: "line", startAt: START_AT, pace: "fast", heightPx: 360, ...config });
}

/** The lane that looks at the upper band of a simulated line. */
export function laneOf(config: LineConfig, changes: Partial<LaneConfig> = {}): LaneConfig {
  const { mmPerPx, speedMmPerS, spacingMm, gateMm, widthPx, heightPx, lanes } = config;
  const windows = Math.floor((widthPx * mmPerPx - 48 - spacingMm / 2) / spacingMm) + 1;
  return configSchema.shape.lanes.element.parse({
    id: "a",
    camera: "c",
    roi: { x: 0, y: 0, w: widthPx, h: Math.floor(heightPx / lanes) },
    mmPerPx,
    gateMm,
    conveyor:
      config.conveyor === "belt"
        ? { kind: "belt", speedMmPerS }
        : { kind: "cups", pitchMm: spacingMm, windows, firstWindowMm: spacingMm / 2, speedMmPerS },
    ...changes,
  });
}

export interface LineRun {
  readonly items: readonly ItemPassed[];
  /** Without their crops. */
  readonly views: readonly Omit<ViewSeen, "crop">[];
  readonly truth: readonly TruthItem[];
  /** Sequence number of the frame whose step told of each item. */
  readonly toldAt: readonly number[];
  readonly frames: number;
}

export interface LineChanges {
  /** What becomes of a frame before the follower sees it; undefined: lost. */
  readonly frame?: (frame: Frame) => Frame | undefined;
  readonly lane?: Partial<LaneConfig>;
  /** Frames before this one are not seen: the daemon starts with the line running. */
  readonly from?: number;
}

/** Runs a follower over a whole simulated line. */
export async function runLine(config: LineConfig, changes: LineChanges = {}): Promise<LineRun> {
  const source = await openLine(config);
  const follower = createFollower(laneOf(config, changes.lane), CROP, source);
  const items: ItemPassed[] = [];
  const views: Omit<ViewSeen, "crop">[] = [];
  const toldAt: number[] = [];
  let frames = 0;
  const take = (sightings: readonly Sighting[]): void => {
    for (const sighting of sightings) {
      if (sighting.kind === "view") {
        const { crop: _, ...view } = sighting;
        views.push(view);
      } else {
        items.push(sighting);
        toldAt.push(frames);
      }
    }
  };
  for await (const frame of source.frames()) {
    frames = frame.seq;
    if (frame.seq < (changes.from ?? 0)) continue;
    const changed = changes.frame === undefined ? frame : changes.frame(frame);
    if (changed !== undefined) take(follower.step(changed));
  }
  take(follower.finish());
  await source.close();
  return { items, views, truth: [...lineTruth(config, 0)], toldAt, frames: frames + 1 };
}

/** Microseconds of a moment of the truth. */
export function truthMicros(seconds: number): number {
  return lineMicros(START_AT, seconds);
}
