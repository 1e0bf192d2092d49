import { GradelineError } from "../base/errors.ts";

/*
 * Principal components: the plane (or space) in which many points differ most, for maps of embeddings. Directions are
 * found by orthogonal iteration on the covariance, so only as many as are wanted are worked out.
 */

/** Takes points to few coordinates; a new point can be taken with the same axes, and lands where it belongs. */
export interface Projection {
  readonly dimension: number;
  readonly components: number;
  /** (dimension) what is taken off first. */
  readonly mean: Float64Array;
  /** (components, dimension) orthonormal rows; zeros where the points have no further direction. */
  readonly axes: Float64Array;
  /** (components) share of all variance that lies along each axis, 0..1, falling. */
  readonly explained: Float64Array;
}

/** More points than this change no axis that the eye sees; an even part of them is used. */
const MAX_POINTS = 4096;
/** Directions followed beyond the wanted ones: they keep close eigenvalues from slowing the wanted ones down. */
const SPARE_DIRECTIONS = 6;
const MAX_ROUNDS = 300;
/** Relative change of the wanted eigenvalues at which they stand. */
const SETTLED = 1e-10;
/** Variance under this share of the whole is rounding, not a direction. */
const NOTHING = 1e-12;

/**
 * @param rows (count, dimension) row-major
 * @param count 1 or more
 * @param components axes wanted, 1 or more
 * @returns axes in falling order of variance; each points to where its largest entry is positive, so equal points give
 *   equal maps
 * @throws {GradelineError} EMBEDDING_SHAPE when `rows` does not hold `count` rows, or there is none
 * @see Pearson 1901; Jolliffe 2002, "Principal component analysis"
 */
export function fitProjection(rows: Float32Array, count: number, dimension: number, components = 2): Projection {
  if (count < 1 || rows.length !== count * dimension) {
    throw new GradelineError(
      "EMBEDDING_SHAPE",
      `${rows.length} values are not ${count} rows of ${dimension}, wanted one row or more`,
    );
  }
  const step = Math.ceil(count / MAX_POINTS);
  const used = Math.ceil(count / step);
  const mean = new Float64Array(dimension);
  for (let row = 0; row < count; row += step) {
    for (let d = 0, at = row * dimension; d < dimension; d++, at++) mean[d]! += rows[at]! / used;
  }
  const covariance = new Float64Array(dimension * dimension);
  const point = new Float64Array(dimension);
  for (let row = 0; row < count; row += step) {
    for (let d = 0; d < dimension; d++) point[d] = rows[row * dimension + d]! - mean[d]!;
    for (let i = 0; i < dimension; i++) {
      const value = point[i]! / used;
      for (let j = 0; j <= i; j++) covariance[i * dimension + j]! += value * point[j]!;
    }
  }
  let variance = 0;
  for (let i = 0; i < dimension; i++) {
    variance += covariance[i * dimension + i]!;
    for (let j = 0; j < i; j++) covariance[j * dimension + i] = covariance[i * dimension + j]!;
  }
  const { values, vectors } = largestEigenvectors(covariance, dimension, Math.min(components, dimension));
  const axes = new Float64Array(components * dimension);
  const explained = new Float64Array(components);
  for (let c = 0; c < values.length; c++) {
    if (!(values[c]! > NOTHING * variance)) continue;
    explained[c] = values[c]! / variance;
    axes.set(turned(vectors.subarray(c * dimension, (c + 1) * dimension)), c * dimension);
  }
  return { dimension, components, mean, axes, explained };
}

/**
 * @param rows (count, dimension) row-major
 * @param out (count, components) row-major, written in place where given
 * @returns `out`: coordinates on the axes
 * @throws {GradelineError} EMBEDDING_SHAPE when the rows are of another dimension
 */
export function project(
  rows: Float32Array,
  count: number,
  projection: Projection,
  out: Float32Array = new Float32Array(count * projection.components),
): Float32Array {
  const { dimension, components, mean, axes } = projection;
  if (rows.length !== count * dimension) {
    throw new GradelineError("EMBEDDING_SHAPE", `${rows.length} values are not ${count} rows of ${dimension}`);
  }
  for (let row = 0; row < count; row++) {
    for (let c = 0; c < components; c++) {
      let sum = 0;
      for (let d = 0; d < dimension; d++) {
        sum += (rows[row * dimension + d]! - mean[d]!) * axes[c * dimension + d]!;
      }
      out[row * components + c] = sum;
    }
  }
  return out;
}

/** A direction and its opposite are the same axis: the one whose largest entry is positive. */
function turned(axis: Float64Array): Float64Array {
  let largest = 0;
  for (const value of axis) if (Math.abs(value) > Math.abs(largest) + NOTHING) largest = value;
  return largest < 0 ? axis.map((value) => -value) : axis;
}

/**
 * Orthogonal iteration with a Rayleigh-Ritz step.
 *
 * @param matrix (size, size) symmetric, no negative eigenvalue
 * @returns the `wanted` largest, falling; vectors (wanted, size)
 * @see Golub, Van Loan 2013, "Matrix computations", 8.2.4 and 8.3
 */
