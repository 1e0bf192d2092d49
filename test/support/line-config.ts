import { type Config, type ConfigInput, configSchema } from "../../device/config/schema.ts";
import type { Truth } from "../../device/demo/tally.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import { TINY } from "./embedder-tiny.ts";

/** Small frames of a slow line: cheap, and a fruit is in view for two seconds, so that a busy machine misses none. */
const WIDTH_PX = 480;
const HEIGHT_PX = 160;
const MM_PER_PX = 1.2;
const GATE_MM = 200;
const SPEED_MM_PER_S = 250;
const PITCH_MM = 110;
const WINDOWS = 5;
/** A verdict's time at the gate is true to a few centimetres of a slow belt; fruit are 400 ms apart where they touch. */
export const TOLERANCE_US = 120_000;

/** From a fruit's first sight in the frame to its gate. */
export const FRAME_TO_GATE_US = ((WIDTH_PX * MM_PER_PX + GATE_MM + 60) / SPEED_MM_PER_S) * 1e6;

export interface SmallLine {
  readonly folder: string;
  readonly brokerPort: number;
  readonly pace: "real" | "fast";
  /** Microseconds since the Unix epoch. */
  readonly startAt: number;
  /** Per lane; without an end where absent. */
  readonly items?: number;
  readonly more?: Partial<ConfigInput>;
}

/** A daemon's configuration with a simulated belt and a simulated cup conveyor, each with a camera of its own. */
export function smallLine({ folder, brokerPort, pace, startAt, items, more = {} }: SmallLine): ConfigInput {
  const common = {
    kind: "line" as const,
    widthPx: WIDTH_PX,
    heightPx: HEIGHT_PX,
    mmPerPx: MM_PER_PX,
    gateMm: GATE_MM,
    speedMmPerS: SPEED_MM_PER_S,
    startAt,
    pace,
    ...(items === undefined ? {} : { items }),
  };
  return {
    device: "board",
    model: TINY,
    gallery: `${folder}/gallery`,
    journal: { path: `${folder}/journal.sqlite` },
    mqtt: { url: `mqtt://127.0.0.1:${brokerPort}` },
    console: { port: 0 },
    log: { level: "info" },
    cameras: [
      { id: "belt", source: { ...common, conveyor: "belt", fps: 12, spacingMm: 160, touching: 0, seed: 3 } },
      { id: "cups", source: { ...common, conveyor: "cups", spacingMm: PITCH_MM, seed: 4 } },
    ],
    lanes: [
      {
        id: "belt",
        camera: "belt",
        mmPerPx: MM_PER_PX,
        gateMm: GATE_MM,
        conveyor: { kind: "belt", speedMmPerS: SPEED_MM_PER_S },
      },
      {
        id: "cups",
        camera: "cups",
        mmPerPx: MM_PER_PX,
        gateMm: GATE_MM,
        conveyor: {
          kind: "cups",
          pitchMm: PITCH_MM,
          windows: WINDOWS,
          firstWindowMm: PITCH_MM / 2,
          speedMmPerS: SPEED_MM_PER_S,
        },
      },
    ],
    ...more,
  };
}

/** What passes on the simulated lanes of a configuration, in order of their times at the gate. */
export function truthOf(config: ConfigInput, count: number): Truth[] {
  const parsed: Config = configSchema.parse(config);
  return truthsOf(parsed, count).sort((a, b) => a.gateAt - b.gateAt);
}
