import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten, type ReferenceViews } from "../../../../device/grade/references.ts";
import { NO_ITEM, nearestByGrade } from "../../../../device/grade/search/distance.ts";
import { indexOf, NOBODY } from "../../../../device/grade/search/nearest-index.ts";
import { TILE } from "../../../../device/grade/tiles.ts";
import {
  fruitLikeReference,
  galleryOf,
  MADE_MODEL,
  randomReference,
  referenceOf,
  unitRows,
} from "../../../support/gallery-made.ts";
import { seededNormal } from "../../../support/random.ts";

const DIMENSION = 64;
const GRADES = ["sound", "second", "reject"];

function made(items: number, make = fruitLikeReference, dimension = DIMENSION): ReferenceViews {
  const references = Array.from({ length: items }, (_, item) =>
    make(item + 1, GRADES[item % 3]!, 1 + (item % 9), dimension),
  );
  return flatten(galleryOf(references, { ...MADE_MODEL, dimension }));
}

/** The same search with the index and without. */
function both(query: Float32Array, references: ReferenceViews, leaveOut = NO_ITEM): [Float64Array, Float64Array] {
  const count = query.length / references.dimension;
  const found = new Float64Array(count * references.grades);
  const expected = found.slice();
  nearestByGrade(query, count, references, leaveOut, found);
  nearestByGrade(query, count, { ...references, index: undefined }, leaveOut, expected);
  return [found, expected];
}

function assertSame([found, expected]: [Float64Array, Float64Array], what: string): void {
  for (const [at, value] of expected.entries()) {
    if (value === Number.POSITIVE_INFINITY) assert.equal(found[at], value, what);
    else assert.ok(Math.abs(found[at]! ** 2 - value ** 2) < 2e-6, `${what}: ${found[at]} instead of ${value}`);
  }
}

const many = made(1001);

test("an index is made of many references that spread in few directions, and of no others", () => {
  assert.notEqual(many.index, undefined);
  assert.equal(made(100).index, undefined, "few");
  assert.equal(made(1001, randomReference).index, undefined, "spread in all directions");
  assert.equal(made(1001, fruitLikeReference, 24).index, undefined, "of few components");
});

test("the index finds what comparing with every reference finds, for fruit alike and strange", () => {
  for (let seed = 5000; seed < 5040; seed++) {
    const views = 1 + (seed % 12);
    assertSame(both(fruitLikeReference(seed, "sound", views, DIMENSION).embeddings, many), `fruit ${seed}`);
    assertSame(both(randomReference(seed, "sound", views, DIMENSION).embeddings, many), `stranger ${seed}`);
  }
});

test("an enrolled item finds itself, and the next one where it is left out", () => {
  for (const item of [0, 1, 500, 1000]) {
    const { embeddings } = fruitLikeReference(item + 1, GRADES[item % 3]!, 1 + (item % 9), DIMENSION);
    const [itself] = both(embeddings, many);
    assert.ok(itself[item % 3]! < 1e-3, `${itself[item % 3]}`);
    const [found, expected] = both(embeddings, many, item);
    assertSame([found, expected], `item ${item} left out`);
    assert.ok(found[item % 3]! > 0.01);
  }
});

test("an index made in another thread finds the same", () => {
  const query = fruitLikeReference(6000, "sound", 7, DIMENSION).embeddings;
  assert.deepEqual(both(query, structuredClone(many)), both(query, many));
});

test("a grade without references is infinitely far, and so is everything for a view that is no number", () => {
  const { gradeOf } = many;
  const two = { ...many, gradeOf: gradeOf.map((grade) => (grade === 1 ? 0 : grade)), index: undefined };
  const references = { ...two, index: indexOf(two) };
  const query = fruitLikeReference(7000, "sound", 3, DIMENSION).embeddings;
  assertSame(both(query, references), "no second");
  assert.equal(both(query, references)[0][1], Number.POSITIVE_INFINITY);
  for (const view of [2, 1]) {
    query[view * DIMENSION + 1] = Number.NaN;
    assertSame(both(query, references), `view ${view} is no number`);
  }
});

test("a tile's radius and middle are those of its rows, and every reference is in one tile of its grade", () => {
  const { rowOf, radius, square, grades } = many.index!;
  const seen: number[] = [];
  for (const [grade, { firstTile, tiles }] of grades.entries()) {
    for (let tile = firstTile; tile < firstTile + tiles; tile++) {
      const members = [...rowOf.subarray(tile * TILE, (tile + 1) * TILE)].filter((row) => row !== NOBODY);
      seen.push(...members);
      assert.ok(members.every((row) => many.gradeOf[row] === grade));
      const rows = members.map((row) => many.rows.subarray(row * DIMENSION, (row + 1) * DIMENSION));
      const middle = Array.from(
        { length: DIMENSION },
        (_, d) => rows.reduce((sum, row) => sum + row[d]!, 0) / rows.length,
      );
      const farthest = Math.max(...rows.map((row) => Math.hypot(...row.map((value, d) => value - middle[d]!))));
      assert.ok(Math.abs(radius[tile]! - farthest) < 1e-5, `tile ${tile}`);
      assert.ok(Math.abs(square[tile]! - middle.reduce((sum, value) => sum + value ** 2, 0)) < 1e-5, `tile ${tile}`);
    }
  }
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: many.count }, (_, row) => row),
  );
});

test("among references that differ by less than the short rows tell, the nearest is found", () => {
  const normal = seededNormal(11);
  const base = Array.from({ length: DIMENSION }, (_, d) => (d < 20 ? normal() : 0));
  const shaken = () => base.map((value, d) => value + 0.02 * normal() * (d < 23 ? 1 : 0.2));
  const near = Array.from({ length: 1800 }, (_, item) => referenceOf(`near-${item}`, GRADES[item % 3]!, [shaken()]));
  const references = flatten(galleryOf(near, { ...MADE_MODEL, dimension: DIMENSION }));
  assert.notEqual(references.index, undefined);
  for (let n = 0; n < 30; n++) assertSame(both(unitRows([shaken(), shaken()]), references), `${n}`);
});

test("equal references, hundreds of them, are found as one is", () => {
  const same = fruitLikeReference(1, "sound", 1, DIMENSION);
  const references = flatten(
    galleryOf(
      Array.from({ length: 2000 }, (_, item) => ({ ...same, id: `same-${item}`, grade: GRADES[item % 2]! })),
      { ...MADE_MODEL, dimension: DIMENSION },
    ),
  );
  assertSame(both(same.embeddings, references), "itself");
  assertSame(both(fruitLikeReference(2, "sound", 4, DIMENSION).embeddings, references), "another");
});
