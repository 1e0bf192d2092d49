import { createLog } from "../../device/base/log.ts";
import { type Config, type ConfigInput, configSchema } from "../../device/config/schema.ts";
import type { Reason } from "../../device/contract/reasons.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import { cameraReasons } from "../../device/lanes/camera-reasons.ts";
import { FruitWatch } from "../../device/lanes/fruit-watch.ts";
import type { DecidedItem } from "../../device/recipes/decided-item.ts";

export interface CamerasLine {
  readonly conveyor: "belt" | "cups";
  /** Along the belt, one for each camera. */
  readonly offsetsMm: readonly number[];
  readonly items: number;
  readonly more?: object;
  /** What is special about each camera's place, and about its entry in the lane. */
  readonly seenFrom?: readonly object[];
  readonly entries?: readonly object[];
  readonly lane?: object;
}

const SIZE = { widthPx: 480, heightPx: 120, mmPerPx: 1.2 };
const SPEED = 400;
const PITCH_MM = 110;
const GATE_MM = 300;
export const ANGLES_DEG = [0, 120, -120, 180];

/** One lane of the simulated line that several cameras see from different sides. */
export function camerasLine(line: CamerasLine): Pick<ConfigInput, "cameras" | "lanes"> {
  const { conveyor, offsetsMm, items, more = {}, seenFrom = [], entries = [], lane = {} } = line;
  const common = {
    kind: "line" as const,
    conveyor,
    ...SIZE,
    fps: 20,
    speedMmPerS: SPEED,
    spacingMm: conveyor === "cups" ? PITCH_MM : 150,
    seed: 7,
    pace: "fast" as const,
    startAt: 1e15,
    items,
    gateMm: GATE_MM,
    ...more,
  };
  return {
    cameras: offsetsMm.map((offsetMm, i) => ({
      id: `c${i}`,
      source: { ...common, seenFrom: { offsetMm, angleDeg: ANGLES_DEG[i]!, ...seenFrom[i] } },
    })),
    lanes: [
      {
        id: "a",
        mmPerPx: SIZE.mmPerPx,
        gateMm: GATE_MM,
        cameras: offsetsMm.map((offsetMm, i) => ({
          camera: `c${i}`,
          offsetMm,
          angleDeg: ANGLES_DEG[i]!,
          ...entries[i],
        })),
        conveyor:
          conveyor === "belt"
            ? { kind: "belt", speedMmPerS: SPEED }
            : { kind: "cups", pitchMm: PITCH_MM, windows: 4, firstWindowMm: PITCH_MM / 2, speedMmPerS: SPEED },
        ...lane,
      },
    ],
  };
}

export interface Watched {
  readonly config: Config;
  readonly items: readonly DecidedItem[];
  /** What the fruit say of the cameras at the end, and what the cameras say of themselves. */
  readonly reasons: readonly Reason[];
  readonly troubles: readonly Reason[];
  readonly missed: number;
  readonly double: number;
}

/** Plays the line to its end and counts what became of its fruit. */
export async function watchCameras(line: CamerasLine): Promise<Watched> {
  const config = configSchema.parse({ device: "x", gallery: "g", ...camerasLine(line) });
  const items: DecidedItem[] = [];
  const watch = await FruitWatch.open(
    config,
    { sizePx: 32, margin: 0.1, fill: 128 },
    { fruit: (item) => void items.push(item), room: () => Promise.resolve(), changed: () => {} },
    createLog("silent"),
  );
  await Promise.all(watch.cameras.map(({ finished }) => finished));
  const reasons = [...watch.reasons()];
  const troubles = watch.cameras.flatMap((camera) => [...cameraReasons(camera, false)]);
  await watch.close();
  const truths = truthsOf(config, line.items + 20).filter(({ grade }) => grade !== null);
  const hits = truths.map(() => 0);
  for (const { passed } of items) {
    if (passed.presence === "empty") continue;
    let best = 0;
    for (const [i, { gateAt }] of truths.entries()) {
      if (Math.abs(gateAt - passed.gateAt) < Math.abs(truths[best]!.gateAt - passed.gateAt)) best = i;
    }
    if (Math.abs(truths[best]!.gateAt - passed.gateAt) < 60_000) hits[best]!++;
  }
  const count = (wanted: (hit: number) => boolean) => hits.filter(wanted).length;
  return { config, items, reasons, troubles, missed: count((hit) => hit === 0), double: count((hit) => hit > 1) };
}
