import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import { countAround } from "../../../device/vision/count-around.ts";
import { Drift } from "../../../device/vision/drift.ts";
import { isCovered, matchPlaces, YOUNG } from "../../../device/vision/match.ts";
import { FramePace } from "../../../device/vision/pace.ts";
import type { Piece } from "../../../device/vision/piece.ts";
import { emptyPlace, LaneAxis, type Place } from "../../../device/vision/place.ts";
import { travelInTheDark } from "../../../device/vision/return.ts";
import { Track, upperQuantile } from "../../../device/vision/track.ts";
import { Troubles } from "../../../device/vision/trouble.ts";
import { lane } from "../../support/vision-belt.ts";

/** A whole fruit of 40 pixels. */
function place(along: number, changes: Partial<Place> = {}): Place {
  return { ...emptyPlace(), along, across: 50, front: along + 20, rear: along - 20, width: 40, ...changes };
}

/** A fruit that was seen whole so often that it is known. */
function known(along: number, across = 50): Track {
  const track = new Track(place(along, { across }), 20, 100, 0, true);
  for (let look = 0; look < YOUNG; look++) track.follow(place(along, { across }), 0, 0.04, 1000);
  track.measure(20, 20, 40);
  return track;
}

describe("the pace of frames", () => {
  const step = (pace: FramePace, seq: number, ms: number) => pace.step({ seq, exposedAt: ms * 1000 } as Frame);

  test("a lost frame counts as a longer step, not as another rate", () => {
    const pace = new FramePace();
    step(pace, 4, 0);
    assert.deepEqual([pace.advance, pace.elapsedS, pace.intervalS], [0, 0, 0]);
    step(pace, 5, 40);
    assert.deepEqual([pace.advance, pace.elapsedS, pace.intervalS], [1, 0.04, 0.04]);
    step(pace, 8, 160);
    assert.deepEqual([pace.advance, pace.elapsedS], [3, 0.12]);
    assert.ok(Math.abs(pace.intervalS - 0.04) < 1e-12);
  });

  test("one odd gap moves the usual interval by a tenth of twice or half of it at most", () => {
    const pace = new FramePace();
    step(pace, 0, 0);
    step(pace, 1, 40);
    step(pace, 2, 5040);
    assert.ok(Math.abs(pace.intervalS - 0.044) < 1e-12, String(pace.intervalS));
    step(pace, 3, 5041);
    assert.ok(Math.abs(pace.intervalS - (0.044 - 0.0022)) < 1e-12, String(pace.intervalS));
  });

  test("a source that begins to count anew, or whose times go back, takes one usual step", () => {
    const pace = new FramePace();
    step(pace, 10, 0);
    step(pace, 11, 40);
    step(pace, 0, 80);
    assert.deepEqual([pace.advance, pace.elapsedS], [1, 0.04]);
    step(pace, 2, 60);
    assert.deepEqual([pace.advance, pace.elapsedS], [2, 0.08]);
  });
});

describe("a lane's axis", () => {
  const grid = { roi: { x: 10, y: 5, w: 100, h: 60 }, step: 2, cols: 50, rows: 30 };
  const box = { x: 30, y: 20, w: 16, h: 12 };

  test("runs from the entry edge, whichever way the lane runs, and turns around where fruit do", () => {
    const right = new LaneAxis(lane(), grid);
    assert.deepEqual([right.along(30), right.front(box), right.rear(box)], [20, 36, 20]);
    for (const left of [new LaneAxis(lane({ direction: "left" }), grid), new LaneAxis(lane(), grid, true)]) {
      assert.deepEqual([left.along(30), left.front(box), left.rear(box)], [80, 80, 64]);
    }
    assert.deepEqual([right.lengthPx, right.lastWholePx], [100, 98]);
  });

  test("a box is whole with two pixels of conveyor on each side", () => {
    const axis = new LaneAxis(lane(), grid);
    const whole = { x: 12, y: 7, w: 96, h: 56 };
    assert.equal(axis.isWhole(whole), true);
    for (const cut of [
      { ...whole, x: 11 },
      { ...whole, y: 6 },
      { ...whole, w: 97 },
      { ...whole, h: 57 },
      { ...whole, w: 0 },
    ]) {
      assert.equal(axis.isWhole(cut), false, JSON.stringify(cut));
    }
  });

  test("a piece has its place in pixels, and says at which edges it is cut", () => {
    const axisPlace = (axis: LaneAxis, of: object, out: Place) => axis.place(of as Piece, out);
    const piece = { left: 0, right: 8, top: 3, bottom: 9, cx: 4, cy: 6 };
    const out = emptyPlace();
    axisPlace(new LaneAxis(lane(), grid), piece, out);
    const cut = { cutEntry: true, cutExit: false, cutSide: false };
    assert.deepEqual(out, { along: 8, across: 12, front: 16, rear: 0, width: 12, ...cut });
    axisPlace(new LaneAxis(lane({ direction: "left" }), grid), { ...piece, top: 0 }, out);
    assert.deepEqual(out, {
      along: 92,
      across: 12,
      front: 100,
      rear: 84,
      width: 18,
      cutEntry: false,
      cutExit: true,
      cutSide: true,
    });
    axisPlace(new LaneAxis(lane(), grid), { ...piece, left: 42, right: 50, bottom: 30 }, out);
    assert.deepEqual([out.cutEntry, out.cutExit, out.cutSide], [false, true, true]);
  });
});

