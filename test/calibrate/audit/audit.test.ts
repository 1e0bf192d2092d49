import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { auditGallery } from "../../../calibrate/audit/audit.ts";
import type { Finding, FindingKind } from "../../../calibrate/audit/findings.ts";
import type { Qualities, ViewQuality } from "../../../calibrate/audit/quality.ts";
import type { Reference } from "../../../device/grade/gallery.ts";
import { galleryOf, MADE_MODEL, referenceOf } from "../../support/gallery-made.ts";
import { seededNormal } from "../../support/random.ts";

const DIMENSION = 8;
/** Takes 19 items a grade. */
const ALPHA = 0.1;
const GOOD: ViewQuality = { sharpness: 0.4, bright: 180, clipped: 0, edge: 0.25, thumb: new Uint8Array(256) };

/** An item of some views around a point on an axis, each a little beside it. */
function item(id: string, grade: string, axis: number, views = 4, spread = 0.15): Reference {
  const normal = seededNormal([...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7));
  const own = Array.from({ length: DIMENSION }, () => 0.15 * normal());
  const rows = Array.from({ length: views }, () =>
    own.map((value, d) => value + (d === axis ? 1 : 0) + spread * normal()),
  );
  return referenceOf(id, grade, rows);
}

function items(grade: string, axis: number, count: number): Reference[] {
  return Array.from({ length: count }, (_, i) => item(`${grade}-${i}`, grade, axis));
}

/** Two grades that lie apart, with items enough and nothing wrong. */
const FINE = [...items("sound", 0, 20), ...items("reject", 1, 20)];

function audit(references: readonly Reference[], bad: Record<string, ViewQuality[]> = {}, only?: string[]): Finding[] {
  const qualities: Qualities = new Map(references.map(({ id, views }) => [id, bad[id] ?? picturesOf(id, views)]));
  const gallery = galleryOf(references, { ...MADE_MODEL, dimension: DIMENSION });
  return auditGallery(gallery, qualities, { alpha: ALPHA, ...(only === undefined ? {} : { only: new Set(only) }) });
}

/** Of good quality, each with a thumb of its own. */
function picturesOf(id: string, views: number): ViewQuality[] {
  const normal = seededNormal([...id].reduce((sum, letter) => sum * 33 + letter.charCodeAt(0), 5));
  return Array.from({ length: views }, () => ({
    ...GOOD,
    thumb: Uint8Array.from({ length: 256 }, () => Math.min(255, Math.max(0, 128 + 30 * normal()))),
  }));
}

function kinds(findings: readonly Finding[]): FindingKind[] {
  return findings.map(({ kind }) => kind);
}

test("a gallery that is as it should be has no finding, an empty one neither", () => {
  assert.deepEqual(audit(FINE), []);
  assert.deepEqual(audit([]), []);
});

