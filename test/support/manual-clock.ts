import type { Clock } from "../../device/capture/pacing.ts";

/** A clock that moves when a test says so, or at once to whatever time somebody waits for. */
export class ManualClock implements Clock {
  #now: number;
  /** Times that were waited for, in order. */
  readonly waits: number[] = [];
  /** Called instead of moving the clock on when somebody waits. */
  onWait: ((time: number) => void) | undefined;

  constructor(now = 1_700_000_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(us: number): void {
    this.#now += us;
  }

  until(time: number, signal: AbortSignal): Promise<void> {
    if (time <= this.#now || signal.aborted) return Promise.resolve();
    this.waits.push(time);
    if (this.onWait === undefined) {
      this.#now = time;
      return Promise.resolve();
    }
    this.onWait(time);
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
