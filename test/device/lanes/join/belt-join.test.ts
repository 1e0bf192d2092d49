import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JoinedItem } from "../../../../device/lanes/join/track.ts";
import { type BeltScene, joinOf, play, type SceneCamera, score } from "../../../support/belt-seen.ts";

function camera(offsetMm: number, more: Partial<SceneCamera> = {}): SceneCamera {
  return { offsetMm, lengthMm: 740, fps: 30, ...more };
}

function outcome(scene: BeltScene) {
  const { joined, join } = play(scene);
  return { ...score(scene, joined), findings: join.findings(), open: join.open, joined };
}

describe("fruit that several cameras see on a belt", () => {
  for (const count of [2, 3, 4]) {
    for (const apartMm of [0, 200, 600]) {
      test(`${count} cameras ${apartMm} mm apart: one item each, of all cameras`, () => {
        const cameras = Array.from({ length: count }, (_, i) => camera(i * apartMm, { fps: i % 2 === 0 ? 30 : 60 }));
        const scene = { cameras, fruit: 300, seed: 10 + count + apartMm };
        const { missed, double, wrong, cameras: tracks, open } = outcome(scene);
        assert.deepEqual(
          { missed, double, wrong, tracks, open },
          { missed: 0, double: 0, wrong: 0, tracks: 300 * count, open: 0 },
        );
      });
    }
  }

  test("a third that touch, clocks 20 ms apart, a belt whose speed swings by a quarter: nothing is joined wrongly", () => {
    const cameras = [camera(0), camera(300, { clockMs: () => 20, fps: 60 }), camera(600, { clockMs: () => -20 })];
    const scene = { cameras, fruit: 1000, seed: 3, touching: 0.33, swing: 0.25 };
    const { missed, double, wrong, joins } = outcome(scene);
    assert.deepEqual({ missed, double, wrong }, { missed: 0, double: 0, wrong: 0 });
    assert.ok(joins > 1990, `${joins} joins`);
  });

  test("a fruit that one camera misses is an item of the others, and no neighbour's", () => {
    const cameras = [camera(0, { misses: 0.1 }), camera(100, { misses: 0.1 }), camera(400, { misses: 0.1 })];
    const scene = { cameras, fruit: 1000, seed: 5, touching: 0.3 };
    const { double, wrong, missed } = outcome(scene);
    assert.deepEqual({ double, wrong }, { double: 0, wrong: 0 });
    // One in a thousand is missed by all three.
    assert.ok(missed <= 4, `${missed} missed`);
  });

  test("a fruit that one camera sees double is one item", () => {
    const cameras = [camera(0, { doubles: 0.1 }), camera(0), camera(300, { doubles: 0.1 })];
    const { missed, double, wrong } = outcome({ cameras, fruit: 600, seed: 6 });
    assert.deepEqual({ missed, double, wrong }, { missed: 0, double: 0, wrong: 0 });
  });

  test("a camera that dies holds nothing up, and is joined again when it is back", () => {
    const works = (t: number) => t < 20 || t > 30;
    const cameras = [camera(0), camera(200, { works })];
    const { missed, double, wrong, joined } = outcome({ cameras, fruit: 400, seed: 7 });
    assert.deepEqual({ missed, double, wrong }, { missed: 0, double: 0, wrong: 0 });
    const of = (from: number, to: number) =>
      joined.filter(({ atS }) => atS > from && atS < to).map(({ item }) => item.tracks.length);
    assert.ok(of(22, 29).every((count) => count === 1));
    assert.ok(of(33, 60).every((count) => count === 2));
  });

  test("when the first camera dies the others go on", () => {
    const cameras = [camera(0, { works: (t) => t < 20 }), camera(200), camera(200)];
    const { missed, double, wrong } = outcome({ cameras, fruit: 400, seed: 8 });
    assert.deepEqual({ missed, double, wrong }, { missed: 0, double: 0, wrong: 0 });
  });
});

