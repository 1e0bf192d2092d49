import assert from "node:assert/strict";
import { test } from "node:test";
import { auroc, balancedAccuracy, confusionOf, interval, perGrade } from "../../calibrate/figures.ts";

const judged = [
  ...Array.from({ length: 90 }, () => ({ truth: "sound", said: "sound" })),
  ...Array.from({ length: 10 }, () => ({ truth: "sound", said: "reject" })),
  { truth: "reject", said: "reject" },
  { truth: "reject", said: "sound" },
];

test("balanced accuracy is the mean of the shares, however many there are of each", () => {
  assert.equal(balancedAccuracy(confusionOf(judged)), (0.9 + 0.5) / 2);
  assert.ok(Number.isNaN(balancedAccuracy(confusionOf([]))));
});

test("precision counts those called so, recall those that are so", () => {
  assert.deepEqual(perGrade(confusionOf(judged), ["sound", "second", "reject"]), [
    { grade: "sound", items: 100, precision: 90 / 91, recall: 0.9 },
    { grade: "reject", items: 2, precision: 1 / 11, recall: 0.5 },
  ]);
  assert.equal(perGrade(confusionOf([{ truth: "a", said: "b" }]), ["a"])[0]!.precision, null);
});

test("the area under the curve counts pairs, ties as half, and is nothing without pairs", () => {
  assert.equal(auroc([3, 4], [1, 2]), 1);
  assert.equal(auroc([1, 2], [3, 4]), 0);
  assert.equal(auroc([1, 3], [2]), 0.5);
  assert.equal(auroc([1, 1], [1, 1, 1]), 0.5);
  assert.equal(auroc([2, 3, 5], [1, 2, 4]), (1 + 0.5 + 1 + 1 + 3) / 9);
  assert.equal(auroc([Number.POSITIVE_INFINITY], [1, 2]), 1);
  assert.equal(auroc([], [1]), null);
  assert.equal(auroc([1], []), null);
});

test("an interval is the mean and the middle 95 of 100 values", () => {
  const values = Array.from({ length: 101 }, (_, index) => 100 - index);
  assert.deepEqual(interval(values), { mean: 50, low: 3, high: 98 });
  assert.deepEqual(interval([0.5]), { mean: 0.5, low: 0.5, high: 0.5 });
});
