/** Levels of the flood: half cells of distance to the background. */
const LEVELS = 512;

/** Mark of the first seed's cells; the next seed's is one more. */
export const FIRST_SEED = 2;

/**
 * Divides a mask among seeds: each seed's flood rises from the farthest inside outwards, and two floods meet in the
 * neck between their seeds.
 *
 * @see Meyer 1991, "Un algorithme optimal pour la ligne de partage des eaux"
 */
export class Flood {
  /** Cells that wait at each level, as linked lists: first come, first served, or one flood would run all along the
   * other's rim. */
  readonly #heads = new Int32Array(LEVELS);
  readonly #tails = new Int32Array(LEVELS);
  readonly #following: Int32Array;

  /** @param most cells of the largest mask */
  constructor(most: number) {
    this.#following = new Int32Array(most);
  }

  /**
   * @param mask (size), 1 where there is something to divide; becomes FIRST_SEED + the index of the seed
   * @param distances (size), squared distance to the background
   * @param width of a row
   * @param seeds places of the seeds, `count` of them
   */
  run(mask: Uint8Array, distances: Int32Array, width: number, size: number, seeds: Int32Array, count: number): void {
    const heads = this.#heads.fill(-1);
    for (let seed = 0; seed < count; seed++) {
      mask[seeds[seed]!] = FIRST_SEED + seed;
      this.#push(seeds[seed]!, LEVELS - 1);
    }
    for (let level = LEVELS - 1; level >= 0; ) {
      const at = heads[level]!;
      if (at < 0) {
        level--;
        continue;
      }
      heads[level] = this.#following[at]!;
      const x = at % width;
      if (x > 0) this.#spread(mask, distances, at, at - 1, level);
      if (x < width - 1) this.#spread(mask, distances, at, at + 1, level);
      if (at >= width) this.#spread(mask, distances, at, at - width, level);
      if (at + width < size) this.#spread(mask, distances, at, at + width, level);
    }
  }

  #spread(mask: Uint8Array, distances: Int32Array, from: number, to: number, level: number): void {
    if (mask[to] !== 1) return;
    mask[to] = mask[from]!;
    this.#push(to, Math.min(level, Math.floor(2 * Math.sqrt(distances[to]!))));
  }

  #push(at: number, level: number): void {
    this.#following[at] = -1;
    if (this.#heads[level]! < 0) this.#heads[level] = at;
    else this.#following[this.#tails[level]!] = at;
    this.#tails[level] = at;
  }
}
