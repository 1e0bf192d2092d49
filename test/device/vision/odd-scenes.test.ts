import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import { assertEachOnce, fruit, LENGTH_MM, lane, play, SPEED, STEP_MM } from "../../support/vision-belt.ts";
import { type Body, frameOf, GREEN, paint, RED, SCENE, START, YELLOW } from "../../support/vision-painter.ts";

const INTERVAL_US = 40_000;

test("on a belt that stands the time to the gate goes by the configured speed, and is never endless", () => {
  const stop = 14;
  const body = fruit(-40);
  const { items } = play([body], { frames: 90, travelMm: (seq) => Math.min(seq, stop) * STEP_MM });
  assert.equal(items.length, 1);
  const restMm = LENGTH_MM + 300 - (body.x + stop * STEP_MM);
  const gateAt = START + 89 * INTERVAL_US + (restMm / SPEED) * 1e6;
  assert.ok(Math.abs(items[0]!.gateAt - gateAt) < 30_000, `off by ${items[0]!.gateAt - gateAt} us`);
});

test("a fruit that is taken off a belt that stands is told about two seconds later, once, with its views", () => {
  const [stop, taken] = [14, 20];
  const [gone, next] = [fruit(-20), fruit(-120, { colour: GREEN })];
  const played = play([], {
    frames: 80,
    finish: false,
    bodies: (seq) => {
      const moved = [gone, next].map((body) => ({ ...body, x: body.x + Math.min(seq, stop) * STEP_MM }));
      return seq < taken ? moved : moved.slice(1);
    },
  });
  assert.deepEqual(
    played.items.map(({ item, presence, views }) => [item, presence, views]),
    [[1, "fruit", played.views.filter((view) => view.item === 1).length]],
  );
  assert.ok(played.toldAt[0]! > taken + 40 && played.toldAt[0]! <= taken + 50, `told in frame ${played.toldAt[0]}`);
});

test("a fruit a little smaller or larger than the range counts, one by a fifth does not", () => {
  const range = lane({ fruitMm: { min: 60, max: 90 } });
  const of = (diameterMm: number) => {
    const half = diameterMm / 2;
    return play([fruit(-50, { rx: half, ry: half })], { frames: 42, lane: range }).items;
  };
  for (const counts of [60 * 0.95, 90 * 1.05]) {
    const items = of(counts);
    assert.deepEqual(
      items.map(({ presence }) => presence),
      ["fruit"],
      `${counts} mm`,
    );
    assert.ok(Math.abs(items[0]!.sizeMm! / counts - 1) < 0.04, `${items[0]!.sizeMm} instead of ${counts} mm`);
  }
  assert.deepEqual(of(60 * 0.8), []);
  assert.deepEqual(
    of(90 * 1.2).map(({ presence }) => presence),
    ["foreign"],
  );
});

test("an oval fruit that rolls has the size of its long side, also where it mostly shows the short one", () => {
  // Seen from above, an ellipsoid that rolls about the axis across: its length along goes up and down.
  for (const [long, short] of [
    [42, 31],
    [38, 34],
  ] as const) {
    const rolling = (seq: number): Body => {
      const angle = seq * 0.45;
      const rx = Math.hypot(long * Math.cos(angle), short * Math.sin(angle));
      return fruit(-50 + seq * STEP_MM, { rx, ry: short });
    };
    const played = play([], { frames: 42, bodies: (seq) => [rolling(seq)] });
    assertEachOnce(played, 1);
    const size = played.items[0]!.sizeMm!;
    assert.ok(size > 2 * long * 0.93 && size < 2 * long * 1.03, `${size} mm of ${2 * long}`);
  }
});

test("a fruit that pauses ten frames while the belt goes on is one item, and so are those that pass it", () => {
  const held = (seq: number) => Math.min(seq, 13) + Math.max(0, seq - 23);
  const others = [-40, -330, -430].map((x, i) => fruit(x, { y: 35, rx: 24, ry: 22, colour: [GREEN, RED, YELLOW][i]! }));
  const one = fruit(-20, { y: 120, rx: 26, ry: 24 });
  const played = play([], {
    frames: 75,
    bodies: (seq) => [
      { ...one, x: one.x + held(seq) * STEP_MM },
      ...others.map((body) => ({ ...body, x: body.x + seq * STEP_MM })),
    ],
  });
  assertEachOnce(played, 4);
});

test("neighbours stay who they are where frames in between are lost", () => {
  const bodies = Array.from({ length: 8 }, (_, i) => fruit(-40 - 80 * i, { colour: i % 2 === 0 ? RED : GREEN }));
  for (const lost of [2, 3, 4]) {
    const played = play(bodies, {
      frames: 70,
      change: (frame) => (frame.seq > 14 && frame.seq % 11 < lost ? undefined : frame),
    });
    assertEachOnce(played, 8);
    for (const { item, crop, seq } of played.views) {
      const middle = (24 * 48 + 24) * 3;
      const red = crop[middle]! > crop[middle + 1]!;
      assert.equal(red, item % 2 === 1, `item ${item} in frame ${seq}, ${lost} lost`);
    }
  }
});

/** A frame whose every pixel is one colour, with a little noise. */
function covered(frame: Frame): Frame {
  const data = frame.data.slice();
  for (let i = 0; i < data.length; i += 3) {
    const grain = (i * 7) % 5;
    data[i] = 190 + grain;
    data[i + 1] = 140 + grain;
    data[i + 2] = 120 + grain;
  }
  return { ...frame, data };
}

test("while something covers the camera nothing is counted, and it is told; what is in view afterwards counts once", () => {
  const bodies = [fruit(-40), fruit(-900, { colour: GREEN }), fruit(-1000)];
  const told: string[][] = [];
  const played = play(bodies, {
    frames: 95,
    change: (frame) => (frame.seq >= 36 && frame.seq < 56 ? covered(frame) : frame),
    after: ({ report }) => void told.push(report.troubles.map(({ kind }) => kind)),
  });
  assert.deepEqual([told[35], told[50]], [[], ["blind"]]);
  assert.deepEqual(
    played.toldAt.filter((seq) => seq >= 36 && seq < 56),
    [],
  );
  assertEachOnce(played, 3);
  assert.ok(Math.abs(played.follower.report.blindUs - 20 * INTERVAL_US) <= INTERVAL_US);
});

test("a belt that is changed for one of another colour is learnt, and fruit on it are each one item of the right size", () => {
  const scene = { ...SCENE, belt: [60, 120, 70] as const };
  const bodies = [fruit(-40), fruit(-2500), fruit(-2620, { colour: YELLOW }), fruit(-2740)];
  const played = play(bodies, {
    frames: 180,
    change: (frame) => {
      if (frame.seq < 40) return frame;
      const moved = bodies.map((body) => ({ ...body, x: body.x + frame.seq * STEP_MM }));
      return frameOf(scene, frame.seq, paint(scene, moved, frame.seq), INTERVAL_US);
    },
  });
  assertEachOnce(played, 4);
  for (const { sizeMm } of played.items) assert.ok(Math.abs(sizeMm! / 70 - 1) < 0.05, `${sizeMm} mm`);
});
