import { setTimeout as pause } from "node:timers/promises";
import { Scope } from "../../../device/base/lifecycle.ts";
import { createLog } from "../../../device/base/log.ts";
import { type Config, configSchema } from "../../../device/config/schema.ts";
import type { Stage } from "../../../device/contract/metrics.ts";
import { openEmbedder } from "../../../device/embed/open-embedder.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { loadRecipe } from "../../../device/recipes/load.ts";
import { Station } from "../../../device/station/station.ts";
import { runBare } from "./bare.ts";
import { type ProcessFigures, ProcessGauge, type Spread, spreadOf } from "./gauge.ts";
import { rawFile, viewsFile } from "./raw.ts";
import { benchConfig, type ChildTask, keepingMetrics, taskOf } from "./setup.ts";

/** The station with frames as fast as it takes them, between runs of the bare session on the same views. */

export interface SaturationFigures {
  readonly viewsPerS: number;
  readonly itemsPerS: number;
  readonly framesPerS: number;
  readonly viewsPerBatch: number;
  /** Before, between and after the turns of the whole line. */
  readonly bareViewsPerS: readonly number[];
  /** Views per second of each turn of the whole line, over the mean of the bare runs around it. */
  readonly ratios: readonly number[];
  readonly stages: Readonly<Record<Stage, Spread>>;
  readonly process: ProcessFigures;
  /** Of the first turn, before stations were closed and opened in the same process. */
  readonly rssPeakMb: number;
}

interface Turn {
  readonly views: number;
  readonly batches: number;
  readonly items: number;
  readonly frames: number;
  readonly process: ProcessFigures;
  readonly stages: Readonly<Record<Stage, Spread>>;
}

/** Turns of bare session and line, so that a busy moment of the machine meets both. */
const TURNS = 3;
const WARM_UP_MS = 2000;

async function saturate({ line, seconds }: ChildTask): Promise<SaturationFigures> {
  const config = replayed(benchConfig(line, { seed: 1, startAt: 0, pace: "fast" }), line.folder);
  const { model, embedder } = config;
  const bareTask = {
    model,
    threads: embedder.threads,
    views: viewsFile(line.folder),
    batch: embedder.maxBatch,
    seconds: seconds / TURNS / 2,
  };
  const bare = [(await runBare(bareTask)).viewsPerS];
  const turns: Turn[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    turns.push(await runLine(config, seconds / TURNS));
    bare.push((await runBare(bareTask)).viewsPerS);
  }
  const rates = turns.map(({ views, process }) => views / process.seconds);
  const ratios = rates.map((rate, i) => rate / ((bare[i]! + bare[i + 1]!) / 2));
  const middle = [...turns.keys()].sort((a, b) => ratios[a]! - ratios[b]!)[TURNS >> 1]!;
  const { views, items, frames, batches, stages, process } = turns[middle]!;
  return {
    viewsPerS: rates[middle]!,
    itemsPerS: items / process.seconds,
    framesPerS: frames / process.seconds,
    viewsPerBatch: views / Math.max(1, batches),
    bareViewsPerS: bare,
    ratios,
    stages,
    process,
    rssPeakMb: turns[0]!.process.rssPeakMb,
  };
}

async function runLine(config: Config, seconds: number): Promise<Turn> {
  const scope = new Scope();
  try {
    const { metrics, times, batches } = keepingMetrics();
    scope.add(metrics);
    const embedder = scope.add(await openEmbedder(config.model, config.embedder));
    const recipe = await loadRecipe(config, embedder.model);
    const journal = scope.add(await Journal.open(config.journal));
    const opener = new URL("./raw.ts", import.meta.url).href;
    const log = createLog("warn");
    const station = scope.add(await Station.open({ config, log, embedder, recipe, journal, metrics, opener }));
    let items = 0;
    station.events.on("item", () => items++);
    await pause(WARM_UP_MS);
    for (const values of Object.values(times)) values.length = 0;
    batches.length = 0;
    items = 0;
    const gauge = new ProcessGauge();
    await pause(seconds * 1000);
    const figures = gauge.stop();
    return {
      views: batches.reduce((sum, count) => sum + count, 0),
      batches: batches.length,
      items,
      frames: times.vision.length,
      process: figures,
      stages: Object.fromEntries(Object.entries(times).map(([stage, values]) => [stage, spreadOf(values)])) as Record<
        Stage,
        Spread
      >,
    };
  } finally {
    await scope.close();
  }
}

/** The same lanes on frames that were rendered before. */
function replayed(config: Config, folder: string): Config {
  return configSchema.parse({
    ...config,
    cameras: config.cameras.map(({ id }, c) => ({ id, source: { kind: "replay", path: rawFile(folder, c), fps: 30 } })),
  });
}

process.send!(await saturate(taskOf(process.argv)));
process.disconnect();
