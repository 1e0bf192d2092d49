import assert from "node:assert/strict";
import { test } from "node:test";
import { convexHull } from "../../../calibrate/map/hull.ts";

test("the hull of a square with points within and on its sides is its corners", () => {
  const corners = [
    [0, 0],
    [2, 0],
    [2, 2],
    [0, 2],
  ] as const;
  assert.deepEqual(convexHull([[1, 1], [1, 0], ...corners, [0.5, 1.5], [0, 0]]), corners);
});

test("few points, and points on a line, have the hull that is left of it", () => {
  assert.deepEqual(convexHull([]), []);
  assert.deepEqual(convexHull([[3, 1]]), [[3, 1]]);
  assert.deepEqual(
    convexHull([
      [1, 1],
      [0, 0],
      [2, 2],
    ]),
    [
      [0, 0],
      [2, 2],
    ],
  );
});
