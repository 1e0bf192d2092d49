import type { Place } from "./place.ts";

const MOST = 96;
/** A fruit moves less than this share of its length from frame to frame; touching fruit lie 1 apart. */
const NEAR = 0.6;
const NEAR_ACROSS = 0.3;
/** Moved by less than this, pixels, it stands. */
const STANDS_PX = 1.5;
/** So many moves backward with hardly any forward show the way. */
const SURE = 5;

/** Which way things move, from frame to frame, before anything is followed: each is where it was a little ago, or near. */
export class Drift {
  readonly #along = new Float64Array(MOST);
  readonly #across = new Float64Array(MOST);
  #count = 0;
  #moves = 0;

  /** Whether things have been seen to move against the direction, and not along it. */
  get backward(): boolean {
    return this.#moves <= -SURE;
  }

  clear(): void {
    this.#moves = 0;
    this.#count = 0;
  }

  /** @param places of which `count` are in view */
  look(places: readonly Place[], count: number, lengthPx: number): void {
    for (let p = 0; p < count; p++) {
      const place = places[p]!;
      if (isCut(place, lengthPx)) continue;
      const length = place.front - place.rear;
      let moved = NEAR * length;
      let found = false;
      for (let i = 0; i < this.#count; i++) {
        if (Math.abs(this.#across[i]! - place.across) > NEAR_ACROSS * length) continue;
        const by = place.along - this.#along[i]!;
        if (Math.abs(by) >= Math.abs(moved)) continue;
        moved = by;
        found = true;
      }
      if (!found || Math.abs(moved) < STANDS_PX) continue;
      this.#moves = Math.max(-SURE, Math.min(SURE, this.#moves + Math.sign(moved)));
    }
    this.#count = 0;
    for (let p = 0; p < Math.min(count, MOST); p++) {
      if (isCut(places[p]!, lengthPx)) continue;
      this.#along[this.#count] = places[p]!.along;
      this.#across[this.#count++] = places[p]!.across;
    }
  }
}

/** The centre of a clipped fruit moves with the clipping. */
function isCut(place: Place, lengthPx: number): boolean {
  return place.cutEntry || place.cutExit || place.cutSide || place.rear <= 0 || place.front >= lengthPx;
}
