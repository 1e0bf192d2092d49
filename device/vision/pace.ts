import type { Frame } from "../base/frame.ts";

/** Weight of a new measurement in the usual interval. */
const RATE = 0.1;

/** The time line of a lane's frames: how much passed since the last one, and how much passes between two as a rule. */
export class FramePace {
  /** Usual time from one exposure to the next, seconds; 0 until two were seen. */
  intervalS = 0;
  /** Exposures since the last frame, 1 if none was lost. */
  advance = 0;
  /** Seconds since the last frame. */
  elapsedS = 0;
  #last: Pick<Frame, "seq" | "exposedAt"> | undefined;

  step(frame: Frame): void {
    const last = this.#last;
    this.#last = { seq: frame.seq, exposedAt: frame.exposedAt };
    if (last === undefined) return;
    // A source that began anew counts from 0 again.
    this.advance = frame.seq > last.seq ? frame.seq - last.seq : 1;
    const elapsed = (frame.exposedAt - last.exposedAt) / 1e6;
    if (elapsed <= 0) {
      this.elapsedS = this.advance * this.intervalS;
      return;
    }
    this.elapsedS = elapsed;
    const interval = elapsed / this.advance;
    if (this.intervalS === 0) this.intervalS = interval;
    // One odd gap, a camera that was away, must not count for much.
    const limited = Math.min(2 * this.intervalS, Math.max(0.5 * this.intervalS, interval));
    this.intervalS += RATE * (limited - this.intervalS);
  }
}
