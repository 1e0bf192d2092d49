import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { auditGallery } from "../../../calibrate/audit/audit.ts";
import { BaseLine, RULES as COLOUR_RULES, HSV_LENGTH } from "../../../calibrate/evaluate/base-line.ts";
import { type Evaluation, evaluationOf } from "../../../calibrate/evaluate/evaluation.ts";
import type { EmbeddedItem } from "../../../calibrate/evaluate/items.ts";
import {
  byGallery,
  byShots,
  type Judged,
  type JudgeOptions,
  leaveOneOut,
} from "../../../calibrate/evaluate/methods.ts";
import { compareRules } from "../../../calibrate/fit/compare.ts";
import type { Reference } from "../../../device/grade/gallery.ts";
import { RULES } from "../../../device/grade/rules/rule.ts";
import { NO_ITEM } from "../../../device/grade/search/distance.ts";
import { galleryOf, MADE_MODEL, unitRows } from "../../support/gallery-made.ts";
import { seededNormal, seededRandom } from "../../support/random.ts";

/*
 * Grades that are given by chance to fruit that have nothing in common: whoever finds the grade of one has looked at the
 * fruit itself. Every figure of a method that leaves it out is at chance, or below it, since its grade lacks it.
 */

const DIMENSION = 96;
const MODEL = { ...MADE_MODEL, dimension: DIMENSION };
const PER_GRADE = 16;
const GRADES = ["sound", "reject"];
/** Of 32 items: two and a half standard deviations above one half. */
const CHANCE = 0.72;

/** A fruit like no other, of some views that are nearly the same. */
function fruit(seed: number, grade: string, name = `fruit-${seed}`, views = 3): EmbeddedItem {
  const normal = seededNormal(seed);
  const random = seededRandom(seed);
  const own = Array.from({ length: DIMENSION }, normal);
  const rows = Array.from({ length: views }, () => own.map((value) => value + 0.02 * normal()));
  const bins = Array.from({ length: 24 }, () => Math.floor(random() * HSV_LENGTH));
  const colours = Array.from({ length: HSV_LENGTH }, (_, bin) => (bins.includes(bin) ? 1 : 0.001));
  const histograms = unitRows(Array.from({ length: views }, () => colours));
  return { grade, name, files: [], views, embeddings: unitRows(rows), histograms, crops: `${seed}` };
}

const ITEMS = Array.from({ length: PER_GRADE * 2 }, (_, n) => fruit(1 + n, GRADES[n % 2]!));
/** Each fruit once more, under the same name and grade. */
const TWICE = [...ITEMS.slice(0, 20), ...ITEMS.slice(0, 20).map((item) => ({ ...item }))];

function asReferences(items: readonly EmbeddedItem[]): Reference[] {
  return items.map(({ grade, name, views, embeddings }, index) => ({
    id: `${index}`,
    grade,
    origin: name,
    enrolledAt: "",
    views,
    embeddings,
  }));
}

const options: JudgeOptions = { model: MODEL, order: GRADES, alpha: undefined, sameFruit: false };

function figures(judged: Judged): Evaluation {
  return evaluationOf(judged, { seed: 1, alpha: undefined, tolerances: undefined, skipped: [], warnings: [] });
}

function assertChance({ itemBalancedAccuracy, viewBalancedAccuracy, verdicts, baseLine }: Evaluation): void {
  assert.ok(itemBalancedAccuracy < CHANCE, `items: ${itemBalancedAccuracy}`);
  assert.ok(viewBalancedAccuracy < CHANCE, `views: ${viewBalancedAccuracy}`);
  assert.ok(verdicts.right < CHANCE, `verdicts: ${verdicts.right}`);
  for (const rule of COLOUR_RULES)
    assert.ok(baseLine!.rules[rule] < CHANCE, `colours, ${rule}: ${baseLine!.rules[rule]}`);
  assert.ok(baseLine!.viewBalancedAccuracy < CHANCE, `colours, views: ${baseLine!.viewBalancedAccuracy}`);
}

function assertKnown({ itemBalancedAccuracy, viewBalancedAccuracy, baseLine }: Evaluation): void {
  assert.deepEqual([itemBalancedAccuracy, viewBalancedAccuracy, baseLine!.itemBalancedAccuracy], [1, 1, 1]);
}

