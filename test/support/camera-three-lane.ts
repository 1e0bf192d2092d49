import { once } from "node:events";
import { createLog } from "../../device/base/log.ts";
import { nowMicros } from "../../device/base/time.ts";
import { type ConfigInput, configSchema } from "../../device/config/schema.ts";
import { truthsOf } from "../../device/demo/truth.ts";
import { FruitWatch } from "../../device/lanes/fruit-watch.ts";
import type { DecidedItem } from "../../device/recipes/decided-item.ts";
import { plugCamera } from "./camera-networks.ts";

/**
 * Three GigE Vision cameras, each in a network of its own, see one lane of the simulated line from three sides. To be
 * started in a network namespace of its own: `unshare --net node camera-three-lane.ts ITEMS`. Prints one JSON object.
 */
const FPS = 12.5;
const PERIOD_US = 1e6 / FPS;
const SIZE = { widthPx: 480, heightPx: 120 };
const MM_PER_PX = 1.2;
const SPEED = 450;
const GATE_MM = 600;
const PLACES = [
  { offsetMm: 0, angleDeg: 0 },
  { offsetMm: 0, angleDeg: 120 },
  { offsetMm: 300, angleDeg: -120 },
];
/** From the last camera's first frames on: the order to start has to be there before. */
const HEAD_START_US = 1_000_000;
/** Frames of the empty belt that each camera gives before. */
const FRAMES_FIRST = 10;
/** Two fruit are 110 mm apart at least. */
const NEAR_US = 100_000;

const items = Number(process.argv[2] ?? 200);
const line = {
  kind: "line" as const,
  ...SIZE,
  fps: FPS,
  mmPerPx: MM_PER_PX,
  speedMmPerS: SPEED,
  spacingMm: 150,
  touching: 0,
  rolls: false,
  seed: 21,
  gateMm: GATE_MM,
};
const program = new URL("./camera-line-server.ts", import.meta.url).pathname;

function configOf(source: (n: number) => ConfigInput["cameras"][number]["source"]) {
  return configSchema.parse({
    device: "three",
    gallery: "none",
    cameras: PLACES.map((_, n) => ({ id: `side${n}`, source: source(n) })),
    lanes: [
      {
        id: "lane",
        mmPerPx: MM_PER_PX,
        gateMm: GATE_MM,
        cameras: PLACES.map((place, n) => ({ camera: `side${n}`, ...place })),
        conveyor: { kind: "belt", speedMmPerS: SPEED },
      },
    ],
  });
}

let late = 0;
const cameras = await Promise.all(
  PLACES.map(async (seenFrom, n) => {
    const scene = JSON.stringify({ ...line, seenFrom }).replaceAll("'", "");
    const camera = await plugCamera(n + 1, `${process.execPath} ${program} ADDRESS '${scene}'`);
    const [ready] = await once(camera.lines, "data");
    if (!String(ready).includes("ready")) throw new Error(`camera ${n}: ${ready}`);
    camera.lines.on("data", (lines: Buffer) => {
      late += lines.toString().split("\n").length - 1;
    });
    return camera;
  }),
);
const config = configOf((n) => ({
  kind: "gige",
  camera: cameras[n]!.address,
  packetSocket: true,
  packetSize: 1400,
  fps: FPS,
  roi: { w: SIZE.widthPx, h: SIZE.heightPx },
}));
const seen: DecidedItem[] = [];
let until = Number.POSITIVE_INFINITY;
const passed = Promise.withResolvers<void>();
const looking = Promise.withResolvers<void>();
let watch: FruitWatch | undefined;
watch = await FruitWatch.open(
  config,
  { sizePx: 32, margin: 0.1, fill: 128 },
  {
    fruit: (item) => void seen.push(item),
    // Frames come on after the last fruit, too.
    room: async () => {
      if (watch?.cameras.every(({ counters }) => counters.seen >= FRAMES_FIRST)) looking.resolve();
      if (nowMicros() > until + 1e6) passed.resolve();
    },
    changed: () => {},
  },
  createLog("silent"),
);
// The line waits for its cameras: it starts when all of them give frames of the empty belt.
await looking.promise;
const startAt = Math.ceil((Date.now() * 1000 + HEAD_START_US) / PERIOD_US) * PERIOD_US;
for (const camera of cameras) camera.tell(String(startAt));
const truths = truthsOf(
  configOf((n) => ({ ...line, startAt, seenFrom: PLACES[n]! })),
  items,
);
until = truths.at(-1)!.gateAt;
await passed.promise;
const counters = watch.cameras.map((camera) => camera.counters);
await watch.close();
for (const camera of cameras) camera.kill();
const hits = truths.map(() => 0);
const byCameras = [0, 0, 0, 0];
let overdue = 0;
for (const item of seen) {
  const hit = truths.findIndex(({ gateAt }) => Math.abs(gateAt - item.passed.gateAt) < NEAR_US);
  if (hit < 0) continue;
  hits[hit]!++;
  byCameras[item.cameras!.length]!++;
  if (item.decidedAt > item.passed.gateAt) overdue++;
}
process.stdout.write(
  `${JSON.stringify({
    passed: truths.length,
    missed: hits.filter((hit) => hit === 0).length,
    double: hits.filter((hit) => hit > 1).length,
    byCameras,
    overdue,
    late,
    counters,
  })}\n`,
);
process.exit(0);
