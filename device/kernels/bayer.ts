import {
  addInt,
  addShorts,
  andVector,
  branchIf,
  constant,
  end,
  get,
  I32,
  instantiate,
  lessThan,
  loadVector,
  loop,
  meanShorts,
  orVector,
  set,
  shiftShortsLeft,
  shiftShortsRight,
  splatShort,
  storeVector,
  tee,
  V128,
  VECTOR,
  type WasmFunction,
} from "./assembler.ts";

/** Memory for a band of raw rows, and a program that makes red, green and blue planes of it. */
export interface BayerKernel {
  /** Bytes from row to row, of the raw picture and of the planes. */
  readonly strideBytes: number;
  /** (rows + 2, strideBytes) raw rows: one before the band, the band, one after it. */
  readonly raw: Uint8Array;
  /** (rows, strideBytes) each: red, green, blue. Bytes outside the band's width are undefined. */
  readonly planes: readonly [Uint8Array, Uint8Array, Uint8Array];
  /** Bytes before the first pixel of a row, in `raw` and in the planes. */
  readonly marginBytes: number;
  /**
   * Makes the colours of two rows. The colours of a pixel at the border, which lacks neighbours, are undefined.
   *
   * @param row even, counted in the band: it has red and green samples, the next row green and blue
   * @param first red pixel of the row, 0 or 1
   * @param count pixels from there
   */
  run(row: number, first: number, count: number): void;
}

type Interpolate = (raw: number, end: number, planes: number) => void;

/** Bits. A vector holds eight 16-bit integers of two pixels each: the first in the lower byte, the second in the upper. */
const BYTE = 8;
const PAIR = 2;

/** @param rows of a band, even */
export function makeBayerKernel(widthPx: number, rows: number): BayerKernel {
  const marginBytes = VECTOR;
  // A run goes on to the end of its last vector, and looks one pair further.
  const strideBytes = marginBytes + Math.ceil((widthPx + 1) / VECTOR) * VECTOR + VECTOR;
  const planeBytes = rows * strideBytes;
  const planesAt = (rows + 2) * strideBytes + VECTOR;
  const code = interpolateFunction(strideBytes, planeBytes);
  const { run, memory } = instantiate<Interpolate>(code, planesAt + 3 * planeBytes + VECTOR);
  const plane = (index: number): Uint8Array => new Uint8Array(memory, planesAt + index * planeBytes, planeBytes);
  return {
    strideBytes,
    raw: new Uint8Array(memory, 0, (rows + 2) * strideBytes),
    planes: [plane(0), plane(1), plane(2)],
    marginBytes,
    run(row, first, count) {
      const at = row * strideBytes + marginBytes + first;
      run(at - PAIR, at - PAIR + count, planesAt + at);
    },
  };
}

/**
 * Bilinear: each colour that a pixel lacks is the mean of its nearest samples, rounded half up. Of rows a to d, b and c
 * are made; X is the first pixel of a pair, Y the second, `Before` the Y of the pair before, `After` the X of the pair
 * after:
 *
 *     a   G B G B
 *     b   R G R G
 *     c   G B G B
 *     d   R G R G
 *
 * @see libdc1394, dc1394_bayer_Bilinear: the same to the bit, but for the border
 */
function interpolateFunction(strideBytes: number, planeBytes: number): WasmFunction {
  const [raw, rawEnd, planes] = [0, 1, 2];
  const names = ["low", "two", "aX", "aY", "aBefore", "bX", "bY", "bBefore", "bAfter"] as const;
  const more = ["cX", "cY", "cBefore", "cAfter", "dX", "dY", "dAfter"] as const;
  type Name = (typeof names)[number] | (typeof more)[number];
  const locals = new Map<Name, number>([...names, ...more].map((name, index) => [name, 3 + index]));
  const of = (name: Name): number[] => get(locals.get(name)!);
  const keep = (name: Name, value: readonly number[]): number[] => [...value, ...set(locals.get(name)!)];

  const bytes = (row: number, pairs: number): number[] => [
    ...get(raw),
    ...loadVector(row * strideBytes + PAIR * (1 + pairs)),
  ];
  const first = (row: number, pairs: number): number[] => [...bytes(row, pairs), ...of("low"), ...andVector];
  const second = (row: number, pairs: number): number[] => [
    ...bytes(row, pairs),
    ...constant(BYTE),
    ...shiftShortsRight,
  ];
  const sum = (one: Name, other: Name): number[] => [...of(one), ...of(other), ...addShorts];
  const mean = (one: Name, other: Name): number[] => [...of(one), ...of(other), ...meanShorts];
  const meanOfFour = (one: readonly number[], other: readonly number[]): number[] => [
    ...[...one, ...other, ...addShorts, ...of("two"), ...addShorts],
    ...[...constant(2), ...shiftShortsRight],
  ];
  const put = (plane: number, row: number, x: readonly number[], y: readonly number[]): number[] => [
    ...get(planes),
    ...[...x, ...y, ...constant(BYTE), ...shiftShortsLeft, ...orVector],
    ...storeVector(plane * planeBytes + row * strideBytes),
  ];
  const advance = (local: number): number[] => [...get(local), ...constant(VECTOR), addInt];
  const [RED, GREEN, BLUE] = [0, 1, 2];
  const body = [
    ...keep("low", [...constant(0x00ff), ...splatShort]),
    ...keep("two", [...constant(2), ...splatShort]),
    ...loop,
    ...[...keep("aX", first(0, 0)), ...keep("aY", second(0, 0)), ...keep("aBefore", second(0, -1))],
    ...[...keep("bX", first(1, 0)), ...keep("bY", second(1, 0)), ...keep("bBefore", second(1, -1))],
    ...keep("bAfter", first(1, 1)),
    ...[...keep("cX", first(2, 0)), ...keep("cY", second(2, 0)), ...keep("cBefore", second(2, -1))],
    ...keep("cAfter", first(2, 1)),
    ...[...keep("dX", first(3, 0)), ...keep("dY", second(3, 0)), ...keep("dAfter", first(3, 1))],
    ...put(RED, 0, of("bX"), mean("bX", "bAfter")),
    ...put(GREEN, 0, meanOfFour(sum("bBefore", "bY"), sum("aX", "cX")), of("bY")),
    ...put(BLUE, 0, meanOfFour(sum("aBefore", "aY"), sum("cBefore", "cY")), mean("aY", "cY")),
    ...put(RED, 1, mean("bX", "dX"), meanOfFour(sum("bX", "bAfter"), sum("dX", "dAfter"))),
    ...put(GREEN, 1, of("cX"), meanOfFour(sum("cX", "cAfter"), sum("bY", "dY"))),
    ...put(BLUE, 1, mean("cBefore", "cY"), of("cY")),
    ...[...advance(planes), ...set(planes)],
    ...[...advance(raw), ...tee(raw), ...get(rawEnd), lessThan, ...branchIf(0)],
    ...end,
  ];
  return { parameters: [I32, I32, I32], results: [], locals: [[locals.size, V128]], body };
}
