import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gallery, Reference } from "../../../device/grade/gallery.ts";
import { Grader } from "../../../device/grade/grader.ts";
import type { Decision } from "../../../device/grade/verdict.ts";
import { chord, direction, galleryOf, MADE_MODEL, referenceOf, unitRows } from "../../support/gallery-made.ts";
import { seededNormal } from "../../support/random.ts";

const D = 6;
/** Looks of a view, each a direction of its own. */
const CLEAN = [1, 0, 0, 0, 0, 0];
const RUSSET = [0.3, 1, 0, 0, 0, 0];
const ROT = [0, 0, 1, 0, 0, 0];
const STEM = [0, 0, 0, 0, 1, 0];
const STONE = [0, 0, 0, 0, 0, 1];

/** Views of the given looks, each shaken a little. */
function views(seed: number, ...looks: readonly (readonly number[])[]): number[][] {
  const normal = seededNormal(seed);
  return looks.map((look) => look.map((value) => value + 0.06 * normal()));
}

function times(count: number, look: readonly number[]): (readonly number[])[] {
  return Array.from({ length: count }, () => look);
}

const looksOf = {
  sound: times(10, CLEAN),
  second: [...times(6, CLEAN), ...times(4, RUSSET)],
  reject: [...times(6, CLEAN), ...times(4, ROT)],
};

const references: Reference[] = Object.entries(looksOf).flatMap(([grade, looks], kind) =>
  Array.from({ length: 8 }, (_, item) =>
    referenceOf(`${grade}-${item}`, grade, views(kind * 100 + item + 1, ...looks)),
  ),
);
const orchard: Gallery = galleryOf(references);
const grader = Grader.from(orchard);

function decide(looks: readonly (readonly number[])[], seed = 999, by = grader): Decision {
  return by.grade(unitRows(views(seed, ...looks)), looks.length);
}

for (const [grade, looks] of Object.entries(looksOf)) {
  test(`fruit that was not enrolled gets its grade: ${grade}`, () => {
    const decisions = Array.from({ length: 40 }, (_, seed) => decide(looks, 1000 + seed));
    // One in nine lies beyond the farthest of eight left-out references; the margin for few items takes most of them in.
    assert.ok(decisions.filter((decision) => decision.grade === grade).length >= 37);
    for (const { outcome, margin } of decisions) {
      if (outcome === "graded") assert.ok(margin !== null && margin >= 0 && margin <= 1);
    }
  });
}

test("a reject is a reject although most of its views are clean, and the telling view is of its fault", () => {
  const looks = [...times(7, CLEAN), ROT, ROT, ROT];
  const decision = decide(looks);
  assert.deepEqual([decision.outcome, decision.grade], ["graded", "reject"]);
  assert.ok(decision.tellingView! >= 7);
});

test("one smeared view of ten changes no verdict, three make a stranger", () => {
  assert.equal(decide([...times(9, CLEAN), STEM]).grade, "sound");
  assert.deepEqual(decide([...times(7, CLEAN), STEM, STEM, STEM]).outcome, "unknown");
});

test("what looks like nothing enrolled is unknown, without a grade, beyond the limit", () => {
  for (const looks of [
    times(10, STONE),
    times(1, STONE),
    times(
      10,
      STONE.map((value) => -value),
    ),
  ]) {
    const decision = decide(looks);
    assert.deepEqual([decision.outcome, decision.grade], ["unknown", null]);
    assert.ok(decision.margin !== null && decision.margin < 0);
    for (const { pValue } of decision.grades) assert.ok(Math.abs(pValue! - 1 / 9) < 1e-12);
  }
});

test("grades are told best to worst, each no farther than the one before", () => {
  for (const looks of [...Object.values(looksOf), times(10, STONE)]) {
    const { grades } = decide(looks);
    assert.deepEqual(
      grades.map(({ grade }) => grade),
      ["sound", "second", "reject"],
    );
    for (let g = 1; g < 3; g++) assert.ok(grades[g]!.distance! <= grades[g - 1]!.distance!);
    for (const { distance, pValue } of grades) {
      assert.ok(distance! >= 0 && distance! <= 2 && pValue! >= 1 / 9 && pValue! <= 1);
    }
  }
});

test("an enrolled item seen again has its grade", () => {
  for (const { grade, views: count, embeddings } of references) {
    assert.equal(grader.grade(embeddings, count).grade, grade);
  }
});

