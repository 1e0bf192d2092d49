import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fitGrader } from "../../../device/grade/fit.ts";
import { Grader } from "../../../device/grade/grader.ts";
import { isRule, type Leaning, leanToLeast, RULES } from "../../../device/grade/rules/rule.ts";
import { MajorityRule, WorstViewRule } from "../../../device/grade/rules/view-rules.ts";
import {
  direction,
  fruitLikeReference,
  galleryOf,
  MADE_MODEL,
  referenceOf,
  unitRows,
} from "../../support/gallery-made.ts";

const PLANE = { ...MADE_MODEL, dimension: 2 };
/** Sound lies about 0 degrees, second about 40, reject about 80. */
const orchard = galleryOf(
  ["sound", "second", "reject"].flatMap((grade, g) =>
    [-4, -2, 0, 2, 4].map((spread, n) =>
      referenceOf(`${grade}-${n}`, grade, [direction(g * 40 + spread), direction(g * 40 + spread + 1)]),
    ),
  ),
  PLANE,
);

function item(...degrees: number[]): [Float32Array, number] {
  return [Float32Array.from(degrees.flatMap(direction)), degrees.length];
}

for (const rule of RULES) {
  describe(`the rule ${rule}`, () => {
    const grader = Grader.from(orchard, 0.05, rule);

    test("finds the grade of an item whose every view is of it", () => {
      for (const [grade, degrees] of [
        ["sound", 1],
        ["second", 41],
        ["reject", 81],
      ] as const) {
        const views = item(degrees, degrees - 1, degrees + 1);
        assert.equal(grader.choose(...views), grade);
        assert.equal(grader.grade(...views).grade, grade);
      }
    });

    test("never gives a grade to what no reference is like", () => {
      assert.equal(grader.grade(...item(200, 201, 199)).outcome, "unknown");
    });

    test("says the same for an item before and after another", () => {
      const first = grader.grade(...item(1, 2, 40));
      grader.grade(...item(80, 81, 79, 78, 82, 80));
      assert.deepEqual(grader.grade(...item(1, 2, 40)), first);
    });
  });
}

test("one bad view among four outweighs for the worst view, not for the majority", () => {
  const views = item(0, 1, 2, 80);
  assert.equal(Grader.from(orchard, 0.05, "worst-view").choose(...views), "reject");
  assert.equal(Grader.from(orchard, 0.05, "majority").choose(...views), "sound");
});

test("a tenth of the views is spared by the worst view; of equal votes the worse grade wins", () => {
  const out: Leaning = { grade: 9, second: 9, lead: 0 };
  /** (views, 2) nearest to grade 1 in `bad` views of all. */
  const seen = (views: number, bad: number) => ({
    descriptor: new Float64Array(2),
    embeddings: new Float32Array(0),
    views,
    nearest: () =>
      Float64Array.from({ length: views * 2 }, (_, at) => ((at >> 1 < bad ? at & 1 : 1 - (at & 1)) ? 0.1 : 0.9)),
  });
  for (const [views, bad, worst, majority] of [
    [10, 1, 0, 0],
    [10, 2, 1, 0],
    [10, 5, 1, 1],
    [3, 1, 1, 0],
  ] as const) {
    new WorstViewRule(2).lean(seen(views, bad), out);
    assert.deepEqual({ ...out }, { grade: worst, second: -1, lead: 1 }, `${bad} of ${views}`);
    new MajorityRule(2).lean(seen(views, bad), out);
    assert.equal(out.grade, majority, `${bad} of ${views}`);
  }
});

test("the two least distances and how far apart they are", () => {
  const out: Leaning = { grade: 9, second: 9, lead: 0 };
  leanToLeast(Float64Array.of(3, 1, 2), out);
  assert.deepEqual({ ...out }, { grade: 1, second: 2, lead: 1 / 3 });
  // Of small distances as of large ones; of equal ones the better grade.
  leanToLeast(Float64Array.of(0.125, 0.375), out);
  assert.deepEqual({ ...out }, { grade: 0, second: 1, lead: 0.5 });
  leanToLeast(Float64Array.of(2, 1, 1), out);
  assert.deepEqual({ ...out }, { grade: 1, second: 2, lead: 0 });
  leanToLeast(Float64Array.of(0, 0), out);
  assert.deepEqual({ ...out }, { grade: 0, second: 1, lead: 1 });
  leanToLeast(Float64Array.of(5), out);
  assert.deepEqual({ ...out }, { grade: 0, second: -1, lead: 1 });
  leanToLeast(Float64Array.of(Number.POSITIVE_INFINITY, 1), out);
  assert.deepEqual([out.grade, out.lead], [1, 1]);
});

test("the gallery's calibration decides share and rule, what is asked for comes first, an unknown rule is passed over", () => {
  const fit = { rule: "majority", alpha: 0.3, fittedAt: "", references: "", figures: [], cameras: null };
  assert.equal(fitGrader({ ...orchard, fit }).rule, "majority");
  assert.equal(fitGrader({ ...orchard, fit }, { rule: "mean" }).rule, "mean");
  assert.equal(fitGrader({ ...orchard, fit: { ...fit, rule: "of-tomorrow" } }).rule, RULES[0]);
  const spread = galleryOf(
    Array.from({ length: 20 }, (_, n) => fruitLikeReference(n, "sound", 3, 16)),
    { ...MADE_MODEL, dimension: 16 },
  );
  const limit = (alpha: number): number => fitGrader({ ...spread, fit: { ...fit, alpha } }).thresholds.limit[0]!;
  assert.ok(limit(0.2) > limit(0.9));
  assert.deepEqual([isRule("cover"), isRule("luck")], [true, false]);
});

test("the nearest mean counts every component, the first and the last", () => {
  for (const axis of [0, 1, 2]) {
    const at = (value: number) => [0, 1, 2].map((d) => (d === axis ? value : 1));
    const gallery = galleryOf(
      [1, 1.1].flatMap((more, n) => [
        referenceOf(`sound-${n}`, "sound", [at(more)]),
        referenceOf(`reject-${n}`, "reject", [at(-more)]),
      ]),
      { ...MADE_MODEL, dimension: 3 },
    );
    const grader = Grader.from(gallery, 0.05, "mean");
    assert.equal(grader.choose(unitRows([at(0.9)]), 1), "sound", `axis ${axis}`);
    assert.equal(grader.choose(unitRows([at(-0.9)]), 1), "reject", `axis ${axis}`);
  }
});
