import assert from "node:assert/strict";
import { test } from "node:test";
import { Grader } from "../../../device/grade/grader.ts";
import { flatten } from "../../../device/grade/references.ts";
import { describeTelling, describeTellingItems, fitLens, type Lens } from "../../../device/grade/telling.ts";
import { galleryOf, MADE_MODEL, referenceOf, unitRows } from "../../support/gallery-made.ts";
import { seededNormal } from "../../support/random.ts";

const MODEL = { ...MADE_MODEL, dimension: 3 };
const SOUND = [1, 0, 0];
const ROT = [0, 1, 0];
const STRANGE = [0, 0, 1];
const flat = flatten(galleryOf([referenceOf("a", "sound", [SOUND]), referenceOf("b", "reject", [ROT])], MODEL));

function described(lens: Lens, ...views: readonly (readonly number[])[]): Float64Array {
  const out = new Float64Array(3);
  describeTelling(unitRows(views), views.length, lens, out);
  return out;
}

/** @param direction of any length */
function near(found: Float64Array, direction: readonly number[]): void {
  const length = Math.hypot(...direction) || 1;
  assert.equal(found.length, direction.length);
  for (const [d, value] of direction.entries()) {
    assert.ok(Math.abs(found[d]! - value / length) < 1e-6, `${found}, wanted ${direction}`);
  }
}

test("a view counts for as much more as it is nearer to another grade's than to the best one's, in squared distance", () => {
  const lens = fitLens(flat);
  near(described(lens, SOUND, SOUND, ROT), [2 * 0.2, 2.2, 0]);
  // Between the two it is as near to both.
  near(described(lens, [1, 1, 0], SOUND), [0.2 * Math.SQRT1_2 + 0.2, 0.2 * Math.SQRT1_2, 0]);
  near(described(lens, ROT), ROT);
});

test("a view that is like nothing enrolled counts as a clean one does", () => {
  near(described(fitLens(flat), SOUND, SOUND, STRANGE), [2, 0, 1]);
});

test("of several odd views of a grade those that are oddest say most about what it looks like", () => {
  const mixed = flatten(
    galleryOf([referenceOf("a", "sound", [SOUND]), referenceOf("b", "reject", [SOUND, SOUND, SOUND, ROT])], MODEL),
  );
  const odd = [0.6 / 2.8, 2.2 / 2.8];
  const nearer = 2 - ((0 - odd[0]!) ** 2 + (1 - odd[1]!) ** 2);
  near(described(fitLens(mixed), SOUND, ROT), [0.2, 0.2 + nearer, 0]);
});

test("components that the model says tell grades apart are made larger, before anything is weighed", () => {
  const lens = fitLens(flat, [
    { from: 0, to: 1, factor: 2 },
    { from: 2, to: 3, factor: 0.5 },
  ]);
  // The best grade's mean lies at 2, the other one's at 1: 4 + 1 nearer.
  near(described(lens, SOUND, ROT), [2 * 0.2, 5.2, 0]);
});

test("views that cancel out have no direction", () => {
  near(described(fitLens(flat), STRANGE, [0, 0, -1]), [0, 0, 0]);
});

test("of one grade alone all views count alike, also where it is not the best", () => {
  const alone = { ...flat, gradeOf: Uint8Array.of(0, 0) };
  near(described(fitLens(alone), SOUND, ROT), [1, 1, 0]);
  assert.deepEqual(describeTellingItems(alone, fitLens(alone)), Float64Array.of(1, 0, 0, 0, 1, 0));
});

/** Eight views of a fruit of some variety, of which `odd` show a fault. */
function turning(odd: number, normal: () => number): number[][] {
  const variety = [normal(), normal(), normal()].map((value) => 0.5 * value);
  return Array.from({ length: 8 }, (_, view) => {
    const fault = view < odd ? 0.6 : 0;
    return [1, ...variety, fault + 0.05 * normal(), 0.05 * normal()];
  });
}

test("a fault that one view in eight shows is told, and more so where the model names what tells it", () => {
  const normal = seededNormal(3);
  const enrolled = Array.from({ length: 40 }, (_, n) =>
    referenceOf(String(n), n % 2 === 0 ? "sound" : "reject", turning(n % 2 === 0 ? 0 : 1 + ((n >> 1) % 4), normal)),
  );
  const share = (emphasis: { from: number; to: number; factor: number }[]): number => {
    const grader = Grader.from(galleryOf(enrolled, { ...MADE_MODEL, dimension: 6, emphasis }));
    const asked = seededNormal(4);
    const right = Array.from({ length: 400 }, (_, n) => n).filter((n) => {
      const wanted = n % 2 === 0 ? "sound" : "reject";
      return grader.choose(unitRows(turning(n % 2, asked)), 8) === wanted;
    });
    return right.length / 400;
  };
  const emphasised = share([{ from: 4, to: 6, factor: 2 }]);
  assert.ok(emphasised > 0.9, String(emphasised));
  const plain = share([]);
  assert.ok(plain > 0.65 && plain < emphasised, String(plain));
});