test("a good item is as likely as not to have a middling p-value, a stranger has the least there is", () => {
  assert.ok(decide(looksOf.sound).grades[0]!.pValue! > 1 / 9);
  assert.ok(Math.abs(decide(times(10, STONE)).grades[0]!.pValue! - 1 / 9) < 1e-12);
});

test("an item as near to one grade's mean as to another's is unsure where these would give different verdicts", () => {
  const plane = { ...MADE_MODEL, dimension: 2 };
  const gallery = galleryOf(
    [-8, -4, 0, 4, 8].flatMap((shift) => [
      referenceOf(`sound${shift}`, "sound", [direction(-10 + shift)]),
      referenceOf(`reject${shift}`, "reject", [direction(10 + shift)]),
    ]),
    plane,
  );
  const pair = Grader.from(gallery, 0.01);
  const at = (...degrees: number[]): Decision => pair.grade(unitRows(degrees.map(direction)), degrees.length);
  const between = at(-1, 1);
  assert.deepEqual([between.outcome, between.grade], ["unsure", null]);
  // As near to both, but its far view is covered by rejects alone.
  const far = at(-14, 14);
  assert.deepEqual([far.outcome, far.grade], ["graded", "reject"]);
  assert.deepEqual([at(-10, -9).grade, at(10, 9).grade], ["sound", "reject"]);
  assert.equal(at(180).outcome, "unknown");
});

test("an item of which each view is like some other item's is unknown when no item looks like that as a whole", () => {
  const plane = { ...MADE_MODEL, dimension: 2 };
  const items = (middle: number) =>
    Array.from({ length: 12 }, (_, i) => referenceOf(`${middle} ${i}`, "sound", [direction(middle + i / 4)]));
  const two = Grader.from(galleryOf([...items(0), ...items(40)], plane), 0.01);
  const at = (...degrees: number[]): Decision => two.grade(unitRows(degrees.map(direction)), degrees.length);
  assert.deepEqual([at(1).outcome, at(41).outcome], ["graded", "graded"]);
  const mixed = at(1, 41);
  assert.equal(mixed.outcome, "unknown");
  assert.ok(mixed.margin! < 0);
  assert.ok(mixed.grades[0]!.distance! < chord(1));
});

test("a gallery of a single item knows that item and no stranger", () => {
  const single = Grader.from(galleryOf([references[0]!]));
  const known = decide(looksOf.sound, 5, single);
  assert.deepEqual([known.outcome, known.grade, known.grades[0]!.pValue], ["graded", "sound", null]);
  assert.equal(decide(times(5, STONE), 5, single).outcome, "unknown");
});

test("a grade with a single item is given", () => {
  const few = Grader.from(galleryOf([...references.slice(0, 8), references.find(({ grade }) => grade === "reject")!]));
  assert.equal(decide(looksOf.reject, 5, few).grade, "reject");
  assert.equal(decide(looksOf.sound, 5, few).grade, "sound");
});

test("a grade without references is neither given nor told", () => {
  const kept = references.filter(({ grade }) => grade !== "second");
  const without = Grader.from({ ...orchard, references: kept });
  const { grades } = decide(looksOf.sound, 5, without);
  assert.deepEqual(
    grades.map(({ grade }) => grade),
    ["sound", "reject"],
  );
});

test("an empty gallery is refused", () => {
  assert.throws(() => Grader.from(galleryOf([])), { code: "GALLERY_EMPTY" });
  assert.throws(() => Grader.from({ ...galleryOf([]), grades: ["sound"] }), { code: "GALLERY_EMPTY" });
});

test("embeddings that are too few for their count are refused", () => {
  for (const [values, count] of [
    [D * 2 - 1, 2],
    [0, 1],
    [D, 0],
    [D, -1],
  ] as const) {
    assert.throws(() => grader.grade(new Float32Array(values), count), { code: "EMBEDDING_SHAPE" });
  }
});

test("embeddings that are no numbers are unknown", () => {
  const decision = grader.grade(new Float32Array(2 * D).fill(Number.NaN), 2);
  assert.deepEqual([decision.outcome, decision.grade, decision.margin], ["unknown", null, null]);
  assert.ok(decision.grades.every(({ distance }) => distance === null));
});

test("one decision does not depend on the ones before", () => {
  const fresh = decide(looksOf.reject, 77, Grader.from(orchard));
  const used = Grader.from(orchard);
  decide(times(200, STONE), 1, used);
  decide(times(1, ROT), 2, used);
  assert.deepEqual(decide(looksOf.reject, 77, used), fresh);
});

