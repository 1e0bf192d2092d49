import { type Micros, nowMicros } from "../base/time.ts";
import type { Reason, ReasonCode, ReasonSource } from "../contract/reasons.ts";

/** The state of the device as it was judged last. */
export interface Judged {
  readonly state: "online" | "degraded";
  /** Every reason with the time since when it holds; none while `online`. */
  readonly reasons: readonly Reason[];
  /** Since when the device is in this state. */
  readonly at: Micros;
}

/** A reason that returns within this time flaps, as that of a full disk may. */
const AGAIN_US = 30e6;
/** Reasons that people set and take back: they are never held. */
const SET_BY_PEOPLE: ReadonlySet<string> = new Set<ReasonCode>([
  "no-camera",
  "no-code",
  "untaught",
  "calibration",
  "paused",
  "outlet-closed",
]);
/** A flapping reason is over once it has stayed away for this time. */
const HOLD_US = 10e6;

/** A reason as it was told last. */
interface Told {
  readonly reason: Reason & { readonly since: Micros };
  /** When it was last true. */
  readonly seenAt: Micros;
  /** Whether it returned soon after it ended. */
  readonly flaps: boolean;
}

/** Judges whether the device is `online` or `degraded`, from what each part says is wrong with it. */
export class StationState {
  readonly #sources: ReasonSource[] = [];
  /** Reasons that hold, and those that went not long ago, by their code and place. */
  #told = new Map<string, Told>();
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
   * Asks every part. A flapping reason is held with its last words until it has stayed away for ten seconds; otherwise
   * someone who reads the state only now and then would miss it.
   *
   * @returns the reasons that have come and gone since the last time
   */
  judge(now: Micros = nowMicros()): { readonly come: readonly Reason[]; readonly gone: number } {
    const told = new Map<string, Told>();
    const come: Reason[] = [];
    const held = new Set(this.#latest.reasons.map(keyOf));
    for (const source of this.#sources) {
      for (const reason of source()) {
        const key = keyOf(reason);
        if (told.has(key)) continue;
        const last = this.#told.get(key);
        const stays = held.has(key);
        const again = !stays && !SET_BY_PEOPLE.has(reason.code) && last !== undefined && now - last.seenAt < AGAIN_US;
        const known = stays || again ? last : undefined;
        const flaps = again || (stays && last?.flaps === true);
        const since = known?.reason.since ?? reason.since ?? now;
        const dated = { ...reason, since };
        told.set(key, { reason: dated, seenAt: now, flaps });
        if (!held.delete(key)) come.push(dated);
      }
    }
    const reasons: Reason[] = [...told.values()].map(({ reason }) => reason);
    for (const [key, last] of this.#told) {
      if (told.has(key) || now - last.seenAt >= AGAIN_US) continue;
      told.set(key, last);
      if (!last.flaps || now - last.seenAt >= HOLD_US) continue;
      held.delete(key);
      reasons.push(last.reason);
    }
    this.#told = told;
    const state = reasons.length === 0 ? "online" : "degraded";
    this.#latest = { state, reasons, at: state === this.#latest.state ? this.#latest.at : now };
    return { come, gone: held.size };
  }
}

function keyOf({ code, lane, camera, topic }: Reason): string {
  return JSON.stringify([code, lane, camera, topic]);
}
