import assert from "node:assert/strict";
import { test } from "node:test";
import { describeItem, describeItems } from "../../../device/grade/descriptors.ts";
import { flatten } from "../../../device/grade/references.ts";
import { galleryOf, MADE_MODEL, referenceOf } from "../../support/gallery-made.ts";

test("an item is the unit mean of its views; the length of their mean says how alike they are", () => {
  const out = new Float64Array(2).fill(9);
  assert.equal(describeItem(Float32Array.of(1, 0, 0, 1), 2, out), Math.SQRT1_2);
  assert.deepEqual(
    [...out].map((value) => value.toFixed(12)),
    Array(2).fill(Math.SQRT1_2.toFixed(12)),
  );
  assert.equal(describeItem(Float32Array.of(0, -1, 0, -1, 0, -1), 3, out), 1);
  assert.deepEqual([...out], [0, -1]);
  assert.deepEqual([describeItem(Float32Array.of(1, 0, -1, 0), 2, out), ...out], [0, 0, 0]);
});

test("each item of a gallery has a row, a length and a count of views of its own, and nothing runs over into the next", () => {
  const gallery = galleryOf(
    [
      referenceOf("a", "sound", [
        [1, 0],
        [0, 1],
      ]),
      referenceOf("b", "sound", [[0, 1]]),
      referenceOf("c", "reject", [[-1, 0]]),
    ],
    { ...MADE_MODEL, dimension: 2 },
  );
  const { descriptors, lengths, views } = describeItems(flatten(gallery));
  assert.deepEqual(
    [...descriptors].map((value) => Math.round(value * 100) / 100),
    [0.71, 0.71, 0, 1, -1, 0],
  );
  assert.deepEqual([...views], [2, 1, 1]);
  assert.deepEqual(
    [...lengths].map((value) => Math.round(value * 100) / 100),
    [0.71, 1, 1],
  );
});
