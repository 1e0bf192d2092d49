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
} from "../../base/wasm.ts";

/** Rows that lie side by side and are compared at once. */
export const ABREAST = 4;
/** Numbers between one find and the next: four dots, the group, a bit for each row, two of padding. */
export const FIND = 8;
/** Components that one instruction takes of each row. */
export const PAIR = 2;
/** Components are whole numbers of this part of one: sixteen bits hold -2 to 2, and sums of products do not overflow. */
export const SCALE = 1 << 14;
const BYTES = 4;

/** Rows of few components, and a program that finds those whose dot product with a query is large. */
export interface ScanKernel {
  /** (groups, components / PAIR, ABREAST, PAIR) in parts of SCALE: pair by pair, four rows abreast. */
  readonly rows: Int16Array;
  /** (components) of the query, in parts of SCALE. */
  readonly query: Int16Array;
  /** (at most all blocks) the first group of each block to look at. */
  readonly list: Int32Array;
  /** FIND numbers a find: the dots, in parts of SCALE squared; at 4 the group, at 5 a bit for each row that counts. */
  readonly finds: Int32Array;
  /**
   * @param count of `list`, 0 or more
   * @param blockGroups groups of a block, 1 or more
   * @param limit in parts of SCALE squared
   * @returns how many groups have a row whose dot product is at least `limit`
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
 * @param groups of ABREAST rows, 1 or more
 * @param components even, 4 or more; up to 24 the query stays in the processor's registers
 */
export function makeScanKernel(groups: number, components: number): ScanKernel {
  const groupBytes = (components / PAIR) * VECTOR;
  const queryBytes = align(components * Int16Array.BYTES_PER_ELEMENT);
  const outAt = align(queryBytes + groups * BYTES);
  const rowsAt = outAt + groups * FIND * BYTES;
  const { run: scan, memory } = instantiate<Scan>(scanFunction(components), rowsAt + groups * groupBytes);
  return {
    rows: new Int16Array(memory, rowsAt, groups * components * ABREAST),
    query: new Int16Array(memory, 0, components),
    list: new Int32Array(memory, queryBytes, groups),
    finds: new Int32Array(memory, outAt, groups * FIND),
    run(count, blockGroups, limit) {
      if (count === 0) return 0;
      return (scan(queryBytes, count, rowsAt, blockGroups, 0, limit, outAt) - outAt) / (FIND * BYTES);
    },
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / VECTOR) * VECTOR;
}

/**
 * for each block of the list, for each group of the block: sum = the query's pairs times the rows' pairs; where a lane of
 * it is at least the limit, sum, group and lanes are kept.
 */
function scanFunction(components: number): WasmFunction {
  const pairs = components / PAIR;
  const groupBytes = pairs * VECTOR;
  const [list, count, rows, blockGroups, query, limit, out] = [0, 1, 2, 3, 4, 5, 6];
  const [row, group, left, mask, limits, sum, other, asked] = [7, 8, 9, 10, 11, 12, 13, 14];
  const times = (pair: number): number[] => [
    ...[...get(row), ...loadVector(VECTOR * pair), ...get(asked + pair), ...dotPairs],
  ];
  const body = [
    ...[...get(limit), ...splatInt, ...set(limits)],
    ...Array.from({ length: pairs }, (_, pair) => [
      ...get(query),
      ...splatPair(pair * BYTES),
      ...set(asked + pair),
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
    ...[...get(out), ...constant(FIND * BYTES), addInt, ...set(out)],
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
