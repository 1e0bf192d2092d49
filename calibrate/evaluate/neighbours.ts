import type { Reference } from "../../device/grade/gallery.ts";

/** A reference's view that is near to another view. */
export interface Neighbour {
  readonly reference: number;
  readonly view: number;
  /** 0..2. */
  readonly distance: number;
}

/**
 * The nearest views of references, at most one of each reference.
 *
 * @param embedding (dimension) unit length
 * @param counts which references count
 */
export function nearestViews(
  embedding: Float32Array,
  references: readonly Reference[],
  counts: (reference: Reference, index: number) => boolean,
  most: number,
): Neighbour[] {
  const found: Neighbour[] = [];
  const dimension = embedding.length;
  for (const [index, reference] of references.entries()) {
    if (!counts(reference, index)) continue;
    let [best, view] = [-2, 0];
    for (let v = 0, at = 0; v < reference.views; v++) {
      let dot = 0;
      for (let d = 0; d < dimension; d++, at++) dot += embedding[d]! * reference.embeddings[at]!;
      if (dot > best) [best, view] = [dot, v];
    }
    found.push({ reference: index, view, distance: Math.sqrt(Math.max(0, 2 - 2 * best)) });
  }
  return found.sort((a, b) => a.distance - b.distance).slice(0, most);
}
