import { type Micros, nowMicros } from "../base/time.ts";

/** The time by which a source paces itself; tests bring one of their own. */
export interface Clock {
  now(): Micros;
  /** Resolves at that time, at once if it is past, or when the signal aborts; never rejects. */
  until(time: Micros, signal: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: nowMicros,
  until: (time, signal) => {
    const waitMs = (time - nowMicros()) / 1000;
    if (waitMs <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.ceil(waitMs), 0x7fffffff));
      signal.addEventListener("abort", done);
    });
  },
};
