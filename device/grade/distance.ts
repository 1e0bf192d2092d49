import type { ReferenceViews } from "./references.ts";

/** No item is left out. */
export const NO_ITEM = 0xffffffff;

/**
 * Distance from one view to the nearest reference view of each label.
 *
 * @param query holds the view at `offset`, (dimension) of unit length
 * @param references unit rows
 * @param labels (count) label of each reference view, below `out.length`
 * @param leaveOut item whose views do not count, or NO_ITEM
 * @param out (labels) Euclidean distances 0..2, written in place; Infinity where a label has no view
 * @see Hadsell, Chopra, LeCun 2006, eq. 1 (the distance between embeddings)
 */
export function nearestByLabel(
  query: Float32Array,
  offset: number,
  references: ReferenceViews,
  labels: Uint8Array,
  leaveOut: number,
  out: Float64Array,
): void {
  const { dimension, rows, count, itemOf } = references;
  out.fill(-2);
  for (let r = 0, at = 0; r < count; r++, at += dimension) {
    if (itemOf[r] === leaveOut) continue;
    // Four sums at a time: the processor adds them side by side.
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let i = 0;
    for (; i + 3 < dimension; i += 4) {
      a += query[offset + i]! * rows[at + i]!;
      b += query[offset + i + 1]! * rows[at + i + 1]!;
      c += query[offset + i + 2]! * rows[at + i + 2]!;
      d += query[offset + i + 3]! * rows[at + i + 3]!;
    }
    for (; i < dimension; i++) a += query[offset + i]! * rows[at + i]!;
    const dot = a + b + c + d;
    const label = labels[r]!;
    if (dot > out[label]!) out[label] = dot;
  }
  // Between unit vectors |x - y|² = 2 - 2 x·y.
  for (let label = 0; label < out.length; label++) {
    const dot = out[label]!;
    out[label] = dot === -2 ? Number.POSITIVE_INFINITY : Math.sqrt(Math.max(0, 2 - 2 * dot));
  }
}
