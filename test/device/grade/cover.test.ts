import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cover, CoverSpace, coverItem } from "../../../device/grade/cover.ts";
import { flatten, type ReferenceViews } from "../../../device/grade/references.ts";
import { NO_ITEM } from "../../../device/grade/search/distance.ts";
import { chord, direction, galleryOf, MADE_MODEL, referenceOf, unitRows } from "../../support/gallery-made.ts";

const PLANE = { ...MADE_MODEL, dimension: 2 };

/** Each item: its grade and the directions of its views, in degrees. */
function plane(...items: readonly (readonly [string, ...number[]])[]): ReferenceViews {
  return flatten(
    galleryOf(
      items.map(([grade, ...degrees], item) => referenceOf(`${item}`, grade, degrees.map(direction))),
      PLANE,
    ),
  );
}

function cover(references: ReferenceViews, degrees: readonly number[], leaveOut = NO_ITEM, space?: CoverSpace): Cover {
  const views = unitRows(degrees.map(direction));
  const own = space ?? new CoverSpace(references.grades, degrees.length);
  const { distance, view } = coverItem(views, degrees.length, references, leaveOut, own);
  return { distance: distance.slice(), view: view.slice() };
}

function assertNear(found: Float64Array, expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  for (const [index, value] of expected.entries()) {
    if (value === Number.POSITIVE_INFINITY) assert.equal(found[index], value);
    else assert.ok(Math.abs(found[index]! - value) < 1e-3, `${index}: ${found[index]} instead of ${value}`);
  }
}

/** A reject looks like sound fruit from its clean side. */
const orchard = plane(["sound", 0, 5, 10], ["reject", 3, 90]);

test("an item is as far from a grade as its worst view", () => {
  const { distance, view } = cover(orchard, [2, 40, 8]);
  // 40 degrees: 30 from the sound view at 10, which the reject's references do not come nearer.
  assertNear(distance, [chord(30), chord(30)]);
  assert.deepEqual([...view], [1, 1]);
});

test("the faulty side of a reject is covered by rejects alone, its clean side by sound fruit", () => {
  assertNear(cover(orchard, [0, 5]).distance, [0, 0]);
  const { distance, view } = cover(orchard, [0, 90]);
  assertNear(distance, [chord(80), 0]);
  assert.equal(view[0], 1);
});

test("references of better grades cover the views of worse ones, never the other way round", () => {
  const references = plane(["sound", 0], ["second", 60], ["reject", 120]);
  assertNear(cover(references, [0]).distance, [0, 0, 0]);
  assertNear(cover(references, [120]).distance, [chord(120), chord(60), 0]);
  assertNear(cover(references, [50]).distance, [chord(50), chord(10), chord(10)]);
});

test("of ten views one may be uncovered, of nine none, of twenty two", () => {
  const smeared = (views: number, smears: number): number[] => [
    ...Array.from({ length: smears }, () => 180),
    ...Array.from({ length: views - smears }, () => 5),
  ];
  assertNear(cover(orchard, smeared(10, 1)).distance, [0, 0]);
  assertNear(cover(orchard, smeared(10, 2)).distance, [chord(170), chord(90)]);
  assertNear(cover(orchard, smeared(9, 1)).distance, [chord(170), chord(90)]);
  assertNear(cover(orchard, smeared(20, 2)).distance, [0, 0]);
  assertNear(cover(orchard, smeared(20, 3)).distance, [chord(170), chord(90)]);
});

test("an item that is left out is compared with the others alone", () => {
  const references = plane(["sound", 0, 1], ["sound", 10, 11], ["sound", 70, 71]);
  assertNear(cover(references, [70, 71]).distance, [0]);
  assertNear(cover(references, [70, 71], 2).distance, [chord(60)]);
  assertNear(cover(references, [0, 1], 0).distance, [chord(10)]);
});

test("where the only item of the best grade is left out the grade is infinitely far", () => {
  assertNear(cover(plane(["sound", 0], ["reject", 20]), [0], 0).distance, [Number.POSITIVE_INFINITY, chord(20)]);
});

test("a long item leaves no trace in the next, shorter one", () => {
  const space = new CoverSpace(2, 12);
  const fresh = cover(orchard, [2, 5]);
  cover(orchard, [180, 170, 160, 150, 140, 130, 120, 110, 100, 190, 200, 210], NO_ITEM, space);
  assert.deepEqual(cover(orchard, [2, 5], NO_ITEM, space), fresh);
});

test("the order of the views changes which view decides by name, not by what it is", () => {
  const degrees = [3, 17, 44, 95, 8, 61];
  const forward = cover(orchard, degrees);
  const backward = cover(orchard, degrees.toReversed());
  assert.deepEqual(backward.distance, forward.distance);
  assert.deepEqual(
    [...backward.view].map((view) => degrees.toReversed()[view]),
    [...forward.view].map((view) => degrees[view]),
  );
});
