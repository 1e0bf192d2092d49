import { ABREAST, makeDotKernel } from "../../kernels/dots.ts";
import type { ReferenceViews } from "../references.ts";
import type { NearestIndex } from "./nearest-index.ts";
import { NearestSearch, NOTHING } from "./nearest-search.ts";

/** No item is left out. */
export const NO_ITEM = 0xffffffff;

/** Holds nothing from one call to the next. */
const kernel = makeDotKernel();
/** Of each index; they live as long as it does. */
const searches = new WeakMap<NearestIndex, NearestSearch>();

/**
 * Distance from each view of an item to the nearest reference view of each grade.
 *
 * @param embeddings (count, dimension) row-major, unit rows
 * @param count 1 or more
 * @param references unit rows
 * @param leaveOut item whose views do not count, or NO_ITEM
 * @param out (count, grades) Euclidean distances 0..2, written in place; Infinity where a grade has no view
 * @see Hadsell, Chopra, LeCun 2006, eq. 1 (the distance between embeddings)
 */
export function nearestByGrade(
  embeddings: Float32Array,
  count: number,
  references: ReferenceViews,
  leaveOut: number,
  out: Float64Array,
): void {
  const search = searchOf(references);
  if (search === undefined) compareAll(embeddings, count, references, leaveOut, out);
  else {
    search.begin(embeddings, count, leaveOut);
    search.largestDots(out);
  }
  const last = count * references.grades;
  for (let at = 0; at < last; at++) out[at] = distanceOf(out[at]!);
}

/** Between unit vectors |x - y|² = 2 - 2 x·y. @returns 0..2, Infinity for NOTHING */
export function distanceOf(dot: number): number {
  return dot === NOTHING ? Number.POSITIVE_INFINITY : Math.sqrt(Math.max(0, 2 - 2 * dot));
}

/** @returns undefined where every reference has to be looked at */
export function searchOf(references: ReferenceViews): NearestSearch | undefined {
  const { index } = references;
  if (index === undefined) return undefined;
  let search = searches.get(index);
  if (search === undefined) {
    search = new NearestSearch(references, index);
    searches.set(index, search);
  }
  return search;
}

/** @param out (count, grades) the largest dot products, NOTHING without any */
function compareAll(
  embeddings: Float32Array,
  count: number,
  references: ReferenceViews,
  leaveOut: number,
  out: Float64Array,
): void {
  const { dimension, grades } = references;
  const stride = Math.ceil(dimension / ABREAST) * ABREAST;
  const rowsAtOnce = Math.floor(kernel.rows.length / stride);
  const viewsAtOnce = Math.floor(kernel.views.length / stride / ABREAST) * ABREAST;
  out.fill(NOTHING, 0, count * grades);
  for (let view = 0; view < count; view += viewsAtOnce) {
    const views = Math.min(viewsAtOnce, count - view);
    layViews(embeddings, view, views, dimension, stride);
    for (let row = 0; row < references.count; row += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, references.count - row);
      layRows(references.rows, row, rows, dimension, stride);
      for (let column = 0; column < views; column += ABREAST) {
        kernel.run(column / ABREAST, rows, stride);
        takeNearest(Math.min(ABREAST, views - column), references, row, rows, leaveOut, out, (view + column) * grades);
      }
    }
  }
}

/** In the kernel's order, filled up with zeros. */
function layViews(embeddings: Float32Array, from: number, count: number, dimension: number, stride: number): void {
  const { views } = kernel;
  views.fill(0, 0, Math.ceil(count / ABREAST) * ABREAST * stride);
  for (let v = 0; v < count; v++) {
    const group = (v - (v % ABREAST)) * stride + (v % ABREAST) * ABREAST;
    const at = (from + v) * dimension;
    for (let i = 0; i < dimension; i++) views[group + (i >> 2) * ABREAST * ABREAST + (i & 3)] = embeddings[at + i]!;
  }
}

function layRows(all: Float32Array, from: number, count: number, dimension: number, stride: number): void {
  const { rows } = kernel;
  if (stride === dimension) {
    rows.set(all.subarray(from * dimension, (from + count) * dimension));
    return;
  }
  rows.fill(0, 0, count * stride);
  for (let r = 0; r < count; r++) {
    const at = (from + r) * dimension;
    for (let i = 0; i < dimension; i++) rows[r * stride + i] = all[at + i]!;
  }
}

/** @param views 1..ABREAST that count @param outFrom where the first of them has its grades */
function takeNearest(
  views: number,
  { itemOf, gradeOf, grades }: ReferenceViews,
  from: number,
  count: number,
  leaveOut: number,
  out: Float64Array,
  outFrom: number,
): void {
  const { dots } = kernel;
  for (let r = 0; r < count; r++) {
    if (itemOf[from + r] === leaveOut) continue;
    const at = outFrom + gradeOf[from + r]!;
    for (let v = 0; v < views; v++) {
      const dot = dots[r * ABREAST + v]!;
      if (dot > out[at + v * grades]!) out[at + v * grades] = dot;
    }
  }
}
