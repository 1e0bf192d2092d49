import type { Micros } from "../base/time.ts";
import type { Sighting, ViewSeen } from "./follower.ts";
import type { Place } from "./place.ts";
import { Shape } from "./shape.ts";

/** Diameters kept per item. */
const MOST_DIAMETERS = 64;
/** Share of the views whose diameter lies below the item's: near the largest, but not the largest by a mistake. */
const DIAMETER_RANK = 0.75;
/** Weights of a measurement in position and speed. */
const PLACE_RATE = 0.7;
const SPEED_RATE = 0.25;
/** Farther from where it should be than this, pixels, the belt has changed its speed: what is measured counts more. */
const SURPRISE_PX = 3;
const SURPRISED_RATE = 0.6;
const MOST_PENDING = 3;
/** A fruit that was not seen for so many frames has the belt's speed, as far as anybody knows. */
const UNSEEN = 2;

/** What a measurement along the lane hangs on: fruit that are cut off are known by the edge that is in view. */
export type Anchor = "front" | "centre" | "rear";

/** One fruit on its way through the view. Pixels along the lane, seconds. */
export class Track {
  /** 0 until it counts as an item. */
  item = 0;
  along: number;
  across: number;
  speed: number;
  /** From the centre to the leading and the trailing edge. */
  ahead: number;
  behind: number;
  /** 0 until it was seen whole. */
  diameterPx = 0;
  /** Frames that showed it, and usable frames in a row that should have and did not. */
  hits = 0;
  missed = 0;
  /** Whether it came in where fruit come in, or where nobody could see it. */
  readonly trusted: boolean;
  /** Turns false where it shows itself too small for a fruit: a leaf. */
  isFruit = true;
  /** It was reported; it is followed on so that it is not counted again. */
  passed = false;
  views = 0;
  lastSeenAt: Micros;
  bornAlong: number;
  /** The farthest that it has been. */
  furthest: number;
  /** Views whose whole mask was too large for a fruit, and its diameter in the last of them. */
  misfits = 0;
  misfitPx = 0;
  readonly shape = new Shape();
  /** Speed between the last two places alone. */
  pace = 0;
  /** Where it was when it was last seen. */
  seenAlong: number;
  #measured = 0;
  #anchor: Anchor | undefined;
  #lastViewAlong = Number.NEGATIVE_INFINITY;
  #pending: ViewSeen[] = [];
  readonly #diameters: number[] = [];

  constructor(place: Place, halfPx: number, speed: number, at: Micros, trusted: boolean) {
    this.ahead = halfPx;
    this.behind = halfPx;
    this.along = alongOf(place, anchorOf(place), halfPx, halfPx);
    this.across = place.across;
    this.speed = speed;
    this.trusted = trusted;
    this.lastSeenAt = at;
    this.bornAlong = this.along;
    this.seenAlong = this.along;
    this.furthest = this.along;
  }

  get front(): number {
    return this.along + this.ahead;
  }

  get rear(): number {
    return this.along - this.behind;
  }

  /** @param beltSpeed by which it goes while it is not seen */
  predict(seconds: number, beltSpeed: number): void {
    if (this.unseen) this.speed = beltSpeed;
    this.along += this.speed * seconds;
  }

  get unseen(): boolean {
    return this.missed > UNSEEN;
  }

  /** It is seen to be larger than a fruit. */
  outgrow(place: Place, diameterPx: number): void {
    this.misfits++;
    this.misfitPx = diameterPx;
    this.moveTo(place.along);
    this.ahead = place.front - place.along;
    this.behind = place.along - place.rear;
  }

  /** It is taken to be there, after a time in which nobody saw it. */
  moveTo(along: number): void {
    this.along = along;
    this.#anchor = undefined;
  }

