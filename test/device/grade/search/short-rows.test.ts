import assert from "node:assert/strict";
import { test } from "node:test";
import { fitShortBasis, SHORT, type ShortBasis, shorten } from "../../../../device/grade/search/short-rows.ts";
import { seededNormal } from "../../../support/random.ts";

const DIMENSION = 60;

/** Unit rows: `inside` of their squared length lies in the first `directions` components, the rest in the others. */
function made(count: number, directions: number, inside: number): Float32Array {
  const normal = seededNormal(count + directions);
  const rows = new Float32Array(count * DIMENSION);
  for (let row = 0; row < count; row++) {
    const own = Array.from({ length: DIMENSION }, () => normal());
    const near = Math.hypot(...own.slice(0, directions));
    const far = Math.hypot(...own.slice(directions));
    for (const [d, value] of own.entries()) {
      rows[row * DIMENSION + d] =
        d < directions ? (value / near) * Math.sqrt(inside) : (value / far) * Math.sqrt(1 - inside);
    }
  }
  return rows;
}

function basisOf(rows: Float32Array): ShortBasis | undefined {
  const count = rows.length / DIMENSION;
  return fitShortBasis({
    rows,
    count,
    dimension: DIMENSION,
    grades: 1,
    gradeOf: new Uint8Array(count),
    itemOf: new Uint32Array(count),
    items: 1,
    itemGrade: new Uint8Array(1),
  });
}

test("a short row is the coordinates in the directions, and the length of all the rest", () => {
  const axes = new Float64Array((SHORT - 1) * DIMENSION);
  // The n-th direction is component 2 n.
  for (let a = 0; a < SHORT - 1; a++) axes[a * DIMENSION + 2 * a] = 1;
  const rows = Float32Array.from({ length: 3 * DIMENSION }, (_, i) => Math.cos(i * i));
  const short = new Float32Array(SHORT).fill(9);
  for (const row of [0, 2]) {
    shorten(rows, row, { axes, dimension: DIMENSION }, short);
    const own = [...rows.subarray(row * DIMENSION, (row + 1) * DIMENSION)];
    for (let a = 0; a < SHORT - 1; a++) assert.ok(Math.abs(short[a]! - own[2 * a]!) < 1e-6, `${a}`);
    const rest = own.filter((_, d) => d % 2 === 1 || d >= 2 * (SHORT - 1));
    assert.ok(Math.abs(short[SHORT - 1]! - Math.hypot(...rest)) < 1e-6);
  }
});

test("the directions are square to each other, of unit length, and those in which the rows lie", () => {
  const rows = made(400, 10, 0.95);
  const { axes } = basisOf(rows)!;
  const axis = (a: number) => [...axes.subarray(a * DIMENSION, (a + 1) * DIMENSION)];
  for (let a = 0; a < SHORT - 1; a++) {
    for (let b = 0; b <= a; b++) {
      const dot = axis(a).reduce((sum, value, d) => sum + value * axis(b)[d]!, 0);
      assert.ok(Math.abs(dot - (a === b ? 1 : 0)) < 1e-9, `${a} ${b}: ${dot}`);
    }
  }
  const short = new Float32Array(SHORT);
  let rest = 0;
  for (let row = 0; row < 400; row++) {
    shorten(rows, row, { axes, dimension: DIMENSION }, short);
    rest += short[SHORT - 1]! ** 2 / 400;
  }
  // Of 0.05 outside of the ten, the other 13 directions take their part.
  assert.ok(rest < 0.05 && rest > 0.02, String(rest));
});

test("rows of fewer directions leave nothing over; directions that there are not are zeros", () => {
  const rows = made(300, 5, 1);
  const { axes } = basisOf(rows)!;
  const short = new Float32Array(SHORT);
  for (let row = 0; row < 300; row++) {
    shorten(rows, row, { axes, dimension: DIMENSION }, short);
    assert.ok(short[SHORT - 1]! < 1e-3, `${row}: ${short[SHORT - 1]}`);
  }
});

test("there is no basis where too much would be left over, for few components, or without rows", () => {
  assert.notEqual(basisOf(made(500, 12, 0.75)), undefined);
  assert.equal(basisOf(made(500, 12, 0.3)), undefined);
  assert.equal(basisOf(new Float32Array(0)), undefined);
});

test("of very many rows an even part tells the directions, and how much is left over", () => {
  const few = made(50, 12, 0.75);
  const many = new Float32Array(5000 * DIMENSION);
  for (let row = 0; row < 5000; row++)
    many.set(few.subarray((row % 50) * DIMENSION, ((row % 50) + 1) * DIMENSION), row * DIMENSION);
  assert.notEqual(basisOf(many), undefined);
  assert.equal(basisOf(made(5000, 12, 0.3)), undefined);
});
