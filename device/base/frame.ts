import type { Micros } from "./time.ts";

/** One camera image. `data` belongs to the source and is valid until the next frame is asked for. */
export interface Frame {
  /** Counts exposures of this source from its start, without gaps at the camera: a jump is a frame that was lost. */
  readonly seq: number;
  /** Middle of the exposure; the camera's own time where it has one, else the time of arrival. */
  readonly exposedAt: Micros;
  /** When its last byte was here; absent where frames do not arrive but are made or read. */
  readonly arrivedAt?: Micros;
  /** The camera's own number of this exposure, unwrapped; absent where it gives none. */
  readonly cameraId?: number;
  /** The camera's own time, nanoseconds on its own clock; absent where it gives none. */
  readonly cameraNs?: bigint;
  /** `incomplete`: part of the pixels never arrived; nothing is measured on it, but it counts. */
  readonly status: "ok" | "incomplete";
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGB8, rows from the top, (heightPx * widthPx * 3). */
  readonly data: Uint8Array;
}
