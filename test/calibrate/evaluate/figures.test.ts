import assert from "node:assert/strict";
import { test } from "node:test";
import {
  auroc,
  balancedAccuracy,
  bootstrap,
  confusionOf,
  interval,
  meanOfShares,
  perGrade,
  rocCurve,
  wilson,
} from "../../../calibrate/evaluate/figures.ts";
import { randomFrom } from "../../../calibrate/evaluate/random.ts";

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

test("the interval of a share is Wilson's, and never leaves 0 to 1", () => {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  for (const [hits, count, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const found = wilson(hits / count, count);
    assert.ok(Math.abs(found.low - low) < 1e-4 && Math.abs(found.high - high) < 1e-4, `${hits} of ${count}`);
  }
  assert.equal(wilson(1, 4).high, 1);
});

test("the interval of a mean of shares is that of one share where there is one, and shrinks with more", () => {
  const one = meanOfShares([{ share: 0.8, count: 50 }]);
  const { low, high } = wilson(0.8, 50);
  assert.ok(Math.abs(one.low - low) < 1e-12 && Math.abs(one.high - high) < 1e-12);
  const two = meanOfShares([
    { share: 0.8, count: 50 },
    { share: 0.8, count: 50 },
  ]);
  assert.ok(Math.abs((two.high - two.low) * Math.SQRT2 - (high - low)) < 1e-12);
  const whole = meanOfShares([
    { share: 1, count: 4 },
    { share: 0, count: 2 },
  ]);
  assert.ok(whole.low < 0.5 && whole.high > 0.5 && whole.mean === 0.5);
});

test("drawing again keeps each class as large as it is, and gives the middle 95 % of the figure", () => {
  const seen = new Set<string>();
  const range = bootstrap(
    [20, 3],
    (drawn) => {
      seen.add(drawn.map(({ length }) => length).join());
      return drawn[0]!.filter((item) => item < 10).length / 20;
    },
    randomFrom(1),
  )!;
  assert.deepEqual([...seen], ["20,3"]);
  // 20 tosses of a coin: 0.5 with a deviation of 0.11.
  assert.ok(range.low >= 0.25 && range.low <= 0.35 && range.high >= 0.65 && range.high <= 0.75, JSON.stringify(range));
  assert.equal(
    bootstrap([2], () => null, randomFrom(1)),
    null,
  );
});

test("the curve goes from nothing found to everything, and its area is that of the pairs", () => {
  const [strangers, known] = [
    [2, 3, 5],
    [1, 2, 4],
  ];
  const points = rocCurve(strangers, known);
  assert.deepEqual(
    [points[0], points.at(-1)],
    [
      { found: 0, falseAlarms: 0 },
      { found: 1, falseAlarms: 1 },
    ],
  );
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    area += ((b.falseAlarms - a.falseAlarms) * (a.found + b.found)) / 2;
  }
  assert.ok(Math.abs(area - auroc(strangers, known)!) < 1e-12);
  assert.deepEqual(rocCurve([], [1]), []);
});
