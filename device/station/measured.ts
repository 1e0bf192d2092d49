import type { Reason } from "../contract/reasons.ts";
import { LastMinute } from "./last-minute.ts";

/** What is counted while fruit pass; asked for anew each time. */
export interface Measures {
  lanes(): Iterable<{ readonly lane: string; readonly late: number; readonly items: number }>;
  cameras(): Iterable<{ readonly camera: string; readonly dropped: number; readonly seen: number }>;
  /** Whether views are with the model, and how many batches came back. */
  embedding(): { readonly waiting: boolean; readonly done: number };
}

/** One late verdict may be an accident of the machine; so many are none. */
const MIN_LATE = 3;
const LATE_SHARE = 0.02;
const MIN_DROPPED = 20;
const DROPPED_SHARE = 0.1;
/** Views that wait so long for the model come too late for any gate, milliseconds. */
const WAITING_MS = 3000;

/** What keeps verdicts from being in time, from counts of the last minute. */
export class Measured {
  readonly #measures: Measures;
  readonly #minutes = new Map<string, LastMinute>();
  #batches = { done: -1, sinceMs: 0 };

  constructor(measures: Measures) {
    this.#measures = measures;
  }

  /** @param nowMs of a clock that never goes back, milliseconds */
  *reasons(nowMs: number = performance.now()): Iterable<Reason> {
    for (const { lane, late, items } of this.#measures.lanes()) {
      const { part, whole } = this.#minute(`lane ${lane}`, nowMs, late, items);
      if (part < MIN_LATE || part <= whole * LATE_SHARE) continue;
      yield {
        code: "verdicts-late",
        lane,
        message: `lane ${lane}: ${part} of ${whole} verdicts of the last minute were late`,
      };
    }
    for (const { camera, dropped, seen } of this.#measures.cameras()) {
      const { part, whole } = this.#minute(`camera ${camera}`, nowMs, dropped, seen);
      if (part < MIN_DROPPED || part <= whole * DROPPED_SHARE) continue;
      yield {
        code: "frames-dropped",
        camera,
        message: `camera ${camera}: ${part} of ${whole} frames of the last minute were dropped`,
      };
    }
    const { waiting, done } = this.#measures.embedding();
    if (!waiting || done !== this.#batches.done) this.#batches = { done, sinceMs: nowMs };
    else if (nowMs - this.#batches.sinceMs >= WAITING_MS) {
      yield { code: "views-waiting", message: "views wait for the model, and none comes back" };
    }
  }

  #minute(name: string, nowMs: number, part: number, whole: number): ReturnType<LastMinute["take"]> {
    let minute = this.#minutes.get(name);
    if (minute === undefined) {
      minute = new LastMinute();
      this.#minutes.set(name, minute);
    }
    return minute.take(part, whole, nowMs);
  }
}
