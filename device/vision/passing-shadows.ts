import type { Shadow } from "./bodies.ts";
import type { Grid } from "./grid.ts";
import type { LaneAxis } from "./place.ts";

/** A shadow within this share of a fruit's length of where the belt has taken it is the same again. */
const NEAR = 0.5;
/** Seen so often, and carried over so much of the lane, it has passed with the belt. */
const SIGHTINGS = 6;
const CARRIED = 0.4;
/** Not seen for so many frames it is gone. */
const GONE = 4;
const MOST = 32;
/** A fruit that is taken for shadow shows by at least this share of its area; with its own shadow it is so much larger. */
const LEAST_SHARE = 0.5;
const MOST_SHARE = 2;

interface Found {
  readonly shadows: readonly Shadow[];
  readonly shadowCount: number;
}

interface Passing {
  along: number;
  across: number;
  readonly born: number;
  hits: number;
  missed: number;
  counted: boolean;
}

/** Counts what has a fruit's size, goes with the belt and was called shadow: it may be fruit that nobody can see. */
export class PassingShadows {
  readonly #leastArea: number;
  readonly #mostArea: number;
  readonly #reachPx: number;
  readonly #grid: Grid;
  #passing: Passing[] = [];

  /** @param smallestPx diameters of the smallest and the largest fruit, pixels */
  constructor(smallestPx: number, largestPx: number, grid: Grid) {
    const area = (diameterPx: number): number => (Math.PI / 4) * (diameterPx / grid.step) ** 2;
    this.#leastArea = LEAST_SHARE * area(smallestPx);
    this.#mostArea = MOST_SHARE * area(largestPx);
    this.#reachPx = NEAR * smallestPx;
    this.#grid = grid;
  }

  /**
   * Takes the shadows of one frame.
   *
   * @param found of which `shadowCount` are there, in cells
   * @param goneAlong how far the belt has gone since the last frame, pixels
   * @returns how many have passed
   */
  step(found: Found, axis: LaneAxis, goneAlong: number): number {
    const { roi, step } = this.#grid;
    let passed = 0;
    for (const one of this.#passing) {
      one.along += goneAlong;
      one.missed++;
    }
    for (let i = 0; i < found.shadowCount; i++) {
      const { cx, cy, area } = found.shadows[i]!;
      if (area < this.#leastArea || area > this.#mostArea) continue;
      const [x, y] = [axis.along(roi.x + cx * step), cy * step];
      const known = this.#passing.find(
        (one) => one.missed > 0 && Math.abs(one.along - x) < this.#reachPx && Math.abs(one.across - y) < this.#reachPx,
      );
      if (known === undefined) {
        if (this.#passing.length < MOST)
          this.#passing.push({ along: x, across: y, born: x, hits: 1, missed: 0, counted: false });
        continue;
      }
      known.along = x;
      known.across = y;
      known.hits++;
      known.missed = 0;
      if (known.counted || known.hits < SIGHTINGS || x - known.born < CARRIED * axis.lengthPx) continue;
      known.counted = true;
      passed++;
    }
    this.#passing = this.#passing.filter(({ missed }) => missed <= GONE);
    return passed;
  }
}
