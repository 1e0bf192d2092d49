import type { ConfigInput } from "../config/schema.ts";

/** Millimetres per pixel of the demo's cameras, at the height of the fruit. */
const MM_PER_PX = 0.58;
const WIDTH_PX = 1280;
const HEIGHT_PX = 720;
/** From the exit edge of the frame to the gate. */
const GATE_MM = 400;
const BELT_MM_PER_S = 700;
const CUP_PITCH_MM = 105;
const CUP_WINDOWS = 6;
const CUPS_PER_S = 5;

/** Cameras that look at the belt's fruit: one from above, the other from the side and a little further on. */
const BELT_CAMERAS = [
  { camera: "belt", offsetMm: 0, angleDeg: 0 },
  { camera: "belt-side", offsetMm: 200, angleDeg: 120 },
];

export interface DemoLine {
  readonly seed: number;
  readonly fruit: string | undefined;
  /** Which individuals of `fruit` to show: figures come from fruit that were never enrolled. */
  readonly individuals: "all" | "even" | "odd";
  /** Microseconds since the Unix epoch at which the line starts; 0: when opened. */
  readonly startAt: number;
  readonly items: number | undefined;
  readonly pace: "real" | "fast";
  /** Share of strangers. */
  readonly strangers: number;
  /** How many cameras see the belt's fruit; one where absent. */
  readonly beltCameras?: 1 | 2;
}

/** Cameras and lanes of the simulated line: a free-running belt, seen by one camera or two, and triggered cups. */
export function demoLine(line: DemoLine): Pick<ConfigInput, "cameras" | "lanes"> {
  const common = {
    kind: "line" as const,
    lanes: 1,
    widthPx: WIDTH_PX,
    heightPx: HEIGHT_PX / 2,
    mmPerPx: MM_PER_PX,
    gateMm: GATE_MM,
    startAt: line.startAt,
    pace: line.pace,
    strangers: line.strangers,
    ...(line.items === undefined ? {} : { items: line.items }),
    ...(line.fruit === undefined ? {} : { fruit: line.fruit, individuals: line.individuals }),
  };
  const beltCameras = BELT_CAMERAS.slice(0, line.beltCameras ?? 1);
  return {
    cameras: [
      ...beltCameras.map(({ camera, ...seenFrom }) => ({
        id: camera,
        source: {
          ...common,
          conveyor: "belt" as const,
          fps: 30,
          speedMmPerS: BELT_MM_PER_S,
          spacingMm: 150,
          seed: line.seed * 2,
          seenFrom,
        },
      })),
      {
        id: "cups",
        source: {
          ...common,
          conveyor: "cups",
          speedMmPerS: CUP_PITCH_MM * CUPS_PER_S,
          spacingMm: CUP_PITCH_MM,
          seed: line.seed * 2 + 1,
        },
      },
    ],
    lanes: [
      {
        id: "belt",
        cameras: beltCameras,
        mmPerPx: MM_PER_PX,
        gateMm: GATE_MM,
        conveyor: { kind: "belt", speedMmPerS: BELT_MM_PER_S },
      },
      {
        id: "cups",
        camera: "cups",
        mmPerPx: MM_PER_PX,
        gateMm: GATE_MM,
        conveyor: {
          kind: "cups",
          pitchMm: CUP_PITCH_MM,
          windows: CUP_WINDOWS,
          firstWindowMm: CUP_PITCH_MM / 2,
          speedMmPerS: CUP_PITCH_MM * CUPS_PER_S,
        },
      },
    ],
  };
}
