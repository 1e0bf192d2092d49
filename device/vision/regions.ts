/** Regions looked at in one frame. */
const MOST = 64;

/**
 * Connected regions of a mask, by runs along its rows (4-connected); holes are filled on the way.
 * All memory is taken once.
 */
export class Regions {
  /** Regions found, the first of which have index 0. */
  count = 0;
  /** Runs of the last mask, in reading order. */
  runs = 0;
  readonly row: Int32Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Region of each run, -1 for none. */
  readonly region: Int32Array;
  /** Bounding boxes: columns and rows from (included) and to (excluded). */
  readonly left = new Int32Array(MOST);
  readonly right = new Int32Array(MOST);
  readonly top = new Int32Array(MOST);
  readonly bottom = new Int32Array(MOST);
  readonly #parent: Int32Array;
  readonly #area: Int32Array;
  /** Of roots: 1 where the region is background that reaches the mask's edge. */
  readonly #outside: Uint8Array;
  readonly #cols: number;
  readonly #rows: number;

  constructor(cols: number, rows: number) {
    const most = cols * rows;
    this.#cols = cols;
    this.#rows = rows;
    this.row = new Int32Array(most);
    this.start = new Int32Array(most);
    this.end = new Int32Array(most);
    this.region = new Int32Array(most);
    this.#parent = new Int32Array(most);
    this.#area = new Int32Array(most);
    this.#outside = new Uint8Array(most);
  }

  /**
   * @param mask (rows * cols), 0 and 1; holes are filled in place
   * @param leastArea smaller regions are left out; the mask keeps them
   */
  find(mask: Uint8Array, leastArea: number): void {
    this.#scan(mask);
    this.#fillHoles(mask);
    this.#number(mask, leastArea);
  }

  #scan(mask: Uint8Array): void {
    const { row, start, end } = this;
    const cols = this.#cols;
    let above = 0;
    let aboveEnd = 0;
    let runs = 0;
    for (let y = 0, at = 0; y < this.#rows; y++) {
      const first = runs;
      for (let x = 0; x < cols; ) {
        const value = mask[at]!;
        const from = x;
        do {
          x++;
          at++;
        } while (x < cols && mask[at] === value);
        row[runs] = y;
        start[runs] = from;
        end[runs] = x;
        this.#parent[runs] = runs;
        this.#outside[runs] = value === 0 && (from === 0 || x === cols || y === 0 || y === this.#rows - 1) ? 1 : 0;
        runs++;
      }
      // Runs of a row alternate, so those above that overlap one and have its value are every second.
      for (let run = first, up = above; run < runs; run++) {
        while (up < aboveEnd && end[up]! <= start[run]!) up++;
        const value = mask[y * cols + start[run]!];
        for (let other = up; other < aboveEnd && start[other]! < end[run]!; other++) {
          if (mask[(y - 1) * cols + start[other]!] === value) this.#join(run, other);
        }
      }
      above = first;
      aboveEnd = runs;
    }
    this.runs = runs;
  }

  #fillHoles(mask: Uint8Array): void {
    for (let run = 0; run < this.runs; run++) {
      const at = this.row[run]! * this.#cols + this.start[run]!;
      if (mask[at] !== 0 || this.#outside[this.#root(run)] === 1) continue;
      mask.fill(1, at, at + this.end[run]! - this.start[run]!);
      // A hole never touches the edge, so the runs to both sides are its rim.
      this.#join(run, run - 1);
      this.#join(run, run + 1);
    }
  }

  #number(mask: Uint8Array, leastArea: number): void {
    const { row, start, end, region, runs } = this;
    const area = this.#area.fill(0, 0, runs);
    for (let run = 0; run < runs; run++) area[this.#root(run)]! += end[run]! - start[run]!;
    this.count = 0;
    for (let run = 0; run < runs; run++) {
      region[run] = -1;
      const root = this.#root(run);
      if (mask[row[run]! * this.#cols + start[run]!] === 0 || area[root]! < leastArea) continue;
      // Roots are the first of their runs, so their region is known when the others ask.
      if (root === run) {
        if (this.count === MOST) continue;
        const index = this.count++;
        this.left[index] = start[run]!;
        this.right[index] = end[run]!;
        this.top[index] = row[run]!;
        region[run] = index;
      } else region[run] = region[root]!;
      const index = region[run]!;
      if (index < 0) continue;
      this.left[index] = Math.min(this.left[index]!, start[run]!);
      this.right[index] = Math.max(this.right[index]!, end[run]!);
      this.bottom[index] = row[run]! + 1;
    }
  }

  #root(run: number): number {
    const parent = this.#parent;
    let root = run;
    while (parent[root] !== root) root = parent[root]!;
    while (parent[run] !== root) {
      const next = parent[run]!;
      parent[run] = root;
      run = next;
    }
    return root;
  }

  #join(a: number, b: number): void {
    const one = this.#root(a);
    const two = this.#root(b);
    if (one === two) return;
    const root = Math.min(one, two);
    const child = Math.max(one, two);
    this.#parent[child] = root;
    this.#outside[root]! |= this.#outside[child]!;
  }
}
