import { join } from "node:path";
import { GradelineError } from "../../../device/base/errors.ts";
import { createLog } from "../../../device/base/log.ts";
import { type Config, type ConfigInput, configSchema } from "../../../device/config/schema.ts";
import type { Metrics } from "../../../device/contract/metrics.ts";
import { createMetrics, type Stage, stages } from "../../../device/contract/metrics.ts";
import { watchLine } from "../../../device/demo/samples.ts";
import { truthsOf } from "../../../device/demo/truth.ts";
import { openEmbedder } from "../../../device/embed/open-embedder.ts";
import { enroll } from "../../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../../device/gallery/store.ts";

/*
 * The line that is measured: two cameras of 1280x720, two belt lanes each. 1500 mm/s over 150 mm are 10 fruit a second
 * and lane; a fruit is whole over some 490 mm of the 576 in the picture, 50 mm a frame: about 10 views.
 */
const CAMERAS = 2;
const LANES_PER_CAMERA = 2;
const WIDTH_PX = 1280;
const HEIGHT_PX = 720;
const FPS = 30;
const MM_PER_PX = 0.45;
const SPEED_MM_PER_S = 1500;
const SPACING_MM = 150;
const GATE_MM = 400;
/** Fruit per lane that the gallery is enrolled from. */
const ENROLL_ITEMS = 55;
const ENROLL_SEED = 1_000_003;

export interface BenchLine {
  /** Holds gallery, journals and frames. */
  readonly folder: string;
  readonly brokerUrl: string;
  readonly model: string;
  readonly threads: number;
  /** Largest batch, and how long one waits to fill; the configuration's defaults where absent. */
  readonly maxBatch?: number | undefined;
  readonly maxDelayMs?: number | undefined;
}

/** What a child process is started with. */
export interface ChildTask {
  readonly line: BenchLine;
  readonly seconds: number;
  readonly frames: number;
  readonly views: number;
}

export function benchConfig(
  line: BenchLine,
  run: { readonly seed: number; readonly startAt: number; readonly pace: "real" | "fast"; readonly items?: number },
): Config {
  const cameras: ConfigInput["cameras"] = [];
  const lanes: ConfigInput["lanes"] = [];
  for (let c = 0; c < CAMERAS; c++) {
    cameras.push({
      id: `camera${c}`,
      source: {
        kind: "line",
        conveyor: "belt",
        lanes: LANES_PER_CAMERA,
        widthPx: WIDTH_PX,
        heightPx: HEIGHT_PX,
        fps: FPS,
        mmPerPx: MM_PER_PX,
        speedMmPerS: SPEED_MM_PER_S,
        spacingMm: SPACING_MM,
        gateMm: GATE_MM,
        seed: run.seed * CAMERAS + c,
        startAt: run.startAt,
        pace: run.pace,
        ...(run.items === undefined ? {} : { items: run.items, strangers: 0 }),
      },
    });
    for (let band = 0; band < LANES_PER_CAMERA; band++) {
      const h = HEIGHT_PX / LANES_PER_CAMERA;
      lanes.push({
        id: `lane${c}${band}`,
        camera: `camera${c}`,
        roi: { x: 0, y: band * h, w: WIDTH_PX, h },
        mmPerPx: MM_PER_PX,
        gateMm: GATE_MM,
        conveyor: { kind: "belt", speedMmPerS: SPEED_MM_PER_S },
      });
    }
  }
  return configSchema.parse({
    device: "bench",
    model: line.model,
    gallery: join(line.folder, "gallery"),
    embedder: {
      provider: "cpu",
      threads: line.threads,
      ...(line.maxBatch === undefined ? {} : { maxBatch: line.maxBatch }),
      ...(line.maxDelayMs === undefined ? {} : { maxDelayMs: line.maxDelayMs }),
    },
    journal: { path: join(line.folder, "journal.sqlite") },
    mqtt: { url: line.brokerUrl },
    cameras,
    lanes,
  } satisfies ConfigInput);
}

/** Enrolls fruit of another seed, as the demo does; returns the number of reference views. */
export async function enrollGallery(line: BenchLine): Promise<{ items: number; views: number }> {
  const config = benchConfig(line, { seed: ENROLL_SEED, startAt: 1, pace: "fast", items: ENROLL_ITEMS });
  const embedder = await openEmbedder(config.model, config.embedder);
  const writer = await GalleryWriter.open(config.gallery);
  try {
    const truths = truthsOf(config, ENROLL_ITEMS);
    const samples = watchLine(config, embedder.model, truths, createLog("warn"));
    const { references } = await enroll(writer, embedder, samples);
    return { items: references.length, views: references.reduce((sum, { views }) => sum + views, 0) };
  } finally {
    writer.close();
    await embedder.close();
  }
}

export type StageTimes = Record<Stage, number[]>;

/** The station's own measurements, every one kept; milliseconds. */
export function keepingMetrics(): { metrics: Metrics; times: StageTimes; batches: number[] } {
  const metrics = createMetrics();
  const times = Object.fromEntries(stages.map((stage) => [stage, []])) as unknown as StageTimes;
  const batches: number[] = [];
  const stage = Object.fromEntries(
    stages.map((name) => [name, { observe: (seconds: number) => void times[name].push(seconds * 1000) }]),
  ) as unknown as Metrics["stage"];
  return {
    metrics: { ...metrics, stage, batchSize: { observe: (count) => void batches.push(count) } },
    times,
    batches,
  };
}

/** The task of a child process. */
export function taskOf(argv: readonly string[]): ChildTask {
  const text = argv[2];
  if (text === undefined) throw new GradelineError("USAGE", "this part of the bench is started by test/bench/main.ts");
  return JSON.parse(text) as ChildTask;
}
