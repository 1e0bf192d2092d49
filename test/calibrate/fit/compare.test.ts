import assert from "node:assert/strict";
import { test } from "node:test";
import { HSV_LENGTH, hsvHistogram } from "../../../calibrate/evaluate/base-line.ts";
import { type JudgeOptions, leaveOneOut } from "../../../calibrate/evaluate/methods.ts";
import { compareRules } from "../../../calibrate/fit/compare.ts";
import { RULES } from "../../../device/grade/rules/rule.ts";
import { direction, galleryOf, MADE_MODEL, referenceOf } from "../../support/gallery-made.ts";

const MODEL = { ...MADE_MODEL, dimension: 2 };
/** Six items of each grade, forty degrees apart. */
const apart = galleryOf(
  ["sound", "reject"].flatMap((grade, g) =>
    [-5, -3, -1, 1, 3, 5].map((spread, n) => referenceOf(`${grade}-${n}`, grade, [direction(g * 40 + spread)])),
  ),
  MODEL,
);
const never = new AbortController().signal;

test("grades that lie apart are found by every rule, and every step is told", async () => {
  const told: string[] = [];
  const found = await compareRules(apart, 0.2, (done, of) => told.push(`${done}/${of}`), never);
  assert.deepEqual(
    found.figures.map(({ rule, itemBalancedAccuracy, high }) => [rule, itemBalancedAccuracy, high]),
    RULES.map((rule) => [rule, 1, 1]),
  );
  for (const { low } of found.figures) assert.ok(low > 0.5 && low < 1, `six items say little: ${low}`);
  assert.equal(found.best, RULES[0]);
  assert.deepEqual([...found.turnedAway.keys()], ["sound", "reject"]);
  for (const { items, away } of found.turnedAway.values()) assert.ok(items === 6 && away <= 3, `${away} of ${items}`);
  assert.deepEqual(
    told,
    Array.from({ length: 13 }, (_, done) => `${done}/12`),
  );
});

test("an item that lies with the other grade is no success", async () => {
  const stray = referenceOf("stray", "sound", [direction(40)]);
  const found = await compareRules(galleryOf([...apart.references, stray], MODEL), 0.2, () => {}, never);
  const mean = found.figures.find(({ rule }) => rule === "mean")!;
  assert.ok(Math.abs(mean.itemBalancedAccuracy - (6 / 7 + 1) / 2) < 1e-12, `${mean.itemBalancedAccuracy}`);
});

test("one grade alone is refused; so is going on after an end was asked for, in fit and in evaluate", async () => {
  const alone = galleryOf(apart.references.slice(0, 6), MODEL);
  await assert.rejects(
    compareRules(alone, 0.2, () => {}, never),
    { code: "GALLERY_EMPTY" },
  );
  const ended = AbortSignal.abort(new Error("Ctrl-C"));
  await assert.rejects(
    compareRules(apart, 0.2, () => {}, ended),
    { message: "Ctrl-C" },
  );
  const items = apart.references.map(({ grade, id, views, embeddings }) => ({
    grade,
    name: id,
    files: [],
    views,
    embeddings,
    histograms: undefined,
    crops: id,
  }));
  const options: JudgeOptions = { model: MODEL, order: [], alpha: undefined, sameFruit: false };
  await assert.rejects(leaveOneOut(items, { ...options, signal: ended }), { message: "Ctrl-C" });
  assert.equal(
    (await leaveOneOut(items, options)).draws[0]!.filter(({ item, said }) => item.grade === said).length,
    12,
  );
});

test("a pixel is background only where all its channels are as the fill", () => {
  const FILL = 118;
  const count = (...pixel: number[]) => {
    const out = new Float32Array(HSV_LENGTH);
    hsvHistogram(Uint8Array.from(pixel), FILL, out);
    return out.filter((value) => value > 0).length;
  };
  assert.equal(count(FILL, FILL, FILL), 0);
  assert.equal(count(FILL + 2, FILL - 2, FILL), 0);
  for (const pixel of [
    [FILL + 3, FILL, FILL],
    [FILL, FILL - 3, FILL],
    [FILL, FILL, FILL + 3],
  ]) {
    assert.equal(count(...pixel), 1, `${pixel}`);
  }
});