describe("places and tracks", () => {
  const match = (tracks: readonly Track[], places: readonly Place[]) => {
    const trackOf = new Int32Array(places.length + 1).fill(7);
    matchPlaces(tracks, places, places.length, 20, trackOf);
    return [...trackOf.subarray(0, places.length)];
  };

  test("the nearest find each other first, each once; what is too far along or across is another fruit", () => {
    const tracks = [known(100), known(140), known(300)];
    assert.deepEqual(match(tracks, [place(139), place(104)]), [1, 0]);
    // Both places lie near the first, one nearer.
    assert.deepEqual(match([known(100)], [place(110), place(97)]), [-1, 0]);
    // 0.48 of its length of 40 along, 0.6 across.
    assert.deepEqual([match([known(100)], [place(119)]), match([known(100)], [place(120)])], [[0], [-1]]);
    assert.deepEqual(
      [match([known(100)], [place(100, { across: 73 })]), match([known(100)], [place(100, { across: 75 })])],
      [[0], [-1]],
    );
    assert.deepEqual(match([], [place(10)]), [-1]);
  });

  test("a place on a fruit that is followed is no new one: a part of it, or it together with another", () => {
    const tracks = [known(100)];
    assert.equal(isCovered(tracks, place(110, { front: 125, rear: 95 })), true);
    // 0.4 of its own length is the limit.
    assert.equal(isCovered(tracks, place(124, { front: 144, rear: 104.1 })), false);
    assert.equal(isCovered(tracks, place(124, { front: 144, rear: 103.9 })), true);
    assert.equal(isCovered(tracks, place(100, { across: 91 })), false);
    assert.equal(isCovered(tracks, place(100, { across: 89 })), true);
  });

  test("a fruit's size is near the largest of its views", () => {
    assert.equal(upperQuantile([]), undefined);
    assert.equal(upperQuantile([7]), 7);
    assert.equal(upperQuantile([1, 9, 3, 5, 7]), 7);
  });

  test("things that move backward five times more than forward show the way; cut ones and standing ones say nothing", () => {
    const moved = (by: number, changes: Partial<Place> = {}, looks = 7) => {
      const drift = new Drift();
      for (let look = 0; look < looks; look++) drift.look([place(200 + by * look, changes)], 1, 400);
      return drift.backward;
    };
    assert.equal(moved(-10), true);
    assert.equal(moved(-10, {}, 5), false);
    assert.equal(moved(10), false);
    assert.equal(moved(-1), false);
    for (const cut of [{ cutEntry: true }, { cutExit: true }, { cutSide: true }]) assert.equal(moved(-10, cut), false);
    // Farther than 0.6 of its length it is another thing.
    assert.equal(moved(-25), false);
    const drift = new Drift();
    for (let look = 0; look < 7; look++) drift.look([place(200 - 10 * look)], 1, 400);
    drift.clear();
    assert.equal(drift.backward, false);
  });

  test("after a dark time the belt has gone as far as most fruit say", () => {
    const stood = [300, 200, 120];
    const tracks = stood.map((along) => known(along));
    const travel = (places: readonly Place[]) => travelInTheDark(tracks, stood, 80, places, places.length, 1000);
    assert.equal(travel(stood.map((along) => place(along + 80))), 80);
    assert.equal(travel(stood.map((along) => place(along))), 0);
    assert.ok(Math.abs(travel(stood.map((along) => place(along + 33))) - 33) < 1e-9);
    // Nothing is to be seen: it has gone as far as its speed says.
    assert.equal(travel([]), 80);
  });
});

test("a mask's cell becomes one where enough of the nine around it are, those beyond the edge as at the edge", () => {
  const mask = Uint8Array.from([0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1]);
  const around = (least: number, from = 0, to = 3) => {
    const out = new Uint8Array(12).fill(9);
    countAround(mask, 4, 3, from, to, least, out);
    return [...out];
  };
  assert.deepEqual(around(1), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(around(5), [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1]);
  assert.deepEqual(around(9), new Array(12).fill(0));
  assert.deepEqual(around(1, 1, 2), [9, 9, 9, 9, 1, 1, 1, 1, 9, 9, 9, 9]);
});

test("a trouble is told when it has stood for its time, and over when it was away for its hold", () => {
  const troubles = new Troubles();
  const kinds = () => troubles.list.map(({ kind, since }) => [kind, since]);
  troubles.found("dark", 100, 300, "dark", "lamp");
  troubles.found("dark", 399, 300, "dark", "lamp");
  assert.deepEqual(kinds(), []);
  troubles.found("dark", 400, 300, "dark now", "lamp");
  assert.deepEqual(troubles.list, [{ kind: "dark", since: 100, message: "dark now", hint: "lamp" }]);
  const before = troubles.list;
  troubles.found("dark", 500, 300, "other words", "lamp");
  assert.equal(troubles.list, before);
  troubles.gone("dark", 1499, 1000);
  assert.deepEqual(kinds(), [["dark", 100]]);
  troubles.gone("dark", 1500, 1000);
  assert.deepEqual(kinds(), []);
  // One that was never told goes at once, and times that go back end it.
  troubles.found("blind", 2000, 300, "", "");
  troubles.gone("blind", 2001, 1000);
  troubles.found("blind", 2400, 300, "", "");
  assert.deepEqual(kinds(), []);
  troubles.found("torn", 3000, 0, "", "");
  troubles.found("frozen", 2900, 0, "", "");
  assert.deepEqual(kinds(), [
    ["frozen", 2900],
    ["torn", 3000],
  ]);
  troubles.gone("torn", 2000, 1000);
  assert.deepEqual(kinds(), [["frozen", 2900]]);
});
