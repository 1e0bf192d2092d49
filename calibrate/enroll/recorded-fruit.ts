import { join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { createLog } from "../../device/base/log.ts";
import { formatMicros } from "../../device/base/time.ts";
import { laneNamed } from "../../device/config/lane-names.ts";
import type { Config, LaneConfig } from "../../device/config/schema.ts";
import type { Model } from "../../device/embed/embedder.ts";
import { FruitWatch } from "../../device/lanes/fruit-watch.ts";
import { spreadViews } from "../../device/teach/enrollable.ts";

/** A fruit of a recording. */
export interface RecordedFruit {
  readonly lane: string;
  /** When it was last seen, RFC 3339. */
  readonly exposedAt: string;
  readonly sizeMm: number | undefined;
  /** Views that were cut; as many as are enrolled are in `crops`. */
  readonly views: number;
  /** Each (sizePx, sizePx, 3). */
  readonly crops: readonly Uint8Array[];
  /** Which camera saw each of them. */
  readonly cameras: readonly string[];
}

/** Fruit that wait to be taken; beyond it the recording waits, too. */
const MAX_READY = 16;

/**
 * Plays a recording as fast as it can and follows the fruit on its lanes as the daemon would.
 *
 * @param lanes of one camera
 * @throws {GradelineError} SOURCE, SOURCE_EMPTY, IMAGE when it cannot be played to its end
 */
export async function* recordedFruit(
  path: string,
  lanes: readonly LaneConfig[],
  model: Model,
): AsyncGenerator<RecordedFruit> {
  const ready: RecordedFruit[] = [];
  let closed = false;
  let arrived = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  const watch = await FruitWatch.open(
    { cameras: recordedCameras(path, lanes), lanes: [...lanes] },
    { sizePx: model.sizePx, margin: model.cropMargin, fill: model.cropFill },
    {
      fruit: ({ lane, passed, crops, from }) => {
        if (crops.length === 0) return;
        const views = spreadViews(crops.length);
        ready.push({
          lane: lane.id,
          exposedAt: formatMicros(passed.exposedAt),
          sizeMm: passed.sizeMm,
          views: crops.length,
          crops: views.map((view) => crops[view]!),
          cameras: views.map((view) => lane.cameras[from?.[view] ?? 0]!.camera),
        });
        arrived.resolve();
      },
      // The camera's thread goes on when this resolves.
      room: async () => {
        while (ready.length > MAX_READY && !closed) await taken.promise;
      },
      changed: () => arrived.resolve(),
    },
    // A picture that does not decode is a frame less, and is told.
    createLog("warn"),
  );
  try {
    let ended = false;
    void Promise.all(watch.cameras.map(({ finished }) => finished)).then(() => {
      ended = true;
      arrived.resolve();
    });
    for (;;) {
      const fruit = ready.shift();
      if (fruit !== undefined) {
        taken.resolve();
        taken = Promise.withResolvers();
        yield fruit;
        continue;
      }
      const broken = watch.cameras.find(({ state }) => state === "waiting");
      if (broken !== undefined) {
        throw new GradelineError("SOURCE", `${path} cannot be played to its end: ${broken.reason ?? "it broke off"}`, {
          hint: "record again, or cut the recording before that place",
        });
      }
      if (ended) return;
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
  } finally {
    // What waits for room must not keep the camera open.
    closed = true;
    taken.resolve();
    await watch.close();
  }
}

/** A recording of one camera is a folder; one of a lane with several has a folder for each, named after it. */
function recordedCameras(path: string, lanes: readonly LaneConfig[]): Config["cameras"] {
  const ids = [...new Set(lanes.flatMap(({ cameras }) => cameras.map(({ camera }) => camera)))];
  return ids.map((id) => {
    const folder = ids.length === 1 ? path : join(path, id);
    const source = { kind: "replay" as const, path: folder, fps: 30, pace: "fast" as const, loop: false };
    return { id, source: { ...source, startAt: 0, inStepWith: [] } };
  });
}

/**
 * The lanes that a recording shows: the one that was named, or all of the only camera.
 *
 * @throws {GradelineError} USAGE when there is no such lane, or it has to be named
 */
export function lanesOfRecording(config: Config, lane: string | undefined): readonly LaneConfig[] {
  if (lane !== undefined) return [laneNamed(config, lane, "USAGE")];
  if (config.cameras.length === 1) return config.lanes;
  throw new GradelineError(
    "USAGE",
    `${config.cameras.length} cameras are configured, so the recording needs its lane`,
    {
      hint: `--lane, one of: ${config.lanes.map(({ id }) => id).join(", ")}`,
    },
  );
}
