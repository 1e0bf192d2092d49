import { type Micros, nowMicros } from "../base/time.ts";
import type { Reason, ReasonSource } from "../contract/reasons.ts";

/** The state of the device as it was judged last. */
export interface Judged {
  readonly state: "online" | "degraded";
  /** Every reason with the time since when it holds; none while `online`. */
  readonly reasons: readonly Reason[];
  /** Since when the device is in this state. */
  readonly at: Micros;
}

/** Judges whether the device is `online` or `degraded`, from what each part says is wrong with it. */
export class StationState {
  readonly #sources: ReasonSource[] = [];
  /** Since when each reason holds, by its code and place. */
  #since = new Map<string, Micros>();
  #latest: Judged;

  /** @param startedAt since when the device runs */
  constructor(startedAt: Micros) {
    this.#latest = { state: "online", reasons: [], at: startedAt };
  }

  /** Adds a part that may say what is wrong with it. */
  watch(source: ReasonSource): void {
    this.#sources.push(source);
  }

  get latest(): Judged {
    return this.#latest;
  }

  /**
   * Asks every part.
   *
   * @returns the reasons that have come and gone since the last time
   */
  judge(now: Micros = nowMicros()): { readonly come: readonly Reason[]; readonly gone: number } {
    const since = new Map<string, Micros>();
    const reasons: Reason[] = [];
    const come: Reason[] = [];
    for (const source of this.#sources) {
      for (const reason of source()) {
        const key = keyOf(reason);
        if (since.has(key)) continue;
        const known = this.#since.get(key);
        const dated = { ...reason, since: known ?? reason.since ?? now };
        since.set(key, dated.since);
        reasons.push(dated);
        if (known === undefined) come.push(dated);
      }
    }
    const gone = this.#since.size + come.length - since.size;
    this.#since = since;
    const state = reasons.length === 0 ? "online" : "degraded";
    this.#latest = { state, reasons, at: state === this.#latest.state ? this.#latest.at : now };
    return { come, gone };
  }
}

function keyOf({ code, lane, camera, topic }: Reason): string {
  return JSON.stringify([code, lane, camera, topic]);
}
