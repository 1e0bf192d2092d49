import {
  addFloat,
  addInt,
  addVector,
  branchIf,
  constant,
  end,
  extract,
  get,
  I32,
  instantiate,
  lessThan,
  loadVector,
  loop,
  multiplyVector,
  set,
  storeFloat,
  subtractInt,
  tee,
  V128,
  VECTOR,
  type WasmFunction,
  zeroVector,
} from "./assembler.ts";

/** Views that one run compares with each row: the row is read once for all of them. */
export const ABREAST = 4;
/** Numbers in each of the kernel's three areas; a quarter of a megabyte fits into the processor's cache. */
const AREA = 65_536;
const FLOAT_BYTES = 4;

/** Memory and a program. Runs are synchronous, so one kernel serves a whole thread. */
export interface DotKernel {
  /** Groups of ABREAST views. A group holds four numbers of each view, then the next four of each, and so on. */
  readonly views: Float32Array;
  /** (rows, stride), stride a multiple of four. */
  readonly rows: Float32Array;
  /** (rows, ABREAST) the result of a run. */
  readonly dots: Float32Array;
  /** @param group number of the group of views, from 0 @param rows 1 or more @param stride numbers in a row */
  run(group: number, rows: number, stride: number): void;
}

type Dot = (rows: number, count: number, bytes: number, views: number, dots: number) => void;

/** Makes a kernel for dot products of views with references, four numbers per instruction. */
export function makeDotKernel(): DotKernel {
  const areaBytes = AREA * FLOAT_BYTES;
  const { run: dot, memory } = instantiate<Dot>(dotFunction(), 3 * areaBytes);
  return {
    views: new Float32Array(memory, 0, AREA),
    rows: new Float32Array(memory, areaBytes, AREA),
    dots: new Float32Array(memory, 2 * areaBytes, AREA),
    run(group, rows, stride) {
      dot(areaBytes, rows, stride * FLOAT_BYTES, group * ABREAST * stride * FLOAT_BYTES, 2 * areaBytes);
    },
  };
}

/**
 * for each row: sum[0..3] = 0; for each vector x of it: sum[k] += x * view[k]; dots[k] = the four parts of sum[k] added.
 */
function dotFunction(): WasmFunction {
  const [rows, count, bytes, views, dots, rowEnd, view, x, sum] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const abreast = [0, 1, 2, 3];
  const body = [
    ...loop,
    ...abreast.flatMap((k) => [...zeroVector, ...set(sum + k)]),
    ...[...get(rows), ...get(bytes), addInt, ...set(rowEnd)],
    ...[...get(views), ...set(view)],
    ...loop,
    ...[...get(rows), ...loadVector(0), ...set(x)],
    ...abreast.flatMap((k) => [
      ...[...get(sum + k), ...get(x), ...get(view), ...loadVector(VECTOR * k)],
      ...[...multiplyVector, ...addVector, ...set(sum + k)],
    ]),
    ...[...get(view), ...constant(VECTOR * ABREAST), addInt, ...set(view)],
    ...[...get(rows), ...constant(VECTOR), addInt, ...tee(rows), ...get(rowEnd), lessThan, ...branchIf(0)],
    ...end,
    ...abreast.flatMap((k) => [
      ...[...get(dots), ...get(sum + k), ...extract(0)],
      ...[1, 2, 3].flatMap((part) => [...get(sum + k), ...extract(part), addFloat]),
      ...storeFloat(FLOAT_BYTES * k),
    ]),
    ...[...get(dots), ...constant(FLOAT_BYTES * ABREAST), addInt, ...set(dots)],
    ...[...get(count), ...constant(1), subtractInt, ...tee(count), ...branchIf(0)],
    ...end,
  ];
  return {
    parameters: [I32, I32, I32, I32, I32],
    results: [],
    locals: [
      [2, I32],
      [1 + ABREAST, V128],
    ],
    body,
  };
}