describe("items that are there twice", () => {
  test("under one grade they are a duplicate, with the views that are the same", () => {
    const twin = { ...FINE[3]!, id: "twin", origin: "again" };
    const [finding, ...more] = audit([...FINE, twin], { twin: picturesOf("sound-3", 4) });
    assert.deepEqual(more, []);
    assert.deepEqual([finding!.kind, finding!.severity, finding!.items], ["duplicate", "advice", ["sound-3", "twin"]]);
    assert.equal(finding!.views[0], finding!.views[1]);
    assert.match(finding!.found, /test\/sound-3 and again are enrolled twice as sound: 4 of 4 views the same/);
  });

  test("under two grades they are a problem", () => {
    const twin = { ...FINE[3]!, id: "twin", grade: "reject" };
    const found = audit([...FINE, twin], { twin: picturesOf("sound-3", 4) });
    assert.equal(found[0]!.kind, "same-fruit");
    assert.deepEqual([found[0]!.severity, found[0]!.items], ["problem", ["sound-3", "twin"]]);
  });

  test("one view of many, enrolled again by itself, is found", () => {
    const { embeddings } = FINE[5]!;
    const one = { ...FINE[5]!, id: "one", views: 1, embeddings: embeddings.slice(2 * DIMENSION, 3 * DIMENSION) };
    const seen = { one: picturesOf("sound-5", 4).slice(2, 3) };
    const finding = audit([...FINE, one], seen).find(({ kind }) => kind === "duplicate");
    assert.deepEqual(finding?.views, [2, 0]);
  });

  test("one view of ten in common is an accident of two fruit that look alike, eight are one fruit twice", () => {
    const ten = item("ten", "sound", 0, 10);
    const shared = (views: number) => {
      // The same place, and so many of the same pictures; the others are its own.
      const other = { ...ten, id: "other" };
      const pictures = picturesOf("ten", 10).map((same, view) =>
        view < views ? same : picturesOf("other", 10)[view]!,
      );
      return audit([...FINE, ten, other], { other: pictures }).filter(({ items }) => items.includes("other"));
    };
    assert.deepEqual(kinds(shared(1)), []);
    assert.deepEqual(kinds(shared(7)), []);
    const [found] = shared(8);
    assert.equal(found!.kind, "duplicate");
    assert.match(found!.found, /8 of 10 views the same/);
  });

  test("two fruit of other pictures are none, however near their embeddings; without pictures only equals are", () => {
    const twin = { ...FINE[3]!, id: "twin" };
    assert.deepEqual(audit([...FINE, twin]), []);
    const gallery = galleryOf([...FINE, twin], { ...MADE_MODEL, dimension: DIMENSION });
    assert.deepEqual(kinds(auditGallery(gallery, new Map(), { alpha: ALPHA })), ["duplicate"]);
  });

  test("a fruit that looks much like another is none", () => {
    const like = { ...item("like", "sound", 0), embeddings: FINE[3]!.embeddings.map((value) => value) };
    const normal = seededNormal(3);
    for (let i = 0; i < like.embeddings.length; i++) like.embeddings[i]! += 0.03 * normal();
    for (let v = 0; v < 4; v++) {
      const row = like.embeddings.subarray(v * DIMENSION, (v + 1) * DIMENSION);
      const length = Math.hypot(...row);
      for (let d = 0; d < DIMENSION; d++) row[d]! /= length;
    }
    assert.ok(!kinds(audit([...FINE, like])).includes("duplicate"));
  });
});

describe("labels", () => {
  test("an item among those of another grade is likely mislabelled, shown beside one of those", () => {
    const found = audit([...FINE, item("wrong", "sound", 1)]);
    assert.deepEqual(kinds(found), ["mislabelled"]);
    assert.equal(found[0]!.items[0], "wrong");
    assert.match(found[0]!.items[1]!, /^reject-/);
    assert.match(found[0]!.found, /test\/wrong is sound, but lies with reject: \d+\.\d times as near/);
  });

  test("where a grade has two items nobody can say which of them is wrong", () => {
    const few = [...items("sound", 0, 1), item("wrong", "sound", 1), ...items("reject", 1, 20)];
    assert.ok(!kinds(audit(few)).includes("mislabelled"));
  });

  test("grades that lie in one place cannot be told apart, others can", () => {
    const found = audit([...FINE, ...items("second", 1, 20)]).filter(({ kind }) => kind === "alike-grades");
    assert.equal(found.length, 1);
    const { found: what, items: ids, grade, other } = found[0]!;
    assert.match(what, /^second and reject can hardly be told apart: \d+ % right between the two/);
    assert.deepEqual([grade, other], ["second", "reject"]);
    assert.deepEqual([ids.length, /^second-/.test(ids[0]!), /^reject-/.test(ids[1]!)], [2, true, true]);
  });
});

