import type { Closable } from "../base/lifecycle.ts";
import type { Micros } from "../base/time.ts";

/** One camera image. `data` belongs to the source and is valid until the next frame is asked for. */
export interface Frame {
  /** Counts exposures of this source from its start, without gaps at the camera: a jump is a frame that was lost. */
  readonly seq: number;
  /** Middle of the exposure; the camera's own time where it has one, else the time of arrival. */
  readonly exposedAt: Micros;
  /** `incomplete`: part of the pixels never arrived; nothing is measured on it, but it counts. */
  readonly status: "ok" | "incomplete";
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGB8, rows from the top, (heightPx * widthPx * 3). */
  readonly data: Uint8Array;
}

/** Where frames come from. The newest frame wins: one that nobody took in time is dropped and counted. */
export interface FrameSource extends Closable {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly counters: SourceCounters;
  /**
   * Frames in order until the source ends or is closed. One reader at a time.
   *
   * @throws {GradelineError} SOURCE when the source breaks
   */
  frames(): AsyncIterableIterator<Frame>;
  /** Ends a running `frames()` after the current frame. */
  close(): Promise<void>;
}

export interface SourceCounters {
  /** Exposures that took place, delivered or not. */
  readonly seen: number;
  /** Exposures that were not delivered because a newer one was there. */
  readonly dropped: number;
  /** Frames delivered with status `incomplete`. */
  readonly incomplete: number;
}
