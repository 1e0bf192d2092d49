/** Cells beside 0 and 1. */
const [FRAME, MARK, KEPT] = [255, 2, 3];

/**
 * A mask within a frame of one cell, so that no neighbour is looked for outside. Its memory is kept from one picture to
 * the next.
 */
export class FramedMask {
  #w = 0;
  #h = 0;
  /** Cells from one to that below. */
  #stride = 0;
  #cells = new Uint8Array(0);
  #stack = new Int32Array(0);

  /** @param mask (h * w), 0 and 1; copied */
  set(mask: Uint8Array, w: number, h: number): void {
    this.#w = w;
    this.#h = h;
    this.#stride = w + 2;
    const size = (w + 2) * (h + 2);
    if (this.#cells.length < size) {
      this.#cells = new Uint8Array(size);
      this.#stack = new Int32Array(size);
    }
    this.#cells.fill(FRAME, 0, size);
    for (let y = 0; y < h; y++) {
      this.#cells.set(mask.subarray(y * w, (y + 1) * w), (y + 1) * this.#stride + 1);
    }
  }

  /** @param mask (h * w), written in place */
  get(mask: Uint8Array): void {
    for (let y = 0; y < this.#h; y++) {
      const from = (y + 1) * this.#stride + 1;
      mask.set(this.#cells.subarray(from, from + this.#w), y * this.#w);
    }
  }

  /** Every cell becomes 1 but the zeros that are 4-connected to the border through zeros. @returns how many are 1 */
  fillHoles(): number {
    const [w, h, stride] = [this.#w, this.#h, this.#stride];
    let outside = 0;
    for (let x = 1; x <= w; x++) {
      outside += this.#flood(stride + x, 0, MARK);
      outside += this.#flood(h * stride + x, 0, MARK);
    }
    for (let y = 1; y <= h; y++) {
      outside += this.#flood(y * stride + 1, 0, MARK);
      outside += this.#flood(y * stride + w, 0, MARK);
    }
    const [cells, end] = [this.#cells, stride * (h + 2)];
    for (let at = 0; at < end; at++) if (cells[at] !== FRAME) cells[at] = cells[at] === MARK ? 0 : 1;
    return w * h - outside;
  }

  /**
   * The largest 4-connected component of ones is kept; the first in reading order where two are equal.
   *
   * @returns size of the second largest as a share of the largest; 0 without one
   */
  keepLargest(): number {
    const [cells, end] = [this.#cells, this.#stride * (this.#h + 2)];
    let [best, bestSize, second] = [-1, 0, 0];
    for (let at = 0; at < end; at++) {
      if (cells[at] !== 1) continue;
      const size = this.#flood(at, 1, MARK);
      second = Math.max(second, Math.min(size, bestSize));
      if (size > bestSize) [best, bestSize] = [at, size];
    }
    if (best >= 0) this.#flood(best, MARK, KEPT);
    for (let at = 0; at < end; at++) if (cells[at] !== FRAME) cells[at] = cells[at] === KEPT ? 1 : 0;
    return bestSize === 0 ? 0 : second / bestSize;
  }

  /** Turns cells of one value that are 4-connected to a place into another value. @returns how many */
  #flood(start: number, value: number, into: number): number {
    const [cells, stack, stride] = [this.#cells, this.#stack, this.#stride];
    if (cells[start] !== value) return 0;
    let [top, count] = [0, 0];
    cells[start] = into;
    stack[top++] = start;
    while (top > 0) {
      const at = stack[--top]!;
      count++;
      // Written out: a loop over the four sides takes half as long again.
      if (cells[at - 1] === value) {
        cells[at - 1] = into;
        stack[top++] = at - 1;
      }
      if (cells[at + 1] === value) {
        cells[at + 1] = into;
        stack[top++] = at + 1;
      }
      if (cells[at - stride] === value) {
        cells[at - stride] = into;
        stack[top++] = at - stride;
      }
      if (cells[at + stride] === value) {
        cells[at + stride] = into;
        stack[top++] = at + stride;
      }
    }
    return count;
  }
}