function largestEigenvectors(
  matrix: Float64Array,
  size: number,
  wanted: number,
): { values: Float64Array; vectors: Float64Array } {
  const block = Math.min(size, wanted + SPARE_DIRECTIONS);
  let basis = new Float64Array(block * size);
  // Any directions that no data is made to be orthogonal to; the same ones every time.
  for (let at = 0; at < basis.length; at++) basis[at] = Math.sin(1 + at * at * 0.618) + (at % (size + 1) === 0 ? 1 : 0);
  orthonormalise(basis, block, size);
  let before = new Float64Array(block);
  for (let round = 0; ; round++) {
    const image = multiplyRows(matrix, basis, block, size);
    const { values, vectors } = jacobi(dotRows(basis, image, block, size), block);
    const settled = isSettled(values, before, wanted);
    before = values;
    basis = combine(vectors, settled || round === MAX_ROUNDS ? basis : image, block, size);
    if (settled || round === MAX_ROUNDS) {
      return { values: values.slice(0, wanted), vectors: basis.subarray(0, wanted * size) };
    }
    orthonormalise(basis, block, size);
  }
}

function isSettled(values: Float64Array, before: Float64Array, wanted: number): boolean {
  for (let i = 0; i < wanted; i++) {
    if (Math.abs(values[i]! - before[i]!) > SETTLED * Math.abs(values[0]!)) return false;
  }
  return true;
}

/** @returns (count, size) each row of `rows` times the symmetric matrix */
function multiplyRows(matrix: Float64Array, rows: Float64Array, count: number, size: number): Float64Array {
  const out = new Float64Array(count * size);
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < size; i++) {
      const value = rows[r * size + i]!;
      if (value === 0) continue;
      for (let j = 0; j < size; j++) out[r * size + j]! += value * matrix[i * size + j]!;
    }
  }
  return out;
}

/** @returns (count, count) dot products of the rows of both */
function dotRows(a: Float64Array, b: Float64Array, count: number, size: number): Float64Array {
  const out = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      let sum = 0;
      for (let d = 0; d < size; d++) sum += a[i * size + d]! * b[j * size + d]!;
      out[i * count + j] = sum;
    }
  }
  return out;
}

/** @returns (count, size) rows mixed by `weights` (count, count), one row of weights per row */
function combine(weights: Float64Array, rows: Float64Array, count: number, size: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(count * size);
  for (let r = 0; r < count; r++) {
    for (let k = 0; k < count; k++) {
      const weight = weights[r * count + k]!;
      for (let d = 0; d < size; d++) out[r * size + d]! += weight * rows[k * size + d]!;
    }
  }
  return out;
}

/** Modified Gram-Schmidt, twice for the digits that cancel; a row without a direction of its own becomes zero. */
function orthonormalise(rows: Float64Array, count: number, size: number): void {
  for (let r = 0; r < count; r++) {
    const row = rows.subarray(r * size, (r + 1) * size);
    const length = Math.hypot(...row);
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < r; k++) {
        const other = rows.subarray(k * size, (k + 1) * size);
        let dot = 0;
        for (let d = 0; d < size; d++) dot += row[d]! * other[d]!;
        for (let d = 0; d < size; d++) row[d]! -= dot * other[d]!;
      }
    }
    const left = Math.hypot(...row);
    const scale = left > NOTHING * length ? 1 / left : 0;
    for (let d = 0; d < size; d++) row[d]! *= scale;
  }
}

/**
 * All eigenvectors of a small symmetric matrix by cyclic rotations.
 *
 * @returns falling; vectors (size, size), one per row
 */
function jacobi(matrix: Float64Array, size: number): { values: Float64Array<ArrayBuffer>; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let trace = 0;
    for (let i = 0; i < size; i++) {
      trace += Math.abs(a[i * size + i]!);
      for (let j = 0; j < i; j++) off += Math.abs(a[i * size + j]!);
    }
    if (off <= 1e-15 * trace) break;
    for (let p = 0; p < size - 1; p++) for (let q = p + 1; q < size; q++) rotate(a, vectors, size, p, q);
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((x, y) => a[y * size + y]! - a[x * size + x]!);
  const values = new Float64Array(size);
  const sorted = new Float64Array(size * size);
  for (const [to, from] of order.entries()) {
    values[to] = a[from * size + from]!;
    sorted.set(vectors.subarray(from * size, (from + 1) * size), to * size);
  }
  return { values, vectors: sorted };
}

/** Makes entry (p, q) zero. */
function rotate(a: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const apq = a[p * size + q]!;
  if (apq === 0) return;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const kp = a[k * size + p]!;
    const kq = a[k * size + q]!;
    a[k * size + p] = c * kp - s * kq;
    a[k * size + q] = s * kp + c * kq;
  }
  for (let k = 0; k < size; k++) {
    const pk = a[p * size + k]!;
    const qk = a[q * size + k]!;
    a[p * size + k] = c * pk - s * qk;
    a[q * size + k] = s * pk + c * qk;
    const vp = vectors[p * size + k]!;
    const vq = vectors[q * size + k]!;
    vectors[p * size + k] = c * vp - s * vq;
    vectors[q * size + k] = s * vp + c * vq;
  }
}
