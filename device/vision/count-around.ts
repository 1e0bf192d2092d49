/**
 * Each cell becomes 1 where at least `least` of the nine cells around it are 1, itself among them: a majority with 5,
 * an erosion with 9, a dilation with 1. Beyond the edge the cells at the edge count again, so that what is cut off by
 * the edge goes on there.
 *
 * @param mask (rows * cols), 0 and 1
 * @param from first row that is looked at; all others of `out` are left as they are
 * @param to row behind the last
 * @param out (rows * cols), another array than `mask`
 */
export function countAround(
  mask: Uint8Array,
  cols: number,
  rows: number,
  from: number,
  to: number,
  least: number,
  out: Uint8Array,
): void {
  for (let row = from; row < to; row++) {
    const here = row * cols;
    const up = row > 0 ? here - cols : here;
    const down = row < rows - 1 ? here + cols : here;
    let middle = mask[up]! + mask[here]! + mask[down]!;
    let before = middle;
    for (let col = 0; col < cols; col++) {
      const next = col < cols - 1 ? col + 1 : col;
      const after = mask[up + next]! + mask[here + next]! + mask[down + next]!;
      out[here + col] = before + middle + after >= least ? 1 : 0;
      before = middle;
      middle = after;
    }
  }
}
