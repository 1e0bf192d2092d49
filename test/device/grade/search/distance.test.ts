import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten, type ReferenceViews } from "../../../../device/grade/references.ts";
import { NO_ITEM, nearestByGrade } from "../../../../device/grade/search/distance.ts";
import { galleryOf, MADE_MODEL, randomReference } from "../../../support/gallery-made.ts";

const GRADES = ["sound", "second", "reject"];

function made(items: number, dimension: number, views = (item: number) => 1 + (item % 4)): ReferenceViews {
  const references = Array.from({ length: items }, (_, item) =>
    randomReference(item + 1, GRADES[item % 3]!, views(item), dimension),
  );
  return flatten(galleryOf(references, { ...MADE_MODEL, dimension }));
}

function nearest(query: Float32Array, references: ReferenceViews, leaveOut = NO_ITEM): Float64Array {
  const { dimension, grades } = references;
  const count = query.length / dimension;
  const out = new Float64Array(count * grades);
  nearestByGrade(query, count, references, leaveOut, out);
  return out;
}

/** Differences squared and summed, as the definition says. */
function naive(
  query: Float32Array,
  { dimension, grades, rows, count, gradeOf, itemOf }: ReferenceViews,
  leaveOut: number,
) {
  const out = new Float64Array((query.length / dimension) * grades).fill(Number.POSITIVE_INFINITY);
  for (let v = 0; v * dimension < query.length; v++) {
    for (let r = 0; r < count; r++) {
      if (itemOf[r] === leaveOut) continue;
      let square = 0;
      for (let i = 0; i < dimension; i++) square += (query[v * dimension + i]! - rows[r * dimension + i]!) ** 2;
      const at = v * grades + gradeOf[r]!;
      out[at] = Math.min(out[at]!, Math.sqrt(square));
    }
  }
  return out;
}

function assertSame(found: Float64Array, expected: Float64Array, what: string): void {
  assert.equal(found.length, expected.length);
  for (const [index, value] of expected.entries()) {
    if (value === Number.POSITIVE_INFINITY) assert.equal(found[index], value, what);
    // The square: near zero its root says more about the last bit of a unit row than about the loop.
    else assert.ok(Math.abs(found[index]! ** 2 - value ** 2) < 1e-6, `${what}: ${found[index]} instead of ${value}`);
  }
}

for (const dimension of [1, 2, 3, 12, 127, 128]) {
  test(`distances of ${dimension} components are those of the definition, whatever the number of views`, () => {
    for (const items of [1, 2, 7, 20]) {
      const references = made(items, dimension);
      for (const views of [1, 2, 3, 4, 5, 8, 11]) {
        const query = randomReference(1000 + views, "sound", views, dimension).embeddings;
        assertSame(nearest(query, references), naive(query, references, NO_ITEM), `${items} items, ${views} views`);
        assertSame(nearest(query, references, 1), naive(query, references, 1), `${items} items without the second`);
      }
    }
  });
}

test("more references and views than one run of the kernel takes are all compared", () => {
  for (const [dimension, items, views] of [
    [128, 800, 3],
    [4096, 30, 21],
    [4094, 30, 21],
  ] as const) {
    const references = made(items, dimension, () => 1);
    const query = randomReference(5000, "sound", views, dimension).embeddings;
    // The first and the last row, for the first and the last view.
    query.set(references.rows.subarray(0, dimension));
    query.set(references.rows.subarray(-dimension), (views - 1) * dimension);
    assertSame(nearest(query, references), naive(query, references, NO_ITEM), `${dimension} components`);
  }
});

test("a view that is a reference itself is at no distance, its opposite at two", () => {
  const references = made(1, 16, () => 1);
  const same = references.rows.slice();
  const [distance] = nearest(same, references);
  assert.ok(distance! < 1e-3, `${distance}`);
  assert.ok(
    Math.abs(
      nearest(
        same.map((value) => -value),
        references,
      )[0]! - 2,
    ) < 1e-6,
  );
});

test("an item that is left out counts with none of its views, also as the last of an odd number", () => {
  const references = made(5, 8, () => 3);
  for (let item = 0; item < 5; item++) {
    const query = references.rows.slice(item * 3 * 8, (item + 1) * 3 * 8);
    const found = nearest(query, references, item);
    assert.ok(
      found.every((distance) => distance > 0.01),
      `item ${item} found itself`,
    );
  }
});

test("a grade without a view, or whose only item is left out, is infinitely far", () => {
  const references = made(3, 8);
  const query = randomReference(99, "sound", 2, 8).embeddings;
  const found = nearest(query, references, 2);
  assert.deepEqual([found[2], found[5]], [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  assert.ok(Number.isFinite(found[0]) && Number.isFinite(found[1]));
  assert.ok(
    nearest(query, { ...references, grades: 4 }).every((value, at) => (at % 4 === 3) === !Number.isFinite(value)),
  );
});

test("a view that is no number is infinitely far, and the views beside it are not", () => {
  const references = made(6, 8);
  const query = randomReference(99, "sound", 3, 8).embeddings;
  const whole = nearest(query, references);
  query[9] = Number.NaN;
  const found = nearest(query, references);
  assert.ok(found.subarray(3, 6).every((distance) => distance === Number.POSITIVE_INFINITY));
  assert.deepEqual([...found.subarray(0, 3), ...found.subarray(6)], [...whole.subarray(0, 3), ...whole.subarray(6)]);
});

test("what was compared before does not matter, and what lies behind the distances stays", () => {
  const references = made(6, 8);
  const query = randomReference(99, "sound", 2, 8).embeddings;
  const expected = nearest(query, references);
  const before = randomReference(98, "sound", 9, 11).embeddings.fill(Number.NaN);
  nearest(before, made(9, 11));
  const out = new Float64Array(8).fill(5);
  nearestByGrade(query, 2, references, NO_ITEM, out);
  assert.deepEqual(out.subarray(0, 6), expected);
  assert.deepEqual([...out.subarray(6)], [5, 5]);
});

test("the order of the references changes nothing", () => {
  const items = Array.from({ length: 9 }, (_, item) => randomReference(item + 1, GRADES[item % 3]!, 1 + (item % 3)));
  const query = randomReference(99, "sound", 5).embeddings;
  const forward = nearest(query, flatten(galleryOf(items)));
  assert.deepEqual(nearest(query, flatten(galleryOf(items.toReversed()))), forward);
});
