import assert from "node:assert/strict";
import { test } from "node:test";
import { type CamerasLine, watchCameras } from "../../support/line-of-cameras.ts";

const MOUNTS: Pick<CamerasLine, "seenFrom" | "entries"> = {
  seenFrom: [{}, { mount: "upside-down", clockMs: 15 }, { mount: "mirrored", phaseMs: 21 }],
  entries: [{}, { direction: "left" }, { mirrored: true }],
};

test("three cameras of a belt, one upside down and one in a mirror, give one verdict for each fruit from all their views", async () => {
  const { items, missed, double } = await watchCameras({
    conveyor: "belt",
    offsetsMm: [0, 150, 500],
    items: 16,
    ...MOUNTS,
  });
  assert.deepEqual({ missed, double, verdicts: items.length }, { missed: 0, double: 0, verdicts: 16 });
  for (const { cameras, passed, crops, from, sides } of items) {
    assert.deepEqual(cameras, ["c0", "c1", "c2"]);
    assert.equal(from!.length, crops.length);
    assert.equal(passed.views, crops.length);
    assert.deepEqual([...new Set(from)], [0, 1, 2]);
    assert.ok(sides! > 0.8 && sides! < 0.9, `${sides} of the surface`);
  }
});

test("cups under three cameras that do not stand a whole number of pitches apart are joined by their number", async () => {
  const { items, missed, double } = await watchCameras({
    conveyor: "cups",
    offsetsMm: [0, 220, 305],
    items: 16,
    ...MOUNTS,
    lane: { minCameras: 3 },
  });
  assert.deepEqual({ missed, double }, { missed: 0, double: 0 });
  const fruit = items.filter(({ passed }) => passed.presence === "fruit");
  assert.ok(fruit.length > 10);
  for (const { cameras, decision } of fruit) {
    assert.deepEqual(cameras, ["c0", "c1", "c2"]);
    assert.equal(decision.reason, undefined);
  }
});

test("a fruit that fewer cameras see than the lane asks for gets the outcome of the configuration, with the reason", async () => {
  const { items } = await watchCameras({
    conveyor: "belt",
    offsetsMm: [0, 0],
    items: 5,
    // The second camera's part of the picture shows no belt with fruit on it.
    entries: [{}, { region: { x: 0, y: 0, w: 480, h: 20 } }],
    lane: { minCameras: 2, tooFew: "no-image" },
  });
  assert.ok(items.length >= 5);
  for (const { decision, cameras } of items) {
    assert.deepEqual(cameras, ["c0"]);
    assert.equal(decision.outcome, "no-image");
    assert.equal(decision.reason, "seen by c0 only, `minCameras` is 2");
  }
});

for (const who of [0, 1]) {
  test(`a camera of a belt that hangs upside down is named, and sees the lane turned round: camera ${who}`, async () => {
    const seenFrom = [{}, {}, {}].map((_, i) => (i === who ? { mount: "upside-down" } : {}));
    const { items, reasons, missed } = await watchCameras({
      conveyor: "belt",
      offsetsMm: [0, 150, 500],
      items: 18,
      seenFrom,
    });
    assert.deepEqual(
      reasons.map(({ code, camera, message }) => [code, camera, message.includes("upside down")]),
      [["camera-turned", `c${who}`, true]],
    );
    assert.equal(missed, 0);
    const late = items.slice(-6);
    for (const { cameras } of late) assert.deepEqual(cameras, ["c0", "c1", "c2"]);
  });
}

test("a camera of cups that hangs upside down is named and left out", async () => {
  const { items, reasons, missed, double } = await watchCameras({
    conveyor: "cups",
    offsetsMm: [0, 110],
    items: 50,
    seenFrom: [{ mount: "upside-down" }],
    more: { emptyCups: 0.2 },
  });
  assert.deepEqual(
    reasons.map(({ code, camera }) => [code, camera]),
    [["camera-turned", "c0"]],
  );
  assert.deepEqual({ missed, double }, { missed: 0, double: 0 });
  const fruit = items.slice(-15).filter(({ passed }) => passed.presence === "fruit");
  for (const { cameras } of fruit) assert.deepEqual(cameras, ["c1"]);
});
