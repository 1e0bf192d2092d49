/*
 * Dot products of views with references, four numbers per instruction: JavaScript has no vectors, WebAssembly does.
 * The module is some 400 bytes, written below instruction by instruction, so nothing is to be built or shipped.
 */

/** What of WebAssembly is used: its types come with those of browsers, which this program has not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
};

/** Views that one run compares with each row: what is read of a row serves all of them. */
export const LANES = 4;
/** Numbers in each of the kernel's three areas; a quarter of a megabyte stays in the processor's cache. */
const AREA = 65_536;
const PAGE_BYTES = 65_536;
const FLOAT_BYTES = 4;
/** Bytes of one vector. */
const VECTOR = 16;

/** Work space and its program; runs are synchronous, so one serves a whole thread. */
export interface DotKernel {
  /** Groups of LANES views; within a group four numbers of each view in turn. */
  readonly views: Float32Array;
  /** (rows, stride), stride a multiple of four. */
  readonly rows: Float32Array;
  /** (rows, LANES) what a run leaves. */
  readonly dots: Float32Array;
  /** @param group of views, from 0 @param rows 1 or more @param stride numbers of a row */
  run(group: number, rows: number, stride: number): void;
}

export function makeDotKernel(): DotKernel {
  const memory = new WebAssembly.Memory({ initial: (3 * AREA * FLOAT_BYTES) / PAGE_BYTES });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble()), { m: { m: memory } });
  const dot = instance.exports.d as (rows: number, count: number, bytes: number, views: number, dots: number) => void;
  const areaBytes = AREA * FLOAT_BYTES;
  return {
    views: new Float32Array(memory.buffer, 0, AREA),
    rows: new Float32Array(memory.buffer, areaBytes, AREA),
    dots: new Float32Array(memory.buffer, 2 * areaBytes, AREA),
    run(group, rows, stride) {
      dot(areaBytes, rows, stride * FLOAT_BYTES, group * LANES * stride * FLOAT_BYTES, 2 * areaBytes);
    },
  };
}

/**
 * for each row: sum[0..3] = 0; for each vector x of it: sum[k] += x * view[k]; dots[k] = the four parts of sum[k] added.
 *
 * @see WebAssembly core specification 2.0, chapter 5 (binary format)
 */
function assemble(): Uint8Array<ArrayBuffer> {
  const [rows, count, bytes, views, dots, rowEnd, view, x, sum] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const lanes = [0, 1, 2, 3];
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const tee = (local: number): number[] => [0x22, local];
  const constant = (value: number): number[] => [0x41, ...signed(value)];
  const load = (offset: number): number[] => [0xfd, 0x00, 4, ...unsigned(offset)];
  const extract = (lane: number): number[] => [0xfd, 0x1f, lane];
  const [loop, end, branchIf, addInt, subtractInt, lessThan, addFloat, store] = [
    0x03, 0x0b, 0x0d, 0x6a, 0x6b, 0x49, 0x92, 0x38,
  ];
  const addVector = [0xfd, ...unsigned(0xe4)];
  const multiplyVector = [0xfd, ...unsigned(0xe6)];
  const zeroVector = [0xfd, 0x0c, ...new Array<number>(VECTOR).fill(0)];
  const none = 0x40;
  const [i32, v128] = [0x7f, 0x7b];
  const body = [
    ...[2, 2, i32, 1 + LANES, v128],
    ...[loop, none],
    ...lanes.flatMap((k) => [...zeroVector, ...set(sum + k)]),
    ...[...get(rows), ...get(bytes), addInt, ...set(rowEnd)],
    ...[...get(views), ...set(view)],
    ...[loop, none],
    ...[...get(rows), ...load(0), ...set(x)],
    ...lanes.flatMap((k) => [
      ...[...get(sum + k), ...get(x), ...get(view), ...load(VECTOR * k)],
      ...[...multiplyVector, ...addVector, ...set(sum + k)],
    ]),
    ...[...get(view), ...constant(VECTOR * LANES), addInt, ...set(view)],
    ...[...get(rows), ...constant(VECTOR), addInt, ...tee(rows), ...get(rowEnd), lessThan, branchIf, 0],
    end,
    ...lanes.flatMap((k) => [
      ...[...get(dots), ...get(sum + k), ...extract(0)],
      ...[1, 2, 3].flatMap((lane) => [...get(sum + k), ...extract(lane), addFloat]),
      ...[store, 2, ...unsigned(FLOAT_BYTES * k)],
    ]),
    ...[...get(dots), ...constant(FLOAT_BYTES * LANES), addInt, ...set(dots)],
    ...[...get(count), ...constant(1), subtractInt, ...tee(count), branchIf, 0],
    end,
    end,
  ];
  const name = (letter: string): number[] => [1, letter.charCodeAt(0)];
  const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // One type: five i32 to nothing; the memory is given; one function of that type, exported as `d`.
    ...section(1, [1, 0x60, 5, i32, i32, i32, i32, i32, 0]),
    ...section(2, [1, ...name("m"), ...name("m"), 2, 0, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("d"), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** LEB128. @param value 0 or more */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >> 7)];
}

/** Signed LEB128. @param value 0 or more */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