describe("what the fruit say of the cameras", () => {
  test("a clock that runs away by 50 ms is followed and told", () => {
    const cameras = [camera(0), camera(0, { clockMs: (t) => Math.min(50, t) })];
    const { missed, double, wrong, findings } = outcome({ cameras, fruit: 500, seed: 9 });
    assert.deepEqual({ missed, double, wrong }, { missed: 0, double: 0, wrong: 0 });
    assert.equal(findings.length, 1);
    assert.deepEqual([findings[0]!.camera, findings[0]!.kind], [1, "clock"]);
    assert.ok(Math.abs(findings[0]!.ms - 50) < 4, `${findings[0]!.ms} ms`);
  });

  test("a clock that is 50 ms off from the start, and one of 120 ms, are found", () => {
    for (const off of [50, -50, 120]) {
      const cameras = [camera(0), camera(300, { clockMs: () => off })];
      const { findings, joined } = outcome({ cameras, fruit: 400, seed: 11 });
      assert.equal(findings[0]?.kind, "clock", `${off} ms`);
      assert.ok(Math.abs(findings[0]!.ms - off) < 4, `${findings[0]!.ms} for ${off} ms`);
      const late = joined.slice(100);
      assert.ok(late.every(({ item }) => item.tracks.length === 2));
    }
  });

  test("clocks that agree are not spoken of", () => {
    const cameras = [camera(0), camera(300, { clockMs: () => 4 }), camera(600)];
    assert.deepEqual(outcome({ cameras, fruit: 300, seed: 12 }).findings, []);
  });

  test("a camera that stands elsewhere than configured, as where two are in the wrong order, is found and left out", () => {
    const cameras = [camera(0), camera(600, { wrongMm: -500 })];
    const { findings, joined } = outcome({ cameras, fruit: 400, seed: 13 });
    assert.deepEqual([findings[0]?.camera, findings[0]?.kind], [1, "place"]);
    assert.ok(Math.abs(findings[0]!.mm + -500) < 20 || Math.abs(findings[0]!.mm - 500) < 20, `${findings[0]!.mm} mm`);
    const late = joined.slice(150);
    assert.ok(late.every(({ item }) => item.tracks.every(({ camera: of }) => of === 0)));
  });

  test("a camera that sees another lane is found and makes no items", () => {
    const cameras = [camera(0), camera(0), camera(200, { strange: true })];
    const { findings, joined } = outcome({ cameras, fruit: 400, seed: 14 });
    assert.deepEqual(
      findings.map((each) => [each.camera, each.kind]),
      [[2, "stranger"]],
    );
    const late = joined.slice(120);
    assert.ok(late.every(({ fruit }) => fruit.every((each) => each >= 0)));
  });

  test("where the first of three cameras sees another lane, it is named and not the two that agree", () => {
    const cameras = [camera(0, { strange: true }), camera(0), camera(200)];
    const { findings, joined } = outcome({ cameras, fruit: 400, seed: 14 });
    assert.deepEqual(
      findings.map((each) => [each.camera, each.kind]),
      [[0, "stranger"]],
    );
    const late = joined.slice(120);
    assert.ok(late.length > 200);
    assert.ok(late.every(({ fruit }) => fruit.length === 2 && fruit[0] === fruit[1] && fruit[0]! >= 0));
  });

  test("a camera that sees none of the fruit is told", () => {
    const cameras = [camera(0), camera(0, { misses: 1 })];
    assert.deepEqual(outcome({ cameras, fruit: 100, seed: 15 }).findings, [{ camera: 1, kind: "blind", ms: 0, mm: 0 }]);
  });
});

test("an item whose gate is near is taken without the cameras that have not seen it yet; what they see of it later makes no other", () => {
  const scene = { cameras: [camera(0), camera(700)], fruit: 60, seed: 16, touching: 0 };
  const join = joinOf(scene);
  const early: JoinedItem[] = [];
  const { ready } = join;
  let now = 0;
  const { frame } = join;
  join.frame = (of, seq, at) => {
    now = at;
    frame.call(join, of, seq, at);
  };
  // The gate is 400 mm behind the last camera: so long before it the second has not seen the fruit yet.
  join.ready = () => {
    const due = join.due(now, 1_400_000);
    early.push(...due);
    return [...due, ...ready.call(join)];
  };
  const { joined } = play(scene, join);
  const { double, missed, wrong } = score(scene, joined);
  assert.deepEqual({ missed, double, wrong }, { missed: 0, double: 0, wrong: 0 });
  assert.ok(early.length > 40, `${early.length} early`);
});
