import type { ReferenceViews } from "../references.ts";

/*
 * Embeddings of fruit vary in few directions. A unit row, written as its coordinates in these few and the length of all
 * the rest, is a short row; the dot product of two short rows is never less than that of the whole ones (Cauchy,
 * Schwarz), and hardly more. So most references can be told too far by a small part of the work, without an error.
 */

/** Components of a short row: the rest's length is the last. */
export const SHORT = 24;
/** Of the squared lengths, what may be left in the rest; beyond it short rows tell too little. */
const MAX_REST = 0.3;
/** So many rows tell the directions. */
const MAX_SAMPLE = 2000;
const ROUNDS = 8;
/** A direction with less length than this of its own is the others' again. */
const NO_DIRECTION = 1e-6;

/** The few directions. */
export interface ShortBasis {
  /** (SHORT - 1, dimension) orthonormal rows, or zeros. */
  readonly axes: Float64Array;
  readonly dimension: number;
}

/** @returns undefined where the references spread in too many directions to gain anything */
export function fitShortBasis({ rows, count, dimension }: Omit<ReferenceViews, "index">): ShortBasis | undefined {
  if (dimension < 2 * SHORT || count === 0) return undefined;
  const step = Math.ceil(count / MAX_SAMPLE);
  const axes = principalAxes(secondMoments(rows, count, step, dimension), dimension);
  const basis = { axes, dimension };
  const short = new Float32Array(SHORT);
  let rest = 0;
  for (let row = 0; row < count; row += step) {
    shorten(rows, row, basis, short);
    rest += short[SHORT - 1]! ** 2 / Math.ceil(count / step);
  }
  return rest <= MAX_REST ? basis : undefined;
}

/** @returns (dimension, dimension) mean of x xᵀ over every `step`-th row */
function secondMoments(rows: Float32Array, count: number, step: number, dimension: number): Float64Array {
  const moments = new Float64Array(dimension * dimension);
  for (let row = 0; row < count; row += step) {
    const from = row * dimension;
    for (let i = 0; i < dimension; i++) {
      const value = rows[from + i]!;
      for (let j = 0; j <= i; j++) moments[i * dimension + j]! += value * rows[from + j]!;
    }
  }
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < i; j++) moments[j * dimension + i] = moments[i * dimension + j]!;
  }
  return moments;
}

/**
 * Nearly the directions in which the rows are longest: any orthonormal ones give true bounds, these give close ones, so
 * a few rounds of orthogonal iteration do.
 *
 * @see Golub, Van Loan 2013, "Matrix computations", 8.2.4
 */
function principalAxes(moments: Float64Array, dimension: number): Float64Array {
  const count = SHORT - 1;
  let axes = Float64Array.from({ length: count * dimension }, (_, at) => Math.sin(1 + at * at * 0.618));
  for (let round = 0; round <= ROUNDS; round++) {
    for (let a = 0; a < count; a++) orthonormalise(axes, a, dimension);
    if (round < ROUNDS) axes = multiplied(moments, axes, count, dimension);
  }
  return axes;
}

/** @returns (count, dimension) each row times the symmetric matrix */
function multiplied(matrix: Float64Array, rows: Float64Array, count: number, dimension: number) {
  const out = new Float64Array(count * dimension);
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < dimension; i++) {
      const value = rows[r * dimension + i]!;
      for (let j = 0; j < dimension; j++) out[r * dimension + j]! += value * matrix[i * dimension + j]!;
    }
  }
  return out;
}

/**
 * @param rows (any, dimension) row-major
 * @param row which of them
 * @param out (SHORT) written in place
 */
export function shorten(rows: Float32Array | Float64Array, row: number, basis: ShortBasis, out: Float32Array): void {
  const { axes, dimension } = basis;
  const from = row * dimension;
  let rest = 0;
  for (let d = 0; d < dimension; d++) rest += rows[from + d]! ** 2;
  for (let a = 0; a < SHORT - 1; a++) {
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += axes[a * dimension + d]! * rows[from + d]!;
    out[a] = sum;
    rest -= sum * sum;
  }
  out[SHORT - 1] = Math.sqrt(Math.max(0, rest));
}

/** Takes from axis `a` what lies along those before it; twice, for what rounding left. */
function orthonormalise(axes: Float64Array, a: number, dimension: number): void {
  const axis = axes.subarray(a * dimension, (a + 1) * dimension);
  for (let pass = 0; pass < 2; pass++) {
    for (let b = 0; b < a; b++) {
      const other = axes.subarray(b * dimension, (b + 1) * dimension);
      let along = 0;
      for (let d = 0; d < dimension; d++) along += axis[d]! * other[d]!;
      for (let d = 0; d < dimension; d++) axis[d]! -= along * other[d]!;
    }
    const length = Math.hypot(...axis);
    for (let d = 0; d < dimension; d++) axis[d] = length < NO_DIRECTION ? 0 : axis[d]! / length;
  }
}
