import { Scope } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { Model } from "../embed/embedder.ts";
import type { Sample } from "../gallery/enroll.ts";
import { Camera, type CameraListener } from "../lanes/camera.ts";
import { spreadViews } from "../teach/kept.ts";
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
  const scope = new Scope();
  const ready: Sample[] = [];
  let wake = Promise.withResolvers<void>();
  const crops = new Map<string, Uint8Array[]>();
  const listener: CameraListener = {
    async frame(_camera, frame) {
      take(frame.lanes);
    },
    async rest(_camera, sightings) {
      take(sightings);
    },
    restarted: () => {},
    changed: () => wake.resolve(),
  };
  const take = (lanes: Parameters<CameraListener["rest"]>[1]): void => {
    for (const { lane, sightings } of lanes) {
      for (const sighting of sightings) {
        const key = `${lane} ${sighting.item}`;
        if (sighting.kind === "view") {
          crops.set(key, [...(crops.get(key) ?? []), sighting.crop]);
          continue;
        }
        const views = crops.get(key) ?? [];
        crops.delete(key);
        const truth = nearestTruth(truths, lane, sighting.gateAt);
        if (truth?.grade == null || truth.grade === "unknown" || views.length === 0) continue;
        ready.push({
          grade: truth.grade,
          origin: `simulated line, ${lane} ${sighting.item}`,
          crops: spreadViews(views.length).map((view) => views[view]!),
        });
        wake.resolve();
      }
    }
  };
  try {
    const shape = { sizePx: model.sizePx, margin: model.cropMargin, fill: model.cropFill };
    const cameras = await Promise.all(
      config.cameras.map(async (camera) =>
        scope.add(
          await Camera.open(
            { camera, lanes: config.lanes.filter((lane) => lane.camera === camera.id), crop: shape },
            listener,
            log,
          ),
        ),
      ),
    );
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
    await scope.close();
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
