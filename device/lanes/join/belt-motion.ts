import type { Micros } from "../../base/time.ts";

const BIN_US = 20_000;
/** 41 s: longer than a fruit is between the first camera and the gate. */
const BINS = 2048;
/** How far back a speed still stands in for one that nobody measured. */
const MOST_BACK = 100;
/** Fruit are at most so many times as fast as configured. */
const FASTEST = 2.5;
/** How quickly the usual speed follows. */
const RATE = 0.05;
const ANCHOR_US = 2_000_000;

/**
 * How far the belt went between two moments, from the fruit that any camera sees on it: speed changes between two
 * cameras are in it.
 */
export class BeltMotion {
  /** Configured, then as it is at present. Millimetres per second. */
  speed: number;
  readonly #configured: number;
  readonly #sum = new Float64Array(BINS);
  readonly #count = new Uint32Array(BINS);
  #anchorAt: Micros | undefined;
  #anchorMm = 0;
  readonly #bin = new Float64Array(BINS).fill(-1);

  constructor(speedMmPerS: number) {
    this.#configured = speedMmPerS;
    this.speed = speedMmPerS;
  }

  /** A fruit went so many millimetres between two of its views. */
  saw(from: Micros, to: Micros, mm: number): void {
    const speed = (mm / (to - from)) * 1e6;
    if (!(to > from) || to - from > 500_000 || speed < 0 || speed > FASTEST * this.#configured) return;
    this.speed += RATE * (speed - this.speed);
    for (let bin = Math.floor(from / BIN_US); bin <= Math.floor(to / BIN_US); bin++) {
      const i = bin % BINS;
      if (this.#bin[i] !== bin) {
        this.#bin[i] = bin;
        this.#sum[i] = 0;
        this.#count[i] = 0;
      }
      this.#sum[i]! += speed;
      this.#count[i]!++;
    }
  }

  /** Millimetres from one moment to another; negative where the other was before. */
  travel(from: Micros, to: Micros): number {
    if (to < from) return -this.travel(to, from);
    const first = Math.floor(from / BIN_US);
    const last = Math.floor(to / BIN_US);
    if (last - first >= BINS) return (this.speed * (to - from)) / 1e6;
    let speed = this.#before(first);
    let mm = 0;
    for (let bin = first; bin <= last; bin++) {
      speed = this.#at(bin) ?? speed;
      const begin = Math.max(from, bin * BIN_US);
      const end = Math.min(to, (bin + 1) * BIN_US);
      mm += (speed * (end - begin)) / 1e6;
    }
    return mm;
  }

  /** How far the belt went since the first moment that was asked for. */
  position(at: Micros): number {
    this.#anchorAt ??= at;
    // What comes late changes little behind the anchor, and the way from it stays short.
    if (at - this.#anchorAt > ANCHOR_US) {
      this.#anchorMm += this.travel(this.#anchorAt, at - ANCHOR_US / 2);
      this.#anchorAt = at - ANCHOR_US / 2;
    }
    return this.#anchorMm + this.travel(this.#anchorAt, at);
  }

  /** Mean over what was measured in that time; undefined where nothing was. */
  #at(bin: number): number | undefined {
    const i = bin % BINS;
    return this.#bin[i] === bin ? this.#sum[i]! / this.#count[i]! : undefined;
  }

  #before(bin: number): number {
    for (let back = 1; back <= MOST_BACK && back <= bin; back++) {
      const speed = this.#at(bin - back);
      if (speed !== undefined) return speed;
    }
    return this.speed;
  }
}
