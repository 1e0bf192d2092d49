import assert from "node:assert/strict";
import { test } from "node:test";
import { describeItem, describeItems } from "../../../device/grade/descriptors.ts";
import type { Reference } from "../../../device/grade/gallery.ts";
import { fitNovelty, type Novelty, noveltyDistance } from "../../../device/grade/novelty.ts";
import { flatten } from "../../../device/grade/references.ts";
import { NO_ITEM } from "../../../device/grade/search/distance.ts";
import { chord, direction, galleryOf, MADE_MODEL, referenceOf, unitRows } from "../../support/gallery-made.ts";
import { seededNormal } from "../../support/random.ts";

const PLANE = { ...MADE_MODEL, dimension: 2 };

function noveltyOf(references: readonly Reference[], alpha: number, model = PLANE): Novelty {
  return fitNovelty(describeItems(flatten(galleryOf(references, model))), model.dimension, alpha);
}

function distanceOf(rows: readonly (readonly number[])[], novelty: Novelty): number {
  const descriptor = new Float64Array(rows[0]!.length);
  describeItem(unitRows(rows), rows.length, descriptor);
  return noveltyDistance(Float32Array.from(descriptor), rows.length, novelty, NO_ITEM);
}

test("an item is as far as its mean is from the nearest item's mean", () => {
  const novelty = noveltyOf(
    [referenceOf("a", "sound", [direction(0)]), referenceOf("b", "reject", [direction(90)])],
    0.05,
  );
  assert.ok(Math.abs(distanceOf([direction(20), direction(40)], novelty) - chord(30)) < 1e-6);
  assert.ok(distanceOf([direction(90)], novelty) < 1e-3);
});

test("a gallery of one item takes a limit, and one without others is infinitely far", () => {
  const novelty = noveltyOf([referenceOf("a", "sound", [direction(0)])], 0.05);
  assert.ok(novelty.limit > 0.1 && novelty.limit < Math.SQRT2);
  assert.equal(noveltyDistance(Float32Array.of(1, 0), 1, novelty, 0), Number.POSITIVE_INFINITY);
});

test("an item that is no number is infinitely far", () => {
  const novelty = noveltyOf([referenceOf("a", "sound", [direction(0)])], 0.05);
  assert.equal(noveltyDistance(Float32Array.of(Number.NaN, 0), 1, novelty, NO_ITEM), Number.POSITIVE_INFINITY);
});

const D = 24;
const ROOM = { ...MADE_MODEL, dimension: D };

/** An item with its own look, and views that are shaken by much more than items differ. */
function shaken(views: number, normal: () => number): number[][] {
  const own = Array.from({ length: D }, (_, d) => (d === 0 ? 3 : 0.1 * normal()));
  return Array.from({ length: views }, () => own.map((value) => value + 0.35 * normal()));
}

function enrolled(views: number, seed: number): Reference[] {
  const normal = seededNormal(seed);
  return Array.from({ length: 60 }, (_, i) => referenceOf(String(i), "sound", shaken(views, normal)));
}

function shareBeyond(views: number, novelty: Novelty, seed: number): number {
  const normal = seededNormal(seed);
  const asked = Array.from({ length: 300 }, () => distanceOf(shaken(views, normal), novelty));
  return asked.filter((distance) => distance > novelty.limit).length / asked.length;
}

test("of further items about the share that was asked for lies beyond the limit", () => {
  for (const alpha of [0.1, 0.3]) {
    const share = shareBeyond(12, noveltyOf(enrolled(12, 3), alpha, ROOM), 4);
    // 60 items tell a share to some 4 %.
    assert.ok(share > alpha - 0.1 && share < alpha + 0.12, `${share} at ${alpha}`);
  }
});

test("items that were seen seldom are not called unknown for the noise of their few views", () => {
  const novelty = noveltyOf(enrolled(12, 5), 0.1, ROOM);
  const blind = { ...novelty, alike: 1 };
  for (const views of [1, 2, 4]) {
    assert.ok(shareBeyond(views, novelty, 6) < 0.3, `${views} views: ${shareBeyond(views, novelty, 6)}`);
  }
  assert.ok(shareBeyond(1, blind, 6) > 0.9);
});

test("how alike an item's views are is learnt from items with more than one", () => {
  const several = noveltyOf(enrolled(12, 7), 0.1, ROOM).alike;
  assert.ok(several > 0.6 && several < 0.9, String(several));
  assert.equal(noveltyOf(enrolled(1, 7), 0.1, ROOM).alike, 1);
});

test("views an angle apart are as alike as its cosine, however many; of opposite ones a little is left", () => {
  const pair = (degrees: number) => [referenceOf("a", "sound", [direction(0), direction(degrees)])];
  assert.ok(Math.abs(noveltyOf(pair(60), 0.1).alike - 0.5) < 1e-6);
  assert.ok(Math.abs(noveltyOf(pair(0), 0.1).alike - 1) < 1e-6);
  assert.equal(noveltyOf(pair(150), 0.1).alike, 0.05);
  // Three views: the mean of the three cosines. Two items: the mean of both.
  const three = referenceOf("b", "sound", [direction(0), direction(60), direction(60)]);
  assert.ok(Math.abs(noveltyOf([three], 0.1).alike - (0.5 + 0.5 + 1) / 3) < 1e-6);
  assert.ok(Math.abs(noveltyOf([...pair(60), three], 0.1).alike - (0.5 + 2 / 3) / 2) < 1e-6);
});
