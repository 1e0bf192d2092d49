/** Farther than any distance inside a picture; its square still fits into 32 bits. */
const FAR = 32_767;

/**
 * Exact Euclidean distances to the background, with scratch memory that is kept between calls.
 *
 * @see Meijster, Roerdink, Hesselink 2000, "A general algorithm for computing distance transforms in linear time"
 */
export class DistanceTransform {
  #columns = new Int32Array(0);
  #apex = new Int32Array(0);
  #from = new Int32Array(0);

  /**
   * @param mask (height * width), 0 is background; what lies outside counts for nothing
   * @param out (height * width), squared distance between pixel centres to the nearest background pixel; 0 on the
   *   background, at least 32767² where there is none
   */
  run(mask: Uint8Array, width: number, height: number, out: Int32Array): void {
    if (this.#columns.length < width * height) this.#columns = new Int32Array(width * height);
    if (this.#apex.length < width) {
      this.#apex = new Int32Array(width);
      this.#from = new Int32Array(width);
    }
    this.#alongColumns(mask, width, height);
    for (let y = 0; y < height; y++) this.#alongRow(y * width, width, out);
  }

  /** Distance to the nearest background pixel in the same column. */
  #alongColumns(mask: Uint8Array, width: number, height: number): void {
    const g = this.#columns;
    for (let x = 0; x < width; x++) g[x] = mask[x] === 0 ? 0 : FAR;
    for (let at = width, end = width * height; at < end; at++) {
      g[at] = mask[at] === 0 ? 0 : Math.min(FAR, g[at - width]! + 1);
    }
    for (let at = width * (height - 1) - 1; at >= 0; at--) {
      const below = g[at + width]! + 1;
      if (below < g[at]!) g[at] = below;
    }
  }

  /** Lower envelope of the parabolas that stand on the columns' distances. */
  #alongRow(row: number, width: number, out: Int32Array): void {
    const g = this.#columns;
    const apex = this.#apex;
    const from = this.#from;
    let last = 0;
    apex[0] = 0;
    from[0] = 0;
    for (let x = 1; x < width; x++) {
      const gx = g[row + x]!;
      while (last >= 0) {
        const s = apex[last]!;
        const t = from[last]!;
        const gs = g[row + s]!;
        if ((t - s) * (t - s) + gs * gs <= (t - x) * (t - x) + gx * gx) break;
        last--;
      }
      if (last < 0) {
        last = 0;
        apex[0] = x;
        from[0] = 0;
        continue;
      }
      const s = apex[last]!;
      const gs = g[row + s]!;
      const start = 1 + (((x * x - s * s + gx * gx - gs * gs) / (2 * (x - s))) | 0);
      if (start < width) {
        last++;
        apex[last] = x;
        from[last] = start;
      }
    }
    for (let x = width - 1; x >= 0; x--) {
      const s = apex[last]!;
      const gs = g[row + s]!;
      out[row + x] = (x - s) * (x - s) + gs * gs;
      if (x === from[last]) last--;
    }
  }
}