  /** The lane runs the other way: places are counted from its other end. */
  mirror(lengthPx: number): void {
    this.along = lengthPx - this.along;
    this.seenAlong = lengthPx - this.seenAlong;
    this.bornAlong = lengthPx - this.bornAlong;
    this.furthest = this.seenAlong;
    [this.ahead, this.behind] = [this.behind, this.ahead];
    this.speed = -this.speed;
    this.#lastViewAlong = lengthPx - this.#lastViewAlong;
    this.#anchor = undefined;
  }

  /** What was measured of it was only a part of it. */
  forgetSize(): void {
    this.diameterPx = 0;
    this.#diameters.length = 0;
  }

  /** Distance along the lane from where a place should be if it is this fruit. */
  offset(place: Place): number {
    return alongOf(place, anchorOf(place), this.ahead, this.behind) - this.along;
  }

  /**
   * Takes a place that is this fruit.
   *
   * @param seconds since the last frame that was measured
   * @param fastest that a fruit can be, pixels per second
   */
  follow(place: Place, at: Micros, seconds: number, fastest: number): void {
    const anchor = anchorOf(place);
    const error = this.offset(place);
    const measured = this.along + error;
    this.pace = seconds > 0 && this.hits > 0 ? (measured - this.#measured) / seconds : 0;
    this.#measured = measured;
    if (anchor === this.#anchor && this.hits > 0) {
      this.along += PLACE_RATE * error;
      const rate = Math.abs(error) > SURPRISE_PX ? SURPRISED_RATE : SPEED_RATE;
      if (seconds > 0) this.speed += (rate * error) / seconds;
      this.speed = Math.min(fastest, Math.max(-fastest, this.speed));
    } else if (anchor === "centre" || this.#anchor !== "centre") this.along += error;
    else this.along += PLACE_RATE * error;
    this.#anchor = anchor;
    this.across = place.across;
    this.seenAlong = this.along;
    this.furthest = Math.max(this.furthest, this.along);
    this.lastSeenAt = at;
    this.hits++;
    this.missed = 0;
  }

  /** Takes its size from a view in which it was whole. */
  measure(ahead: number, behind: number, diameterPx: number): void {
    const rate = this.diameterPx === 0 ? 1 : 0.5;
    this.ahead += rate * (ahead - this.ahead);
    this.behind += rate * (behind - this.behind);
    this.diameterPx += rate * (diameterPx - this.diameterPx);
    if (this.#diameters.length < MOST_DIAMETERS) this.#diameters.push(diameterPx);
    else this.#diameters[this.views % MOST_DIAMETERS] = diameterPx;
  }

  /** Whether it has moved enough since the last view for another to show anything new. */
  get hasTurned(): boolean {
    return Math.abs(this.along - this.#lastViewAlong) > 0.02 * this.diameterPx;
  }

  /** Notes a view; it is held back while the track does not yet count as an item. */
  addView(view: ViewSeen, out: Sighting[]): void {
    this.views++;
    this.#lastViewAlong = this.along;
    if (this.item > 0) {
      out.push(view);
      return;
    }
    if (this.#pending.length === MOST_PENDING) {
      this.#pending.shift();
      this.views--;
    }
    this.#pending.push(view);
  }

  /** From now on it is the item `item`; hands out the views held back. */
  become(item: number, out: Sighting[]): void {
    this.item = item;
    for (const view of this.#pending) out.push({ ...view, item });
    this.#pending = [];
  }

  /** Diameter over all views, pixels; undefined without a view. */
  get itemDiameterPx(): number | undefined {
    return upperQuantile(this.#diameters);
  }
}

/** The value below which {@link DIAMETER_RANK} of the values lie; undefined for none. */
export function upperQuantile(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.round(DIAMETER_RANK * (sorted.length - 1))];
}

function anchorOf(place: Place): Anchor {
  return place.cutEntry ? "front" : place.cutExit ? "rear" : "centre";
}

function alongOf(place: Place, anchor: Anchor, ahead: number, behind: number): number {
  if (anchor === "centre") return place.along;
  return anchor === "front" ? place.front - ahead : place.rear + behind;
}
