import { clockSync } from "../base/clock-sync.ts";
import type { Log } from "../base/log.ts";
import { formatMicros, type Micros, nowMicros, readClock } from "../base/time.ts";
import type { HealthMessage } from "../contract/messages.ts";
import type { Reason } from "../contract/reasons.ts";

const TOLD_US = 60e6;
/** Below this a step is logged but does no harm at a gate. */
const SMALL_US = 100_000;

/** Watches whether the board's clock is set while the line runs. */
export class StationClock {
  readonly #log: Log;
  #seen = readClock().count;
  #steps = 0;
  #last: { readonly us: number; readonly at: Micros } | undefined;
  #sync = clockSync();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @returns whether the clock was set since the last time */
  look(): boolean {
    this.#sync = clockSync();
    const { count, us, at } = readClock();
    if (count === this.#seen) return false;
    this.#steps += count - this.#seen;
    this.#seen = count;
    if (Math.abs(us) >= SMALL_US) this.#last = { us, at };
    this.#log.warn({ stepS: us / 1e6, now: formatMicros(at) }, "the clock was set; times in messages follow it");
    return true;
  }

  get health(): HealthMessage["clock"] {
    return {
      steps: this.#steps,
      lastStepS: this.#last === undefined ? null : Math.round(this.#last.us / 1000) / 1000,
      lastStepAt: this.#last === undefined ? null : formatMicros(this.#last.at),
      synchronised: this.#sync?.synchronised ?? null,
    };
  }

  get synchronised(): boolean | null {
    return this.#sync?.synchronised ?? null;
  }

  /** For a minute: what was told before has other times. */
  *reasons(): Iterable<Reason> {
    if (this.#last === undefined || nowMicros() - this.#last.at > TOLD_US) return;
    const { us, at } = this.#last;
    const way = us > 0 ? "forward" : "back";
    const message = `the clock was set ${way} by ${Math.abs(us / 1e6).toFixed(3)} s`;
    yield { code: "clock", message, hint: "nothing to do where this was on purpose: times follow it", since: at };
  }
}
