import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten } from "../../../device/grade/references.ts";
import { conformalLimit, conformalP, DEFAULT_ALPHA, fitThresholds } from "../../../device/grade/thresholds.ts";
import { chord, direction, galleryOf, MADE_MODEL, randomReference, referenceOf } from "../../support/gallery-made.ts";
import { seededNormal } from "../../support/random.ts";

const PLANE = { ...MADE_MODEL, dimension: 2 };

/** Each item: its grade and the directions of its views, in degrees. */
function fit(items: readonly (readonly [string, ...number[]])[], alpha?: number) {
  const references = items.map(([grade, ...degrees], item) => referenceOf(`${item}`, grade, degrees.map(direction)));
  return fitThresholds(flatten(galleryOf(references, PLANE)), alpha);
}

function assertNear(found: Iterable<number>, expected: readonly number[]): void {
  const values = [...found];
  assert.equal(values.length, expected.length);
  for (const [index, value] of expected.entries()) {
    assert.ok(Math.abs(values[index]! - value) < 1e-3, `${index}: ${values[index]} instead of ${value}`);
  }
}

function ascending(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

const TRIALS = 4000;

/** Share of trials is within five standard deviations of what it should be: one in 1.7 million runs is not. */
function assertShare(found: number, expected: number): void {
  const deviation = Math.sqrt((expected * (1 - expected)) / TRIALS);
  assert.ok(Math.abs(found - expected) < 5 * deviation, `${found} instead of ${expected} ± ${deviation}`);
}

for (const alpha of [0.05, 0.1]) {
  for (const n of [19, 40, 99]) {
    test(`of good fruit at most ${alpha} lies beyond the limit of ${n} scores, and no fewer than one in ${n + 1} less`, () => {
      const normal = seededNormal(n * 1000 + alpha * 100);
      let within = 0;
      let small = 0;
      for (let trial = 0; trial < TRIALS; trial++) {
        // Skewed and heavy, as distances are: the guarantee asks for no shape.
        const scores = ascending(Array.from({ length: n }, () => Math.exp(normal())));
        const next = Math.exp(normal());
        if (next <= conformalLimit(scores, alpha)) within++;
        if (conformalP(scores, next)! <= alpha) small++;
      }
      assertShare(within / TRIALS, Math.ceil((n + 1) * (1 - alpha)) / (n + 1));
      assertShare(small / TRIALS, Math.floor((n + 1) * alpha) / (n + 1));
    });
  }
}

test("the limit is the score of the rank that the count of scores gives", () => {
  const scores = ascending(Array.from({ length: 99 }, (_, index) => index + 1));
  assert.equal(conformalLimit(scores, 0.05), 95);
  assert.equal(conformalLimit(scores, 0.1), 90);
  assert.equal(conformalLimit(scores.subarray(0, 19), 0.05), 19);
  assert.equal(conformalLimit(scores, 1), 1);
});

test("with too few scores for the share the limit is beyond the farthest of them", () => {
  const scores = ascending([0.3, 0.5]);
  assert.ok(conformalLimit(scores, 0.05) > 0.5);
  assert.ok(conformalLimit(ascending(Array.from({ length: 18 }, () => 0.4)), 0.05) > 0.4);
  assert.ok(conformalLimit(scores, 0) > 0.5);
});

test("a p-value counts the scores at least as far, and itself", () => {
  const scores = ascending([0.1, 0.2, 0.2, 0.4]);
  assert.deepEqual(
    [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, Number.POSITIVE_INFINITY].map((distance) => conformalP(scores, distance)),
    [1, 1, 4 / 5, 4 / 5, 2 / 5, 2 / 5, 1 / 5, 1 / 5],
  );
  assert.equal(conformalP(new Float64Array(0), 0.1), null);
});

test("no p-value is under one in the number of scores and one, and none is above one", () => {
  const normal = seededNormal(5);
  for (let n = 1; n <= 30; n++) {
    const scores = ascending(Array.from({ length: n }, () => Math.abs(normal())));
    for (const distance of [-1, 0, Math.abs(normal()), 100, Number.NaN]) {
      const p = conformalP(scores, distance)!;
      assert.ok(p >= 1 / (n + 1) && p <= 1, `${p} of ${n} scores`);
    }
  }
});

test("an item's score is its distance to the others: an only one of its kind is far", () => {
  const { scores } = fit([
    ["sound", 0, 1],
    ["sound", 12, 13],
    ["sound", 90, 91],
  ]);
  // From 0 to 12, from 13 to 1, and from 91 to 13.
  assertNear(scores[0]!, [chord(12), chord(12), chord(78)]);
});

test("scores of a worse grade are distances to its references and to all better ones", () => {
  const { scores } = fit([
    ["sound", 0],
    ["sound", 20],
    ["reject", 25, 120],
    ["reject", 140],
  ]);
  // The reject's clean side is covered by the sound item at 20; its faulty side by the other reject.
  assertNear(scores[1]!, [chord(20), chord(20)]);
});

test("the limit of a grade with many items leaves out the share that may be called unknown", () => {
  // One stray among forty neighbours a degree apart.
  const items = Array.from({ length: 40 }, (_, item) => ["sound", item === 39 ? 200 : item] as const);
  // Views a degree apart would give a limit that two pictures of one view exceed.
  assertNear(fit(items, 0.05).limit, [0.1]);
  assert.ok(fit(items, 0.01).limit[0]! > chord(161));
});

test("a grade with one item takes its limit from what other grades need", () => {
  const { limit, scores } = fit([
    ["sound", 0],
    ["reject", 100],
    ["reject", 140],
  ]);
  assert.equal(scores[0]!.length, 0);
  assertNear([limit[0]!], [1.1 * chord(40)]);
});

test("a single item gives a limit that is neither nothing nor everything", () => {
  const { limit, scores } = fit([["sound", 0, 10]]);
  assert.deepEqual([scores[0]!.length, limit.length], [0, 1]);
  assert.ok(limit[0]! > 0.1 && limit[0]! < Math.SQRT2);
});

test("references that are all alike leave room for the noise of a camera", () => {
  const { limit } = fit([
    ["sound", 5, 5],
    ["sound", 5],
    ["sound", 5],
  ]);
  assertNear(limit, [0.1]);
});

test("limits and scores are finite for every gallery, and a smaller share that may be called unknown widens them", () => {
  for (let items = 1; items <= 30; items += 3) {
    const grades = ["sound", "second", "reject"];
    const references = Array.from({ length: items }, (_, item) =>
      randomReference(item + 1, grades[item % 3]!, 1 + (item % 5)),
    );
    const flat = flatten(galleryOf(references));
    const [wide, usual, tight] = [0.01, DEFAULT_ALPHA, 0.3].map((alpha) => fitThresholds(flat, alpha));
    for (let g = 0; g < flat.grades; g++) {
      assert.ok(usual!.scores[g]!.every((score) => score > 0 && score <= 2));
      assert.ok(tight!.limit[g]! <= usual!.limit[g]! && usual!.limit[g]! <= wide!.limit[g]!);
      assert.ok(tight!.limit[g]! > 0 && Number.isFinite(wide!.limit[g]!));
    }
  }
});
