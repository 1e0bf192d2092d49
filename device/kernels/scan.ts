import {
  addInt,
  addInts,
  atLeastInts,
  bitmask,
  block,
  branchIf,
  constant,
  dotPairs,
  end,
  get,
  I32,
  instantiate,
  isZero,
  loadInt,
  loadVector,
  loop,
  multiplyInt,
  set,
  splatInt,
  splatPair,
  storeInt,
  storeVector,
  subtractInt,
  tee,
  V128,
  VECTOR,
  type WasmFunction,
} from "./assembler.ts";

/** Rows that are compared at once. */
export const ABREAST = 4;
/** Numbers of one hit: four dot products, the group, a bit for each row, two of padding. */
export const HIT = 8;
/** Components of each row that one instruction multiplies. */
export const PAIR = 2;
/** A component of 1 is stored as this integer: sixteen bits hold -2 to 2, and sums of products do not overflow. */
export const SCALE = 1 << 14;
const BYTES = 4;

/** Rows of few components, and a program that finds the rows whose dot product with a query is large. */
export interface ScanKernel {
  /** (groups, components / PAIR, ABREAST, PAIR) in units of 1 / SCALE: one pair of each of four rows, then the next pair. */
  readonly rows: Int16Array;
  /** (components) of the query, in units of 1 / SCALE. */
  readonly query: Int16Array;
  /** (blocks, at most all) the first group of each block to compare. */
  readonly list: Int32Array;
  /** HIT numbers each: the dot products in units of 1 / SCALE squared; at 4 the group, at 5 a bit for each row that is a hit. */
  readonly hits: Int32Array;
  /**
   * @param count entries of `list`, 0 or more
   * @param blockGroups groups in a block, 1 or more
   * @param limit in units of 1 / SCALE squared
   * @returns how many groups have a row with a dot product of `limit` or more
   */
  run(count: number, blockGroups: number, limit: number): number;
}

type Scan = (
  list: number,
  count: number,
  rows: number,
  blockGroups: number,
  query: number,
  limit: number,
  out: number,
) => number;

/**
 * @param groups groups of ABREAST rows, 1 or more
 * @param components even, 4 or more; up to 24 the query stays in the processor's registers
 */
export function makeScanKernel(groups: number, components: number): ScanKernel {
  const groupBytes = (components / PAIR) * VECTOR;
  const queryBytes = align(components * Int16Array.BYTES_PER_ELEMENT);
  const outAt = align(queryBytes + groups * BYTES);
  const rowsAt = outAt + groups * HIT * BYTES;
  const { run: scan, memory } = instantiate<Scan>(scanFunction(components), rowsAt + groups * groupBytes);
  return {
    rows: new Int16Array(memory, rowsAt, groups * components * ABREAST),
    query: new Int16Array(memory, 0, components),
    list: new Int32Array(memory, queryBytes, groups),
    hits: new Int32Array(memory, outAt, groups * HIT),
    run(count, blockGroups, limit) {
      if (count === 0) return 0;
      return (scan(queryBytes, count, rowsAt, blockGroups, 0, limit, outAt) - outAt) / (HIT * BYTES);
    },
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / VECTOR) * VECTOR;
}

/**
 * For each block of the list, for each group of the block: sum = the query's pairs times the rows' pairs. If one of the
 * four sums is at least the limit, the sums, the group and a bit for each such sum are written to the hits.
 */
function scanFunction(components: number): WasmFunction {
  const pairs = components / PAIR;
  const groupBytes = pairs * VECTOR;
  const [list, count, rows, blockGroups, query, limit, out] = [0, 1, 2, 3, 4, 5, 6];
  const [row, group, left, mask, limits, sum, other, pairsOfQuery] = [7, 8, 9, 10, 11, 12, 13, 14];
  const times = (pair: number): number[] => [
    ...[...get(row), ...loadVector(VECTOR * pair), ...get(pairsOfQuery + pair), ...dotPairs],
  ];
  const body = [
    ...[...get(limit), ...splatInt, ...set(limits)],
    ...Array.from({ length: pairs }, (_, pair) => [
      ...get(query),
      ...splatPair(pair * BYTES),
      ...set(pairsOfQuery + pair),
    ]).flat(),
    ...loop,
    ...[
      ...get(list),
      ...loadInt(0),
      ...tee(group),
      ...constant(groupBytes),
      multiplyInt,
      ...get(rows),
      addInt,
      ...set(row),
    ],
    ...[...get(blockGroups), ...set(left)],
    ...loop,
    // Two sums: one alone waits for each addition to end.
    ...[...times(0), ...set(sum), ...times(1), ...set(other)],
    ...Array.from({ length: pairs - 2 }, (_, at) => {
      const into = at % 2 === 0 ? sum : other;
      return [...get(into), ...times(at + 2), ...addInts, ...set(into)];
    }).flat(),
    ...[...get(sum), ...get(other), ...addInts, ...tee(sum), ...get(limits), ...atLeastInts, ...bitmask, ...set(mask)],
    ...block,
    ...[...get(mask), isZero, ...branchIf(0)],
    ...[...get(out), ...get(sum), ...storeVector(0)],
    ...[...get(out), ...get(group), ...storeInt(VECTOR)],
    ...[...get(out), ...get(mask), ...storeInt(VECTOR + BYTES)],
    ...[...get(out), ...constant(HIT * BYTES), addInt, ...set(out)],
    ...end,
    ...[...get(group), ...constant(1), addInt, ...set(group)],
    ...[...get(row), ...constant(groupBytes), addInt, ...set(row)],
    ...[...get(left), ...constant(1), subtractInt, ...tee(left), ...branchIf(0)],
    ...end,
    ...[...get(list), ...constant(BYTES), addInt, ...set(list)],
    ...[...get(count), ...constant(1), subtractInt, ...tee(count), ...branchIf(0)],
    ...end,
    ...get(out),
  ];
  return {
    parameters: [I32, I32, I32, I32, I32, I32, I32],
    results: [I32],
    locals: [
      [4, I32],
      [3 + pairs, V128],
    ],
    body,
  };
}
