import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cover, CoverSpace, coverItem } from "../../../device/grade/cover.ts";
import { flatten, type ReferenceViews } from "../../../device/grade/references.ts";
import { NO_ITEM } from "../../../device/grade/search/distance.ts";
import { fruitLikeReference, galleryOf, MADE_MODEL, randomReference } from "../../support/gallery-made.ts";

const DIMENSION = 64;
const GRADES = ["sound", "second", "third", "reject"];

const many = flatten(
  galleryOf(
    Array.from({ length: 1001 }, (_, item) =>
      fruitLikeReference(item + 1, GRADES[item % 4]!, 1 + (item % 9), DIMENSION),
    ),
    { ...MADE_MODEL, dimension: DIMENSION },
  ),
);

function cover(embeddings: Float32Array, references: ReferenceViews, leaveOut: number, space: CoverSpace): Cover {
  const { distance, view } = coverItem(embeddings, embeddings.length / DIMENSION, references, leaveOut, space);
  return { distance: distance.slice(), view: view.slice() };
}

const space = new CoverSpace(GRADES.length, 40);

/** Searching for the worst views alone, and comparing every view with every reference. */
function assertSame(embeddings: Float32Array, what: string, leaveOut = NO_ITEM): void {
  const found = cover(embeddings, many, leaveOut, space);
  const expected = cover(embeddings, { ...many, index: undefined }, leaveOut, space);
  assert.deepEqual(found.view, expected.view, what);
  for (const [grade, distance] of expected.distance.entries()) {
    assert.ok(Math.abs(found.distance[grade]! - distance) < 1e-5, `${what}: ${found.distance[grade]}, not ${distance}`);
  }
}

test("the worst views are found without searching for the others", () => {
  assert.notEqual(many.index, undefined);
  for (let seed = 5000; seed < 5060; seed++) {
    const views = 1 + (seed % 40);
    assertSame(fruitLikeReference(seed, "sound", views, DIMENSION).embeddings, `fruit ${seed}`);
    assertSame(randomReference(seed, "sound", views, DIMENSION).embeddings, `stranger ${seed}`);
  }
});

test("an item with one view of another fruit among its own is as far as that view, or as the next where it is spared", () => {
  for (const views of [8, 10, 24]) {
    const item = fruitLikeReference(8000 + views, "sound", views, DIMENSION).embeddings;
    item.set(randomReference(8000, "sound", 1, DIMENSION).embeddings, 3 * DIMENSION);
    assertSame(item, `${views} views`);
    const { view } = cover(item, many, NO_ITEM, space);
    assert.equal(view[0] === 3, views < 10, `${views} views: view ${view[0]}`);
  }
});

test("an enrolled item that is left out is compared with the others alone", () => {
  for (const item of [0, 3, 500, 1000]) {
    const { embeddings } = fruitLikeReference(item + 1, GRADES[item % 4]!, 1 + (item % 9), DIMENSION);
    assertSame(embeddings, `item ${item}`, item);
    assert.ok(cover(embeddings, many, NO_ITEM, space).distance[item % 4]! < 1e-3);
    assert.ok(cover(embeddings, many, item, space).distance[item % 4]! > 0.01);
  }
});

test("a view that is no number is infinitely far, as by comparing with all", () => {
  const { embeddings } = fruitLikeReference(9000, "sound", 5, DIMENSION);
  embeddings[2 * DIMENSION] = Number.NaN;
  const found = cover(embeddings, many, NO_ITEM, space);
  assert.deepEqual(found, cover(embeddings, { ...many, index: undefined }, NO_ITEM, space));
  assert.equal(found.distance[3], Number.POSITIVE_INFINITY);
});
