import { setImmediate } from "node:timers/promises";
import { GradelineError } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import type { Micros } from "../base/time.ts";
import type { Clock } from "./pacing.ts";
import type { FrameSource, SourceCounters } from "./source.ts";

/** Exposures known beforehand by their number, from disk or from a simulation. */
export interface Reel {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Number of exposures; Infinity if the source does not end. */
  readonly count: number;
  /** Time of exposure k; strictly rising with k. */
  exposedAt(k: number): Micros;
  /** The newest exposure at or before that time; below 0 before the first, may lie behind the last. */
  newestAt(time: Micros): number;
  /** Makes the frame of exposure k. Its data may be reused by the next call. */
  load(k: number): Promise<Frame> | Frame;
}

/**
 * Plays a reel as a camera would: in real pace a frame comes when it is exposed, and where the reader was slow the
 * newest one comes and those between count as dropped; in fast pace every frame comes at once.
 */
export class PacedSource implements FrameSource {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #reel: Reel;
  readonly #pace: "real" | "fast";
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #counters = { seen: 0, dropped: 0, incomplete: 0 };
  #reading = false;
  #next: number;

  /** @param first exposure that a reader can get; earlier ones are not counted */
  constructor(reel: Reel, pace: "real" | "fast", clock: Clock, first = 0) {
    this.widthPx = reel.widthPx;
    this.heightPx = reel.heightPx;
    this.#reel = reel;
    this.#pace = pace;
    this.#clock = clock;
    this.#next = first;
  }

  get counters(): SourceCounters {
    return { ...this.#counters };
  }

  frames(): AsyncIterableIterator<Frame> {
    if (this.#reading) {
      throw new GradelineError("SOURCE", "these frames are being read already; a source has one reader at a time");
    }
    this.#reading = true;
    return this.#read();
  }

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  async *#read(): AsyncGenerator<Frame, void, void> {
    const reel = this.#reel;
    const signal = this.#closing.signal;
    try {
      while (!signal.aborted && this.#next < reel.count) {
        const due = this.#pace === "fast" ? this.#next : reel.newestAt(this.#clock.now());
        const k = Math.max(this.#next, Math.min(due, reel.count - 1));
        // Made ahead of its time, so that it is there when it is exposed.
        const frame = await reel.load(k);
        // A source that never has to wait must not keep timers and messages of its thread waiting.
        await setImmediate();
        if (this.#pace === "real") await this.#clock.until(frame.exposedAt, signal);
        if (signal.aborted) return;
        this.#counters.seen += k + 1 - this.#next;
        this.#counters.dropped += k - this.#next;
        if (frame.status === "incomplete") this.#counters.incomplete++;
        this.#next = k + 1;
        yield frame;
      }
    } finally {
      this.#reading = false;
    }
  }
}
