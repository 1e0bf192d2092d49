import type { Frame } from "../base/frame.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Micros } from "../base/time.ts";

/** A source of frames. The newest frame wins: a frame that nobody took in time is dropped and counted. */
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
  /** State and losses of the camera now; absent if nothing can get lost. Cheap: may be called at any time. */
  status?(): SourceStatus;
  /**
   * Asks a camera that waits for triggers to expose one frame.
   *
   * @param at when; at once where that has passed, or is not given
   * @returns when it was told to
   * @throws {GradelineError} SOURCE when the camera is away or not set to software triggers
   */
  trigger?(at?: Micros): Promise<Micros>;
  /** Ends a running `frames()` after the current frame. */
  close(): Promise<void>;
}

/** A source that lost its camera does not throw: `frames()` waits while the source tries again with growing pauses. */
export interface SourceStatus {
  readonly state: "ok" | "reconnecting";
  /** Why the camera is away. */
  readonly reason?: string;
  readonly hint?: string;
  /** Since when it is so. */
  readonly since: Micros;
}

export interface SourceCounters {
  /** Exposures that took place, delivered or not. */
  readonly seen: number;
  /** Exposures that were not delivered because a newer one was there. */
  readonly dropped: number;
  /** Frames delivered with status `incomplete`. */
  readonly incomplete: number;
  /** Exposures that never arrived, by the gaps between the camera's own frame numbers; absent if it has none. */
  readonly lost?: number;
  /** Packets that were lost and then resent on request; absent if the protocol has none. */
  readonly resent?: number;
  /** How often the camera was started anew. */
  readonly restarts?: number;
}
