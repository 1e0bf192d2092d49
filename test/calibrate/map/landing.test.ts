import assert from "node:assert/strict";
import { test } from "node:test";
import { landingsOf } from "../../../calibrate/map/landing.ts";
import { layOut } from "../../../calibrate/map/layout.ts";
import type { MapPoint, PointKind } from "../../../calibrate/map/points.ts";
import { chord, direction } from "../../support/gallery-made.ts";

function point(kind: PointKind, grade: string, degrees: number): MapPoint {
  const embedding = Float32Array.from(direction(degrees));
  return { name: `${degrees}`, item: {}, grade, kind, embedding, crop: async () => undefined };
}

const ENROLLED = [
  point("reference", "sound", 0),
  point("reference", "sound", 4),
  point("reference", "reject", 90),
  point("reference", "reject", 94),
];

test("a new grade is told by what it is nearest to, how far, and how far its items are from each other", () => {
  const [landing] = landingsOf([
    ...ENROLLED,
    point("new", "juice", 30),
    point("new", "juice", 32),
    point("new", "juice", 80),
  ]);
  assert.deepEqual([landing!.grade, landing!.items], ["juice", 3]);
  assert.deepEqual(landing!.nearest, [
    { grade: "sound", items: 2 },
    { grade: "reject", items: 1 },
  ]);
  // 26, 28 and 10 degrees from the nearest; 2, 2 and 48 from each other; 4 within a grade.
  for (const [found, degrees] of [
    [landing!.distance, 26],
    [landing!.within!, 2],
    [landing!.usual!, 4],
  ] as const) {
    assert.ok(Math.abs(found - chord(degrees)) < 1e-6);
  }
});

test("a single new item has none beside it, a single reference no usual distance", () => {
  const [landing] = landingsOf([ENROLLED[0]!, point("new", "juice", 30)]);
  assert.deepEqual([landing!.within, landing!.usual], [null, null]);
  assert.deepEqual(landingsOf(ENROLLED), []);
  assert.throws(() => landingsOf([point("new", "juice", 30)]), { code: "GALLERY_EMPTY" });
});

test("what is not enrolled does not turn the plane", () => {
  const alone = layOut(ENROLLED, 2, false, 1);
  const more = layOut([...ENROLLED, point("new", "juice", 200), point("item", "sound", 2)], 2, false, 1);
  assert.deepEqual([...more.places.subarray(0, 8)], [...alone.places]);
  assert.deepEqual(more.explained, alone.explained);
  // An item of 2 degrees lies between those of 0 and of 4.
  const [x, low, high] = [more.places[10]!, more.places[0]!, more.places[2]!];
  assert.ok(x > Math.min(low, high) && x < Math.max(low, high));
});

test("UMAP is the same for the same seed, wants some references, and keeps neighbours together", () => {
  const some = [0, 1, 2, 3, 4, 5].flatMap((i) => [
    point("reference", "sound", i),
    point("reference", "reject", 120 + i),
  ]);
  const first = layOut([...some, point("new", "juice", 121)], 2, true, 3);
  assert.deepEqual(layOut([...some, point("new", "juice", 121)], 2, true, 3), first);
  assert.equal(first.explained, null);
  const at = (i: number): [number, number] => [first.places[i * 2]!, first.places[i * 2 + 1]!];
  const nearest = some
    .map(({ grade }, i) => ({ grade, far: Math.hypot(at(i)[0] - at(12)[0], at(i)[1] - at(12)[1]) }))
    .sort((a, b) => a.far - b.far);
  assert.equal(nearest[0]!.grade, "reject");
  assert.throws(() => layOut(ENROLLED, 2, true, 1), { code: "GALLERY_EMPTY" });
});
