import type { Micros } from "../../base/time.ts";

/** Frames that are remembered of each camera. */
const KEPT = 64;
/** Cups by whose fruit and gaps two counts are compared. */
const COMPARED = 48;
const ENOUGH = 16;
/** How far a count may be off from what the times say. */
const REACH = 3;
/** Another count is right where the present one contradicts in so many more cups, and three times as often. */
const CLEARLY = 3;
const RATE = 0.1;
/** Before the time between two triggers is known, two exposures this near were one trigger's. */
const TOGETHER_US = 5000;
/** Where nobody counts any more the next count begins so far behind the last. */
const GAP = 10_000;

interface Counter {
  /** By number modulo the length. */
  readonly seqs: Float64Array;
  readonly times: Float64Array;
  first: number;
  last: number | undefined;
  /** How many more triggers it has counted than the lane. */
  shift: number | undefined;
  clockUs: Micros;
  /** What it saw in each of its cups: whether a fruit. */
  readonly cups: Map<number, boolean>;
}

/**
 * The lane's count of triggers, from the counts of all its cameras, which may have begun at different moments: frames
 * that were exposed at the same time belong to one trigger, and the gaps between fruit tell where times are not enough.
 */
export class Triggers {
  readonly #cameras: Counter[];
  /** Pitches by which each camera's first window lies behind the lane's. */
  readonly #ahead: readonly number[];
  #last = 0;

  constructor(ahead: readonly number[]) {
    this.#ahead = ahead;
    this.#cameras = ahead.map(() => ({
      seqs: new Float64Array(KEPT).fill(-1),
      times: new Float64Array(KEPT),
      first: 0,
      last: undefined,
      shift: undefined,
      clockUs: 0,
      cups: new Map(),
    }));
  }

  /** The lane's number of the cup that stood in a camera's first window at its frame `cup`; undefined while unknown. */
  numberOf(camera: number, cup: number): number | undefined {
    const { shift } = this.#cameras[camera]!;
    return shift === undefined ? undefined : cup - shift - this.#ahead[camera]!;
  }

  /** How far a camera's clock is ahead of the first camera's. */
  clockUs(camera: number): Micros {
    return this.#cameras[camera]!.clockUs;
  }

  frame(camera: number, seq: number, at: Micros): void {
    const own = this.#cameras[camera]!;
    if (own.last !== undefined && seq < own.last) this.restart(camera);
    if (own.last === undefined) own.first = seq;
    own.last = seq;
    own.seqs[seq % KEPT] = seq;
    own.times[seq % KEPT] = at;
    if (own.shift === undefined) this.#begin(camera, seq, at);
    else this.#compare(camera, seq, at);
    if (own.shift !== undefined) this.#last = Math.max(this.#last, seq - own.shift);
  }

  /** The camera counts from its beginning again. */
  restart(camera: number): void {
    const own = this.#cameras[camera]!;
    own.seqs.fill(-1);
    own.last = undefined;
    own.shift = undefined;
    own.cups.clear();
  }

  /** What a camera saw in a cup, by its own count. */
  passed(camera: number, cup: number, holds: boolean): void {
    const { cups } = this.#cameras[camera]!;
    cups.set(cup, holds);
    if (cups.size > COMPARED) cups.delete(cups.keys().next().value!);
    this.#settle(camera);
  }

  /** Share of the cups that two cameras saw in which one saw a fruit and the other none; undefined where they are too few. */
  differing(camera: number, other: number): number | undefined {
    const { shift } = this.#cameras[camera]!;
    if (shift === undefined || this.#cameras[other]!.shift === undefined) return undefined;
    const { wrong, compared } = this.#compared(camera, shift, other);
    return compared < ENOUGH ? undefined : wrong / compared;
  }

  /** The lane's count at a camera's first frames; the first camera of all begins the lane's. */
  #begin(camera: number, seq: number, at: Micros): void {
    const own = this.#cameras[camera]!;
    const other = this.#anchor(camera);
    if (other === undefined) {
      own.shift = this.#last === 0 ? 0 : seq - this.#last - GAP;
      return;
    }
    const { times, last, shift } = this.#cameras[other]!;
    const behindUs = at - own.clockUs - (times[last! % KEPT]! - this.#cameras[other]!.clockUs);
    const intervalUs = this.#intervalUs(other) ?? this.#intervalUs(camera);
    if (intervalUs === undefined && Math.abs(behindUs) > TOGETHER_US) return;
    const triggers = intervalUs === undefined ? 0 : Math.round(behindUs / intervalUs);
    own.shift = seq - (last! - shift! + triggers);
    this.#compare(camera, seq, at);
  }

  /** The first other camera whose count is known. */
  #anchor(camera: number): number | undefined {
    const found = this.#cameras.findIndex(
      ({ shift, last }, i) => i !== camera && shift !== undefined && last !== undefined,
    );
    return found < 0 ? undefined : found;
  }

  /** Its clock, from the first camera's exposure at the same trigger. */
  #compare(camera: number, seq: number, at: Micros): void {
    const anchor = this.#anchor(camera);
    if (anchor === undefined || anchor > camera) return;
    const own = this.#cameras[camera]!;
    const other = this.#cameras[anchor]!;
    const theirs = seq - own.shift! + other.shift!;
    if (theirs < 0 || other.seqs[theirs % KEPT] !== theirs) return;
    own.clockUs += RATE * (at - (other.times[theirs % KEPT]! - other.clockUs) - own.clockUs);
  }

  #intervalUs(camera: number): Micros | undefined {
    const { seqs, times, first, last } = this.#cameras[camera]!;
    for (let seq = Math.max(first, last! - KEPT + 1); seq < last!; seq++) {
      if (seqs[seq % KEPT] !== seq) continue;
      return (times[last! % KEPT]! - times[seq % KEPT]!) / (last! - seq);
    }
    return undefined;
  }

  /** Which count fruit and gaps speak for, where times alone may be a trigger or two off. */
  #settle(camera: number): void {
    const own = this.#cameras[camera]!;
    const anchor = this.#anchor(camera);
    if (own.shift === undefined || anchor === undefined || anchor > camera) return;
    let best = own.shift;
    let fewest = Number.POSITIVE_INFINITY;
    let present = Number.POSITIVE_INFINITY;
    for (let shift = own.shift - REACH; shift <= own.shift + REACH; shift++) {
      const wrong = this.#contradictions(camera, shift, anchor);
      if (wrong === undefined) return;
      if (shift === own.shift) present = wrong;
      if (wrong < fewest) {
        fewest = wrong;
        best = shift;
      }
    }
    if (best === own.shift || fewest + CLEARLY > present || fewest * 3 > present) return;
    own.clockUs += (best - own.shift) * (this.#intervalUs(anchor) ?? 0);
    own.shift = best;
  }

  /** Cups in which one camera saw a fruit and the other none; undefined where too few can be compared. */
  #contradictions(camera: number, shift: number, anchor: number): number | undefined {
    const { wrong, compared } = this.#compared(camera, shift, anchor);
    return compared < ENOUGH ? undefined : wrong;
  }

  #compared(camera: number, shift: number, anchor: number): { wrong: number; compared: number } {
    const others = this.#cameras[anchor]!;
    let wrong = 0;
    let compared = 0;
    for (const [cup, holds] of this.#cameras[camera]!.cups) {
      const number = cup - shift - this.#ahead[camera]!;
      const other = others.cups.get(number + others.shift! + this.#ahead[anchor]!);
      if (other === undefined) continue;
      compared++;
      if (other !== holds) wrong++;
    }
    return { wrong, compared };
  }
}
