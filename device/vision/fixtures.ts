/** Votes after which a cell that is not belt, but stays the same while the belt moves, counts as a fixture. */
const VOTES = 40;
/** Largest difference of two samples of a cell that count as the same, grey levels. */
const SAME = 8;

/** Finds what stands in view while the belt moves: guide rails, tape, a scratched lens. */
export class Fixtures {
  readonly #held: Float32Array;
  readonly #votes: Uint8Array;

  constructor(cells: number) {
    this.#held = new Float32Array(cells * 3);
    this.#votes = new Uint8Array(cells);
  }

  clear(): void {
    this.#votes.fill(0);
  }

  /** The belt was seen here: nothing stands. */
  forget(at: number): void {
    this.#votes[at] = 0;
  }

  /** Whether a cell still has its stored colour. @param cells (rows * cols * 3) */
  same(at: number, cells: Float32Array): boolean {
    const i = at * 3;
    const held = this.#held;
    return (
      Math.abs(cells[i]! - held[i]!) < SAME &&
      Math.abs(cells[i + 1]! - held[i + 1]!) < SAME &&
      Math.abs(cells[i + 2]! - held[i + 2]!) < SAME
    );
  }

  hold(at: number, cells: Float32Array): void {
    const i = at * 3;
    this.#held[i] = cells[i]!;
    this.#held[i + 1] = cells[i + 1]!;
    this.#held[i + 2] = cells[i + 2]!;
  }

  /**
   * Counts a look at a cell that shows no belt. Fruit that pass over what stands count against it.
   *
   * @returns true when it has stood there long enough
   * @see Boyer, Moore 1981, "A fast majority vote algorithm"
   */
  vote(at: number, cells: Float32Array): boolean {
    const votes = this.#votes[at]!;
    if (!this.same(at, cells)) {
      if (votes > 0) this.#votes[at] = votes - 1;
      else this.hold(at, cells);
      return false;
    }
    this.#votes[at] = votes + 1 < VOTES ? votes + 1 : 0;
    return votes + 1 >= VOTES;
  }
}
