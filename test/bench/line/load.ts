import { setTimeout as pause } from "node:timers/promises";
import { Scope } from "../../../device/base/lifecycle.ts";
import { createLog } from "../../../device/base/log.ts";
import { nowMicros } from "../../../device/base/time.ts";
import type { Stage } from "../../../device/contract/metrics.ts";
import { openEmbedder } from "../../../device/embed/open-embedder.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { loadRecipe } from "../../../device/recipes/load.ts";
import { Station } from "../../../device/station/station.ts";
import { type ProcessFigures, ProcessGauge, type Spread, spreadOf } from "./gauge.ts";
import { benchConfig, type ChildTask, keepingMetrics, taskOf } from "./setup.ts";

/** The line at its own pace through the whole station, in a process of its own. */

export interface LoadFigures {
  readonly stages: Readonly<Record<Stage, Spread>>;
  readonly viewsPerS: number;
  readonly itemsPerS: number;
  readonly viewsPerBatch: number;
  readonly frames: { readonly seen: number; readonly dropped: number };
  readonly process: ProcessFigures;
}

/** The line starts when everything is open. */
const HEAD_START_US = 1_500_000;
/** Not measured: empty belt, first compilation of the code. */
const WARM_UP_MS = 5000;

async function load({ line, seconds }: ChildTask): Promise<LoadFigures> {
  const scope = new Scope();
  try {
    const config = benchConfig(line, { seed: 1, startAt: nowMicros() + HEAD_START_US, pace: "real" });
    const { metrics, times, batches } = keepingMetrics();
    scope.add(metrics);
    const embedder = scope.add(await openEmbedder(config.model, config.embedder));
    const recipe = await loadRecipe(config, embedder.model);
    const journal = scope.add(await Journal.open(config.journal));
    const log = createLog("warn");
    const station = scope.add(await Station.open({ config, log, embedder, recipe, journal, metrics }));
    let acked = 0;
    station.events.on("acked", () => acked++);
    await pause(HEAD_START_US / 1000 + WARM_UP_MS);
    for (const values of Object.values(times)) values.length = 0;
    batches.length = 0;
    acked = 0;
    const before = framesOf(station);
    const gauge = new ProcessGauge();
    await pause(seconds * 1000);
    const figures = gauge.stop();
    const after = framesOf(station);
    const views = batches.reduce((sum, count) => sum + count, 0);
    return {
      stages: Object.fromEntries(Object.entries(times).map(([stage, values]) => [stage, spreadOf(values)])) as Record<
        Stage,
        Spread
      >,
      viewsPerS: views / figures.seconds,
      itemsPerS: acked / figures.seconds,
      viewsPerBatch: views / Math.max(1, batches.length),
      frames: { seen: after.seen - before.seen, dropped: after.dropped - before.dropped },
      process: figures,
    };
  } finally {
    await scope.close();
  }
}

function framesOf(station: Station): { seen: number; dropped: number } {
  let seen = 0;
  let dropped = 0;
  for (const { counters } of station.cameras.values()) {
    seen += counters.seen;
    dropped += counters.dropped;
  }
  return { seen, dropped };
}

process.send!(await load(taskOf(process.argv)));
process.disconnect();
