import type { Gallery } from "./gallery.ts";
import { indexOf, type NearestIndex } from "./search/nearest-index.ts";

/** All reference views of a gallery as flat arrays, for the hot loop. */
export interface ReferenceViews {
  readonly dimension: number;
  /** Number of grades; grade 0 is the best. */
  readonly grades: number;
  /** (count, dimension) row-major, unit rows. */
  readonly rows: Float32Array;
  readonly count: number;
  /** (count) grade of the item that the view belongs to. */
  readonly gradeOf: Uint8Array;
  /** (count) which item, 0..items-1. */
  readonly itemOf: Uint32Array;
  readonly items: number;
  /** (items) grade of each item. */
  readonly itemGrade: Uint8Array;
  /** By which the nearest ones are found without looking at all; undefined where that gains nothing. */
  readonly index: NearestIndex | undefined;
}

export function flatten(gallery: Gallery): ReferenceViews {
  const { dimension, references } = gallery;
  const count = references.reduce((sum, { views }) => sum + views, 0);
  const rows = new Float32Array(count * dimension);
  const gradeOf = new Uint8Array(count);
  const itemOf = new Uint32Array(count);
  const itemGrade = new Uint8Array(references.length);
  let row = 0;
  for (const [item, { grade, views, embeddings }] of references.entries()) {
    rows.set(embeddings, row * dimension);
    const rank = gallery.grades.indexOf(grade);
    gradeOf.fill(rank, row, row + views);
    itemOf.fill(item, row, row + views);
    itemGrade[item] = rank;
    row += views;
  }
  const flat = {
    dimension,
    grades: gallery.grades.length,
    rows,
    count,
    gradeOf,
    itemOf,
    items: references.length,
    itemGrade,
  };
  return { ...flat, index: indexOf(flat) };
}

/** Where each item's views lie among all rows. */
export function viewsOfItem(references: ReferenceViews): { readonly from: number; readonly count: number }[] {
  const views: { from: number; count: number }[] = [];
  for (let r = 0; r < references.count; r++) {
    const item = references.itemOf[r]!;
    const entry = views[item];
    if (entry === undefined) views[item] = { from: r, count: 1 };
    else entry.count++;
  }
  return views;
}
