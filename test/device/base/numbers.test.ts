import assert from "node:assert/strict";
import { test } from "node:test";
import { median, rounded } from "../../../device/base/numbers.ts";

test("the median of an odd and of an even count", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([10, 9, 100]), 10);
});

test("a number is rounded to so many digits", () => {
  assert.equal(rounded(1.23456, 2), 1.23);
  assert.equal(rounded(-1.235, 0), -1);
});