describe("fruit that only a look at themselves could grade are graded by chance", () => {
  test("by fit, with every rule", async () => {
    const gallery = galleryOf(asReferences(ITEMS), MODEL);
    const compared = await compareRules(gallery, 0.3, () => {}, new AbortController().signal);
    assert.deepEqual(compared.figures.map(({ rule }) => rule).sort(), [...RULES].sort());
    for (const { rule, itemBalancedAccuracy } of compared.figures) {
      assert.ok(itemBalancedAccuracy < CHANCE, `${rule}: ${itemBalancedAccuracy}`);
    }
    assert.equal(compared.best, RULES[0], "none is better beyond chance");
    // An item that knows itself lies within any limit.
    const away = [...compared.turnedAway.values()].reduce((sum, one) => sum + one.away, 0);
    assert.ok(away > 0.1 * ITEMS.length, `called unknown by a gallery that does not know them: ${away}`);
  });

  test("by evaluate, each judged by all others", async () => {
    const judged = await leaveOneOut(ITEMS, options);
    assert.equal(judged.draws[0]!.length, ITEMS.length);
    assertChance(figures(judged));
    for (const { strangeness } of judged.draws[0]!)
      assert.ok(strangeness > 0.5, `it lies near something: ${strangeness}`);
  });

  test("by evaluate with shots", async () => {
    const judged = await byShots(ITEMS, { shots: 10, repeats: 12, seed: 3 }, options);
    for (const draw of judged.draws) assert.equal(draw.length, ITEMS.length - 20);
    assertChance(figures(judged));
  });

  test("by evaluate with --same-fruit, where each fruit is there twice; without, its other half gives it away", async () => {
    assertChance(figures(await leaveOneOut(TWICE, { ...options, sameFruit: true })));
    assertKnown(figures(await leaveOneOut(TWICE, options)));
  });

  test("by evaluate with --same-fruit and shots", async () => {
    const shots = { shots: 5, repeats: 12, seed: 5 };
    const judged = await byShots(TWICE, shots, { ...options, sameFruit: true });
    assertChance(figures(judged));
    // Where one half is enrolled the other is not judged.
    for (const draw of judged.draws) {
      const halves = [...Map.groupBy(draw, ({ item }) => item.name).values()].map(({ length }) => length);
      assert.ok(halves.length > 0 && halves.every((count) => count === 2), `${halves}`);
    }
    const open = await byShots(TWICE, shots, options);
    assert.ok(figures(open).itemBalancedAccuracy > figures(judged).itemBalancedAccuracy + 0.1);
  });

  test("by a gallery of other fruit; one that has them knows them", async () => {
    const half = ITEMS.slice(0, PER_GRADE);
    const others = ITEMS.slice(PER_GRADE);
    const colours = (items: readonly EmbeddedItem[]) =>
      items.map(({ grade, views, histograms }) => ({ grade, views, histograms: histograms! }));
    const gallery = galleryOf(asReferences(half), MODEL);
    assertChance(figures(await byGallery(others, gallery, colours(half), options)));
    assertKnown(figures(await byGallery(half, gallery, colours(half), options)));
  });

  test("by the base line of colours, which passes over the item itself", () => {
    const items = ITEMS.map(({ grade, views, histograms }) => ({ grade, views, histograms: histograms! }));
    const baseLine = new BaseLine(items, GRADES);
    for (const rule of COLOUR_RULES) {
      const right = (leave: (index: number) => number) =>
        items.filter((item, index) => baseLine.judge(item, leave(index))[rule].said === item.grade).length;
      assert.ok(right((index) => index) < CHANCE * items.length, rule);
      assert.equal(
        right(() => NO_ITEM),
        items.length,
        rule,
      );
      const views = items.map((item, index) => baseLine.judge(item, index)[rule].viewsRight);
      assert.ok(views.reduce((sum, count) => sum + count, 0) < CHANCE * 3 * items.length, rule);
    }
  });

  test("by audit, which says that such grades cannot be told apart", () => {
    const findings = auditGallery(galleryOf(asReferences(ITEMS), MODEL), new Map(), { alpha: 0.1 });
    const alike = findings.filter(({ kind }) => kind === "alike-grades");
    assert.equal(alike.length, 1);
    const share = Number(/(\d+) % right between the two/.exec(alike[0]!.found)![1]);
    assert.ok(share < CHANCE * 100, alike[0]!.found);
    // The one that it shows beside a doubtful item is another one.
    for (const { items } of findings) assert.equal(new Set(items).size, items.length);
  });
});