describe("items of a grade", () => {
  test("few items are told with how many are missing, and a guess is a problem", () => {
    const found = audit([...FINE, ...items("second", 2, 4), ...items("juice", 3, 10)]);
    assert.deepEqual(
      found.map(({ kind, severity, grade, advice }) => [kind, severity, grade, advice.match(/enroll (\d+) more/)?.[1]]),
      [
        ["few-items", "problem", "second", "15"],
        ["few-items", "advice", "juice", "9"],
      ],
    );
    assert.deepEqual(
      found.map(({ items: ids }) => ids),
      [
        ["second-0", "second-1", "second-2", "second-3"],
        ["juice-0", "juice-1", "juice-2", "juice-3", "juice-4", "juice-5"],
      ],
      "some of them are shown",
    );
  });

  test("a single view among items of several, and views that are all alike, show one side", () => {
    const found = audit([...FINE, item("single", "sound", 0, 1), item("alike", "reject", 1, 4, 0.004)]);
    assert.deepEqual(
      found.map(({ kind, items: ids }) => [kind, ids[0]]),
      [
        ["one-sided", "single"],
        ["one-sided", "alike"],
      ],
    );
    assert.match(found[0]!.found, /has one view, others of this gallery have 4/);
  });

  test("where all items have one view nothing is said of it", () => {
    const single = [...Array(20).keys()].flatMap((i) => [item(`a${i}`, "sound", 0, 1), item(`b${i}`, "reject", 1, 1)]);
    assert.deepEqual(audit(single), []);
  });
});

describe("pictures", () => {
  const cases: [FindingKind, ViewQuality, RegExp, what?: string][] = [
    ["blurred", { ...GOOD, sharpness: 0.15 }, /test\/sound-2 blurred: detail 0\.15, usual in this gallery 0\.40/],
    ["cut-off", { ...GOOD, edge: 0.9 }, /cut off, or not told from its background: 90 % of one side/],
    ["exposure", { ...GOOD, bright: 30 }, /too dark: hardly anything is brighter than 12 %/, "too dark"],
    ["exposure", { ...GOOD, clipped: 0.4 }, /overexposed: 40 % of the fruit is white/, "too bright"],
  ];
  for (const [kind, bad, text, what = kind] of cases) {
    test(`${what}: told with the worst view where many views show it, not where one of many does`, () => {
      const found = audit(FINE, { "sound-2": [GOOD, bad, bad, bad] });
      assert.deepEqual([kinds(found), found[0]!.items, found[0]!.views], [[kind], ["sound-2"], [1]]);
      assert.match(found[0]!.found, /^3 of 4 views of /);
      assert.match(found[0]!.found, text);
      assert.equal(found[0]!.severity, "problem");
      assert.deepEqual(audit(FINE, { "sound-2": [bad, ...new Array<ViewQuality>(9).fill(GOOD)] }), []);
      const [some] = audit(FINE, { "sound-2": [bad, GOOD, GOOD] });
      assert.equal(some!.severity, "advice");
    });
  }

  test("pictures that are not kept are not judged", () => {
    const gallery = galleryOf(FINE, { ...MADE_MODEL, dimension: DIMENSION });
    assert.deepEqual(auditGallery(gallery, new Map(), { alpha: ALPHA }), []);
  });
});

test("only what is about new items is told of them, judged among all", () => {
  const twin = { ...FINE[3]!, id: "twin" };
  const references = [...FINE, twin, item("wrong", "sound", 1), ...items("second", 2, 4)];
  const seen = { twin: picturesOf("sound-3", 4) };
  assert.deepEqual(kinds(audit(references, seen, ["twin"])), ["duplicate"]);
  assert.deepEqual(kinds(audit(references, {}, ["wrong"])), ["mislabelled"]);
  assert.deepEqual(kinds(audit(references, {}, ["second-3"])), ["few-items"]);
  const alike = [...FINE, ...items("second", 1, 20)];
  for (const [one, is] of [
    ["second-7", true],
    ["reject-7", true],
    ["sound-7", false],
  ] as const) {
    assert.equal(kinds(audit(alike, {}, [one])).includes("alike-grades"), is, one);
  }
  assert.deepEqual(audit(references, {}, ["sound-0"]), []);
});
