/*
 * Writes WebAssembly modules by hand: JavaScript has no vector instructions, WebAssembly has. A module is a few hundred
 * bytes, made of the instructions below when the program starts, so nothing has to be built or shipped.
 *
 * See: WebAssembly core specification 2.0, chapter 5 (binary format).
 */

/** The part of WebAssembly used here. Its types come with those of browsers, and this program has none of those. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
};

const PAGE_BYTES = 65_536;
/** Bytes of one vector. */
export const VECTOR = 16;
export const [I32, V128] = [0x7f, 0x7b];

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const tee = (local: number): number[] => [0x22, local];
export const constant = (value: number): number[] => [0x41, ...signed(value)];
export const loadVector = (offset: number): number[] => [0xfd, 0x00, 4, ...unsigned(offset)];
export const storeVector = (offset: number): number[] => [0xfd, 0x0b, 4, ...unsigned(offset)];
export const loadInt = (offset: number): number[] => [0x28, 2, ...unsigned(offset)];
export const storeInt = (offset: number): number[] => [0x36, 2, ...unsigned(offset)];
export const storeFloat = (offset: number): number[] => [0x38, 2, ...unsigned(offset)];
/** One of the four floats of a vector. */
export const extract = (part: number): number[] => [0xfd, 0x1f, part];
export const [block, loop, end] = [[0x02, 0x40], [0x03, 0x40], [0x0b]] as const;
export const branchIf = (depth: number): number[] => [0x0d, depth];
export const [addInt, subtractInt, multiplyInt, lessThan, isZero] = [0x6a, 0x6b, 0x6c, 0x49, 0x45];
export const addFloat = 0x92;
export const addVector = [0xfd, ...unsigned(0xe4)];
export const multiplyVector = [0xfd, ...unsigned(0xe6)];
export const zeroVector = [0xfd, 0x0c, ...new Array<number>(VECTOR).fill(0)];
/** The same integer four times. */
export const splatInt = [0xfd, 0x11];
/** Two sixteen-bit integers from memory, four times. */
export const splatPair = (offset: number): number[] => [0xfd, 0x09, 2, ...unsigned(offset)];
/** Four sums of two products each, of sixteen-bit integers. */
export const dotPairs = [0xfd, ...unsigned(0xba)];
export const addInts = [0xfd, ...unsigned(0xae)];
/** All ones in each part of the vector where the first integer is at least the second. */
export const atLeastInts = [0xfd, 0x3f];
/** A bit for each part of the vector. */
export const bitmask = [0xfd, ...unsigned(0xa4)];
export const [andVector, orVector] = [
  [0xfd, 0x4e],
  [0xfd, 0x50],
];
/** The same integer eight times, sixteen bits each. The instructions that follow work on such integers too. */
export const splatShort = [0xfd, 0x10];
export const addShorts = [0xfd, ...unsigned(0x8e)];
/** (a + b + 1) >> 1 */
export const meanShorts = [0xfd, ...unsigned(0x9b)];
/** By the integer on top. */
export const [shiftShortsLeft, shiftShortsRight] = [
  [0xfd, ...unsigned(0x8b)],
  [0xfd, ...unsigned(0x8d)],
];

/** One function, exported, over a memory of its own. */
export interface WasmFunction {
  /** Of each parameter. */
  readonly parameters: readonly number[];
  readonly results: readonly number[];
  /** Beyond the parameters, in runs of one type. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly body: readonly number[];
}

/**
 * @param bytes of memory, at least
 * @returns the function and its memory
 */
export function instantiate<F>(code: WasmFunction, bytes: number): { readonly run: F; readonly memory: ArrayBuffer } {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble(code)), { m: { m: memory } });
  return { run: instance.exports.f as F, memory: memory.buffer };
}

function assemble({ parameters, results, locals, body }: WasmFunction): Uint8Array<ArrayBuffer> {
  const name = (letter: string): number[] => [1, letter.charCodeAt(0)];
  const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
  const code = [locals.length, ...locals.flat(), ...body, ...end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // One type; the memory is given; one function of that type, exported as `f`.
    ...section(1, [1, 0x60, parameters.length, ...parameters, results.length, ...results]),
    ...section(2, [1, ...name("m"), ...name("m"), 2, 0, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("f"), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
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
