import type { Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { Model } from "../embed/embedder.ts";
import type { Sample } from "../gallery/enroll.ts";
import { FruitWatch } from "../lanes/fruit-watch.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";
import { spreadViews } from "../teach/enrollable.ts";
import type { Truth } from "./tally.ts";

/**
 * Watches a line that runs as fast as it can and hands out its fruit with the grade that the simulation knows: what an
 * operator does who enrolls fruit as they pass. Strangers and empty cups are left out.
 *
 * @param perGrade stop when each grade has so many
 */
export async function* watchLine(
  config: Pick<Config, "cameras" | "lanes">,
  model: Model,
  truths: readonly Truth[],
  log: Log,
): AsyncGenerator<Sample> {
  const ready: Sample[] = [];
  let wake = Promise.withResolvers<void>();
  const fruit = ({ lane, passed, crops, cameras }: DecidedItem): void => {
    const truth = nearestTruth(truths, lane.id, passed.gateAt);
    if (truth?.grade == null || truth.grade === "unknown" || crops.length === 0) return;
    ready.push({
      grade: truth.grade,
      origin: `simulated line, ${lane.id}${cameras === undefined ? "" : ` (${cameras.join(", ")})`} ${passed.item}`,
      crops: spreadViews(crops.length).map((view) => crops[view]!),
    });
    wake.resolve();
  };
  const shape = { sizePx: model.sizePx, margin: model.cropMargin, fill: model.cropFill };
  const watch = await FruitWatch.open(
    config,
    shape,
    { fruit, room: () => Promise.resolve(), changed: () => wake.resolve() },
    log,
  );
  const { cameras } = watch;
  try {
    while (ready.length > 0 || cameras.some(({ state }) => state === "ok" || state === "opening")) {
      const sample = ready.shift();
      if (sample !== undefined) {
        yield sample;
        continue;
      }
      await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    await watch.close();
  }
}

function nearestTruth(truths: readonly Truth[], lane: string, gateAt: number): Truth | undefined {
  let best: Truth | undefined;
  for (const truth of truths) {
    if (truth.lane !== lane) continue;
    if (best === undefined || Math.abs(truth.gateAt - gateAt) < Math.abs(best.gateAt - gateAt)) best = truth;
  }
  return best;
}
