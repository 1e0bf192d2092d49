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

/** A reason that comes again so soon after it went comes and goes, as that of a disk does that is full to the brim. */
const AGAIN_US = 30e6;
/** What people set and take back is as it was set last, and never held. */
const SET_BY_PEOPLE: ReadonlySet<string> = new Set<ReasonCode>([
  "no-camera",
  "no-code",
  "untaught",
  "calibration",
  "paused",
  "outlet-closed",
]);
/** One that comes and goes is over once it has stayed away for so long. */
const HOLD_US = 10e6;

/** A reason as it was told last. */
interface Told {
  readonly reason: Reason & { readonly since: Micros };
  /** When it was last true. */
  readonly seenAt: Micros;
  /** Whether it came again soon after it went. */
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
   * Asks every part. A reason that comes and goes is held, with the words it had last, until it has stayed away for
   * ten seconds: who reads the state now and then would miss it else.
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
