import { writeFileSync } from "node:fs";
import { createLog } from "../../../device/base/log.ts";
import { parseMicros } from "../../../device/base/time.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { createMetrics } from "../../../device/contract/metrics.ts";
import { openEmbedder } from "../../../device/embed/open-embedder.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { loadRecipe } from "../../../device/recipes/load.ts";
import { Station } from "../../../device/station/station.ts";
import type { SideTask } from "./side.ts";

/** The product's line on the same frames, for as long as the bench wants; `line.py` says what it writes at the end. */

const task = JSON.parse(process.argv[2]!) as SideTask;
const cameras = task.frames.map((path, index) => ({
  id: `camera${index}`,
  source: { kind: "replay" as const, path, fps: task.fps, pace: task.pace },
}));
const lanes = cameras.flatMap(({ id: camera }, index) =>
  Array.from({ length: task.lanesPerCamera }, (_, lane) => ({
    id: `lane${index}${lane}`,
    camera,
    roi: { x: 0, y: lane * task.laneHeightPx, w: task.widthPx, h: task.laneHeightPx },
    mmPerPx: task.mmPerPx,
    gateMm: 400,
    conveyor: { kind: "belt" as const, speedMmPerS: task.mmPerS },
  })),
);
const config = configSchema.parse({
  device: "bench",
  model: task.description,
  gallery: task.gallery,
  embedder: { provider: "cpu", threads: 1 },
  journal: { path: task.journal },
  mqtt: { url: task.broker },
  console: { enabled: false },
  cameras,
  lanes,
});
const base = createMetrics();
const batches: [number, number][] = [];
const observe = (count: number): void => void batches.push([Date.now() / 1000, count]);
const metrics = { ...base, batchSize: { observe } };
const embedder = await openEmbedder(config.model, config.embedder);
const recipe = await loadRecipe(config, embedder.model);
const journal = await Journal.open(config.journal);
const opener = new URL("../line/raw.ts", import.meta.url).href;
const station = await Station.open({ config, log: createLog("error"), embedder, recipe, journal, metrics, opener });
const acks: [number, number][] = [];
const items: number[] = [];
station.events.on("acked", (verdict, at) => acks.push([at / 1e6, parseMicros(verdict.exposedAt) / 1e6]));
station.events.on("item", () => items.push(Date.now() / 1000));
process.once("SIGTERM", () => {
  const frames = { seen: 0, dropped: 0 };
  for (const { counters } of station.cameras.values()) {
    frames.seen += counters.seen;
    frames.dropped += counters.dropped;
  }
  writeFileSync(task.out, JSON.stringify({ acks, items, batches, frames }));
  process.kill(process.pid, "SIGKILL");
});
process.stdout.write("READY\n");
