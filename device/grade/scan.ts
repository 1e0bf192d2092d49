import {
  addInt,
  addVector,
  atLeast,
  bitmask,
  branchIf,
  constant,
  end,
  F32,
  get,
  I32,
  instantiate,
  lessThan,
  loadInt,
  loadVector,
  loop,
  multiplyInt,
  multiplyVector,
  notEqual,
  set,
  shiftLeft,
  splat,
  storeInt,
  storeVector,
  subtractInt,
  tee,
  V128,
  VECTOR,
  type WasmFunction,
  zeroVector,
} from "./wasm.ts";

/** Rows that lie side by side and are compared at once. */
export const ABREAST = 4;
/** Numbers between one find and the next: four dots, the group, a bit for each row, two of padding. */
export const FIND = 8;
/** Components that one turn of the inner loop takes. */
const UNROLLED = 4;
const BYTES = 4;

/** Rows of few components, and a program that finds those whose dot product with a query is large. */
export interface ScanKernel {
  /** (groups, components, ABREAST): component by component, four rows abreast. */
  readonly rows: Float32Array;
  /** (components) of the query. */
  readonly query: Float32Array;
  /** (groups) which groups to look at. */
  readonly list: Int32Array;
  /** FIND numbers a find: the dots. */
  readonly dots: Float32Array;
  /** The same memory: at 4 the group, at 5 the bits. */
  readonly finds: Int32Array;
  /**
   * @param count of `list`, 0 or more
   * @returns how many groups have a row whose dot product is at least `limit`
   */
  run(count: number, limit: number): number;
}

type Scan = (
  list: number,
  count: number,
  rows: number,
  bytes: number,
  query: number,
  limit: number,
  out: number,
) => number;

/**
 * @param groups of ABREAST rows, 1 or more
 * @param components a multiple of four
 */
export function makeScanKernel(groups: number, components: number): ScanKernel {
  const groupBytes = components * VECTOR;
  const listAt = groupBytes;
  const outAt = align(listAt + groups * BYTES);
  const rowsAt = outAt + groups * FIND * BYTES;
  const { run: scan, memory } = instantiate<Scan>(scanFunction(), rowsAt + groups * groupBytes);
  const spread = new Float32Array(memory, 0, components * ABREAST);
  const query = new Float32Array(components);
  return {
    rows: new Float32Array(memory, rowsAt, groups * components * ABREAST),
    query,
    list: new Int32Array(memory, listAt, groups),
    dots: new Float32Array(memory, outAt, groups * FIND),
    finds: new Int32Array(memory, outAt, groups * FIND),
    run(count, limit) {
      if (count === 0) return 0;
      for (let c = 0; c < components; c++) spread.fill(query[c]!, c * ABREAST, (c + 1) * ABREAST);
      return (scan(listAt, count, rowsAt, groupBytes, 0, limit, outAt) - outAt) / (FIND * BYTES);
    },
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / VECTOR) * VECTOR;
}

/**
 * for each group of the list: sum[0..3] = 0; for each four components: sum[k] += row[k] * query[k]; total = all sums;
 * where a lane of total is at least the limit, total, group and lanes are kept.
 */
function scanFunction(): WasmFunction {
  const [list, count, rows, bytes, query, limit, out] = [0, 1, 2, 3, 4, 5, 6];
  const [row, rowEnd, part, group, mask, limits, sum] = [7, 8, 9, 10, 11, 12, 13];
  const parts = [0, 1, 2, 3];
  const body = [
    ...[...get(limit), ...splat, ...set(limits)],
    ...loop,
    ...[...get(list), ...loadInt(0), ...tee(group), ...get(bytes), multiplyInt, ...get(rows), addInt, ...tee(row)],
    ...[...get(bytes), addInt, ...set(rowEnd)],
    ...[...get(query), ...set(part)],
    ...parts.flatMap((k) => [...zeroVector, ...set(sum + k)]),
    ...loop,
    ...parts.flatMap((k) => [
      ...[...get(sum + k), ...get(row), ...loadVector(VECTOR * k), ...get(part), ...loadVector(VECTOR * k)],
      ...[...multiplyVector, ...addVector, ...set(sum + k)],
    ]),
    ...[...get(part), ...constant(VECTOR * UNROLLED), addInt, ...set(part)],
    ...[...get(row), ...constant(VECTOR * UNROLLED), addInt, ...tee(row), ...get(rowEnd), lessThan, ...branchIf(0)],
    ...end,
    ...[...get(sum), ...get(sum + 1), ...addVector, ...get(sum + 2), ...get(sum + 3), ...addVector, ...addVector],
    ...[...tee(sum), ...get(limits), ...atLeast, ...bitmask, ...set(mask)],
    // Kept always; the next one is written over it unless it counts.
    ...[...get(out), ...get(sum), ...storeVector(0)],
    ...[...get(out), ...get(group), ...storeInt(VECTOR)],
    ...[...get(out), ...get(mask), ...storeInt(VECTOR + BYTES)],
    ...[...get(out), ...get(mask), ...constant(0), notEqual, ...constant(5), shiftLeft, addInt, ...set(out)],
    ...[...get(list), ...constant(BYTES), addInt, ...set(list)],
    ...[...get(count), ...constant(1), subtractInt, ...tee(count), ...branchIf(0)],
    ...end,
    ...get(out),
  ];
  return {
    parameters: [I32, I32, I32, I32, I32, F32, I32],
    results: [I32],
    locals: [
      [5, I32],
      [1 + parts.length, V128],
    ],
    body,
  };
}
