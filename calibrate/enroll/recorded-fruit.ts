import { GradelineError } from "../../device/base/errors.ts";
import { Scope } from "../../device/base/lifecycle.ts";
import { createLog } from "../../device/base/log.ts";
import { formatMicros } from "../../device/base/time.ts";
import { laneNamed } from "../../device/config/lane-names.ts";
import type { Config, LaneConfig } from "../../device/config/schema.ts";
import type { Model } from "../../device/embed/embedder.ts";
import { Camera, type CameraListener } from "../../device/lanes/camera.ts";
import type { LaneSightings } from "../../device/lanes/camera-messages.ts";
import { spreadViews } from "../../device/teach/kept.ts";

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
  const scope = new Scope();
  const ready: RecordedFruit[] = [];
  let closed = false;
  const crops = new Map<string, Uint8Array[]>();
  let arrived = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  const see = async (seen: readonly LaneSightings[]): Promise<void> => {
    for (const { lane, sightings } of seen) {
      for (const sighting of sightings) {
        const key = `${lane} ${sighting.item}`;
        const views = crops.get(key) ?? [];
        if (sighting.kind === "view") {
          views.push(sighting.crop);
          crops.set(key, views);
          continue;
        }
        crops.delete(key);
        if (views.length === 0) continue;
        const { exposedAt, sizeMm } = sighting;
        ready.push({
          lane,
          exposedAt: formatMicros(exposedAt),
          sizeMm,
          views: views.length,
          crops: spreadViews(views.length).map((view) => views[view]!),
        });
        arrived.resolve();
      }
    }
    // The camera's thread goes on when this resolves.
    while (ready.length > MAX_READY && !closed) await taken.promise;
  };
  const listener: CameraListener = {
    frame: (_camera, { lanes: seen }) => see(seen),
    rest: (_camera, seen) => see(seen),
    restarted: () => {},
    changed: () => arrived.resolve(),
  };
  try {
    const source = { kind: "replay" as const, path, fps: 30, pace: "fast" as const, loop: false };
    const { sizePx, cropMargin, cropFill } = model;
    const crop = { sizePx, margin: cropMargin, fill: cropFill };
    const camera = await Camera.open(
      { camera: { id: "recording", source }, lanes, crop },
      listener,
      createLog("silent"),
    );
    scope.add({
      close: () => {
        // What waits for room must not keep the camera open.
        closed = true;
        taken.resolve();
        return camera.close();
      },
    });
    let ended = false;
    void camera.finished.then(() => {
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
      if (camera.state === "waiting") {
        throw new GradelineError("SOURCE", `${path} cannot be played to its end: ${camera.reason ?? "it broke off"}`, {
          hint: "record again, or cut the recording before that place",
        });
      }
      if (ended) return;
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
  } finally {
    await scope.close();
  }
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