test("the order of references and of views changes nothing", () => {
  const shuffled = Grader.from({ ...orchard, references: [...references].sort((a, b) => (a.id < b.id ? 1 : -1)) });
  const turned = Grader.from({
    ...orchard,
    references: references.map((item) => ({
      ...item,
      embeddings: Float32Array.from(
        { length: item.embeddings.length },
        (_, i) => item.embeddings[(item.views - 1 - Math.floor(i / D)) * D + (i % D)]!,
      ),
    })),
  });
  for (let seed = 300; seed < 330; seed++) {
    const looks = Object.values(looksOf)[seed % 3]!;
    const rows = views(seed, ...looks);
    const decision = grader.grade(unitRows(rows), rows.length);
    for (const other of [
      shuffled.grade(unitRows(rows), rows.length),
      turned.grade(unitRows(rows), rows.length),
      grader.grade(unitRows(rows.toReversed()), rows.length),
    ]) {
      assert.deepEqual([other.outcome, other.grade], [decision.outcome, decision.grade]);
      assert.ok(Math.abs(other.margin! - decision.margin!) < 1e-9);
      for (const [g, { distance, pValue }] of decision.grades.entries()) {
        assert.ok(Math.abs(other.grades[g]!.distance! - distance!) < 1e-9);
        assert.equal(other.grades[g]!.pValue, pValue);
      }
    }
  }
});

test("the more good fruit may be called unknown, the less is let in", () => {
  const [strict, usual] = [Grader.from(orchard, 0.9), Grader.from(orchard, 0.05)];
  let worse = 0;
  for (let seed = 2000; seed < 2100; seed++) {
    const a = decide(looksOf.sound, seed, strict);
    const b = decide(looksOf.sound, seed, usual);
    if (a.grade !== "sound") worse++;
    if (a.grade === b.grade) assert.ok(b.margin! >= a.margin!);
  }
  assert.ok(worse > 20, `${worse} of 100 are not sound at a share of nine tenths`);
});

test("for measuring, strangeness is above one for what is unknown and at most one for what is graded", () => {
  for (let seed = 1; seed < 30; seed++) {
    for (const looks of [...Object.values(looksOf), times(10, STONE)]) {
      const rows = unitRows(views(seed, ...looks));
      const { outcome } = grader.grade(rows, looks.length);
      if (outcome === "unknown") assert.ok(grader.strangeness(rows, looks.length) > 1);
      else assert.ok(grader.strangeness(rows, looks.length) <= 1);
    }
  }
  assert.equal(grader.choose(unitRows(views(1, ...times(3, ROT))), 3), "reject");
});

test("a worse grade of nearly the same items keeps the limit of the better one", () => {
  const plane = { ...MADE_MODEL, dimension: 2 };
  const sound = [0, 6, 12, 18, 24].map((degrees) => referenceOf(`sound${degrees}`, "sound", [direction(degrees)]));
  const second = [0.1, 0.2, 0.3, 0.4, 0.5].map((more) =>
    referenceOf(`second${more}`, "second", [direction(12 + more)]),
  );
  const both = Grader.from(galleryOf([...sound, ...second], plane), 0.3);
  const alone = Grader.from(galleryOf(sound, plane), 0.3);
  const of = (one: Grader) => one.reasons(unitRows([direction(12)]), 1).limits.map(({ limit }) => limit);
  const [better, worse] = of(both);
  assert.equal(worse, better);
  assert.equal(better, of(alone)[0]);
});

test("an item is unsure within a hundredth of both distances, and no further", () => {
  const plane = { ...MADE_MODEL, dimension: 2 };
  const gallery = galleryOf(
    [-8, -4, 0, 4, 8].flatMap((shift) => [
      referenceOf(`sound${shift}`, "sound", [direction(-10 + shift)]),
      referenceOf(`reject${shift}`, "reject", [direction(10 + shift)]),
    ]),
    plane,
  );
  const pair = Grader.from(gallery, 0.01, "mean");
  let width = 0;
  while (pair.grade(unitRows([direction(width)]), 1).outcome === "unsure") width += 0.0005;
  // Squared distances to the grades' means, which lie a little inside the circle.
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const inside = [-8, -4, 0, 4, 8].reduce((sum, shift) => sum + Math.cos(radians(shift)) / 5, 0);
  const square = (degrees: number) => 1 + inside ** 2 - 2 * inside * Math.cos(radians(degrees));
  const [near, far] = [square(10 - width), square(10 + width)];
  const lead = (far - near) / (far + near);
  assert.ok(Math.abs(lead - 0.01) < 0.0005, `${width} degrees off the middle the lead is ${lead}`);
});
