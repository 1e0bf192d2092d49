import { formatMicros, nowMicros } from "../base/time.ts";
import type { Reason } from "../contract/reasons.ts";
import type { Camera } from "./camera.ts";

/** A camera that gives no frame for so long counts as away, whatever its source says. */
const FRAME_AGE_LIMIT_MS = 5000;

/** @param paused nobody needs its frames now */
export function* cameraReasons(camera: Camera, paused: boolean): Iterable<Reason> {
  const { id, state, reason, runsFreely } = camera;
  const ageMs = camera.frameAgeMs();
  if (state === "waiting") yield { code: "camera-away", camera: id, message: `camera ${id}: ${reason ?? "away"}` };
  else if (state === "ok" && runsFreely && !paused && ageMs !== undefined && ageMs > FRAME_AGE_LIMIT_MS) {
    // A time and not an age: the text stays while the reason stays.
    const last = Math.round(nowMicros() - ageMs * 1000);
    const since = formatMicros(last).slice(0, 19);
    yield { code: "camera-silent", camera: id, since: last, message: `camera ${id}: no frame since ${since}Z` };
  }
  for (const { lane, troubles } of camera.reports) {
    const where = lane === undefined ? `camera ${id}` : `lane ${lane}`;
    for (const { kind, message, hint } of troubles) {
      yield { code: kind, camera: id, ...(lane === undefined ? {} : { lane }), message: `${where}: ${message}`, hint };
    }
  }
}
