import assert from "node:assert/strict";
import { test } from "node:test";
import { createFollower } from "../../../device/vision/create-follower.ts";
import type { ItemPassed } from "../../../device/vision/follower.ts";
import {
  assertEachOnce,
  CROP,
  fruit,
  INTERVAL_US,
  LENGTH_MM,
  lane,
  play,
  SPEED,
  STEP_MM,
} from "../../support/vision-belt.ts";
import {
  type Body,
  frameOf,
  GREEN,
  paint,
  RED,
  SCENE,
  type Scene,
  START,
  YELLOW,
} from "../../support/vision-painter.ts";

/** Frames in which a body lies whole in view, with two pixels to spare. */
function wholeFrames(body: Body): number[] {
  const rim = 2 * SCENE.mmPerPx;
  const frames: number[] = [];
  for (let seq = 0; seq < 200; seq++) {
    const x = body.x + seq * STEP_MM;
    if (x - body.rx >= rim && x + body.rx <= LENGTH_MM - rim) frames.push(seq);
  }
  return frames;
}

test("a fruit that crosses is one item, with a view from every frame in which it is whole, told with the last", () => {
  const body = fruit(-40);
  const played = play([body], { frames: 40 });
  assertEachOnce(played, 1);
  const whole = wholeFrames(body);
  assert.deepEqual(
    played.views.map((view) => view.seq),
    whole,
  );
  assert.deepEqual(played.toldAt, [whole.at(-1)]);
});

test("the size is the fruit's larger diameter, the gate time that of its centre at the gate", () => {
  const body = fruit(-40, { rx: 30, ry: 36 });
  const { items } = play([body], { frames: 40 });
  assert.ok(Math.abs(items[0]!.sizeMm! / 72 - 1) < 0.03, `size ${items[0]!.sizeMm}`);
  const gateAt = START + ((LENGTH_MM + 300 - body.x) / SPEED) * 1e6;
  assert.ok(Math.abs(items[0]!.gateAt - gateAt) < 10_000, `off by ${items[0]!.gateAt - gateAt} us`);
});

test("fruit on a belt that runs to the left are followed alike", () => {
  const body = fruit(-40);
  const played = play([body], {
    frames: 40,
    scene: { ...SCENE, mirrored: true },
    lane: lane({ direction: "left" }),
  });
  assertEachOnce(played, 1);
  assert.deepEqual(
    played.views.map((view) => view.seq),
    wholeFrames(body),
  );
  assert.ok(played.views[0]!.box.x > played.views.at(-1)!.box.x);
});

test("fruit that touch are two items, and neither crop shows the other", () => {
  const played = play([fruit(-40), fruit(-110, { colour: GREEN })], { frames: 45 });
  assertEachOnce(played, 2);
  const [first, second] = [1, 2].map((item) => played.views.filter((view) => view.item === item));
  assert.ok(first!.length >= 20 && second!.length >= 20);
  for (const view of played.views) {
    let red = 0;
    let green = 0;
    for (let p = 0; p < view.crop.length; p += 3) {
      const difference = view.crop[p]! - view.crop[p + 1]!;
      if (difference > 25) red++;
      if (difference < -15) green++;
    }
    const [own, other] = view.item === 1 ? [red, green] : [green, red];
    assert.ok(own > 1000, `frame ${view.seq} shows ${own} pixels of the fruit`);
    assert.ok(other <= 12, `frame ${view.seq} shows ${other} pixels of the neighbour`);
  }
});

test("a run of touching fruit of many shapes is counted one by one", () => {
  const bodies = [
    fruit(-40, { rx: 36, ry: 30 }),
    fruit(-104, { rx: 28, ry: 40, colour: YELLOW }),
    fruit(-160, { rx: 28, ry: 27, colour: YELLOW }),
    fruit(-228, { rx: 40, ry: 33, colour: GREEN }),
    fruit(-304, { rx: 36, ry: 36 }),
  ];
  assertEachOnce(play(bodies, { frames: 55 }), 5);
});

test("frames that are lost or incomplete make no item double and none missed", () => {
  const bodies = Array.from({ length: 8 }, (_, i) => fruit(-40 - i * (i % 3 === 0 ? 72 : 95)));
  const sorted = bodies.map((body, i) => ({ ...body, x: -40 - i * 90, colour: [RED, GREEN, YELLOW][i % 3]! }));
  for (const salt of [1, 2, 3]) {
    const played = play(sorted, {
      frames: 75,
      change: (frame) => {
        const dice = (Math.imul(frame.seq + 7 * salt, 2654435761) >>> 24) / 256;
        if (dice < 0.15) return undefined;
        return dice < 0.3 ? { ...frame, status: "incomplete", data: new Uint8Array(frame.data.length) } : frame;
      },
    });
    assertEachOnce(played, 8);
  }
});

test("a fruit that is out of sight while the lamp is off is still one item", () => {
  const played = play([fruit(-40), fruit(-150)], {
    frames: 50,
    light: (seq) => (seq >= 12 && seq < 18 ? 0.02 : 1),
  });
  assertEachOnce(played, 2);
});

test("a fruit that came in and crossed while no frame was complete has no image", () => {
  const body = fruit(-40);
  const first = wholeFrames(body)[0]!;
  const { items, views } = play([body], {
    frames: 40,
    change: (frame) => (frame.seq < first ? frame : { ...frame, status: "incomplete" }),
  });
  assert.equal(views.length, 0);
  assert.equal(items.length, 1);
  assert.equal(items[0]!.presence, "no-image");
  assert.equal(items[0]!.sizeMm, undefined);
});

test("started with the line running, each fruit in view is one item, but for the one that is leaving", () => {
  const bodies = [fruit(LENGTH_MM - 10), fruit(380), fruit(250, { colour: YELLOW }), fruit(150), fruit(30), fruit(-60)];
  const played = play(bodies, { frames: 45 });
  assertEachOnce(played, 5);
  assert.equal(played.views.filter((view) => view.seq === 0).length, 3);
});

test("a belt that stands still shows nothing new, and its fruit are counted once when it goes on", () => {
  const travelMm = (seq: number): number => (seq < 12 ? seq : seq < 60 ? 12 : seq - 48) * STEP_MM;
  const played = play([fruit(-40), fruit(-130, { colour: GREEN })], { frames: 100, travelMm });
  assertEachOnce(played, 2);
  const standing = played.views.filter((view) => view.seq > 20 && view.seq < 60);
  assert.ok(standing.length <= 2, `${standing.length} views of a belt that stands`);
});

test("a belt somewhat slower or faster than configured is followed, and the gate time goes by its real speed", () => {
  for (const factor of [0.85, 1.15]) {
    const bodies = Array.from({ length: 6 }, (_, i) => fruit(-40 - i * 100));
    const played = play(bodies, { frames: 75, travelMm: (seq) => seq * STEP_MM * factor });
    assertEachOnce(played, 6);
    const gateAt = START + ((LENGTH_MM + 300 - bodies[5]!.x) / (SPEED * factor)) * 1e6;
    const error = played.items.at(-1)!.gateAt - gateAt;
    assert.ok(Math.abs(error) < 25_000, `off by ${error} us at ${factor}`);
  }
});

test("light that fades to a third and comes back changes no count", () => {
  const bodies = Array.from({ length: 12 }, (_, i) => fruit(-40 - i * 120, { colour: i % 2 === 0 ? RED : YELLOW }));
  const light = (seq: number): number => 1 - 0.67 * Math.sin((Math.PI * seq) / 120) ** 2;
  assertEachOnce(play(bodies, { frames: 120, light }), 12);
});

test("shadows and leaves are no items", () => {
  const leaf = fruit(-40, { rx: 12, ry: 8, colour: GREEN });
  const shadow = fruit(-140, { rx: 40, ry: 40, colour: [38, 46, 55], shadow: false });
  assert.deepEqual(play([leaf, shadow], { frames: 45 }).items, []);
});

test("belts of any plain colour will do", () => {
  for (const belt of [
    [228, 228, 224],
    [20, 21, 22],
    [40, 110, 60],
    [30, 60, 150],
  ] as const) {
    const bodies = [fruit(380), fruit(-40), fruit(-112, { colour: YELLOW }), fruit(-230)];
    const played = play(bodies, { frames: 50, scene: { ...SCENE, belt } });
    assertEachOnce(played, 4);
    const size = played.items.find((item) => item.item === 4)!.sizeMm!;
    assert.ok(Math.abs(size / 70 - 1) < 0.04, `belt ${belt}: ${size} mm`);
  }
});

test("a stem is no part of the fruit: neither of its box nor of its crop", () => {
  const stem = fruit(2, { rx: 16, ry: 1.6, colour: YELLOW, shadow: false });
  const { views, items } = play([fruit(-40), stem], { frames: 42 });
  assert.equal(items.length, 1);
  assert.ok(views.length > 15);
  for (const { box } of views) assert.ok(box.w <= 47, `box ${box.w} px wide`);
});

test("what reaches in from the next lane is no item, a fruit that lies half over the edge is one without an image", () => {
  const neighbour = fruit(-40, { y: -20 });
  const { items } = play([neighbour, fruit(-150, { y: 20 })], { frames: 45 });
  assert.deepEqual(
    items.map((item) => item.presence),
    ["no-image"],
  );
});

test("a rail of another colour in view is learnt as part of the conveyor", () => {
  const rail: Body = { x: 160, y: 80, rx: 40, ry: 36, colour: [150, 140, 40], shadow: false };
  const scene: Scene = SCENE;
  const follower = createFollower(lane(), CROP, scene);
  const items: ItemPassed[] = [];
  const later = new Map<number, number>();
  for (let seq = 0; seq < 420; seq++) {
    const passing = fruit(-40 + ((seq * STEP_MM) % 600), { y: 80 });
    // The rail lies under the fruit: what comes first is painted on top.
    const data = paint(scene, [passing, rail], seq);
    for (const sighting of follower.step(frameOf(scene, seq, data, INTERVAL_US))) {
      if (sighting.kind === "item") items.push(sighting);
      else if (seq >= 300) later.set(sighting.seq, sighting.box.w);
    }
  }
  assert.ok(later.size > 40);
  // A fruit over the rail must be as wide as one beside it.
  for (const [seq, w] of later) assert.ok(Math.abs(w - 44) <= 4, `frame ${seq}: ${w} px wide`);
  assert.ok(items.length >= 12 && items.length <= 15, `${items.length} items`);
});

test("fruit in view when the source ends pass then, in the order in which they lie", () => {
  const played = play([fruit(60), fruit(-40)], { frames: 12, finish: true });
  assertEachOnce(played, 2);
  assert.deepEqual(
    played.items.map((item) => item.item),
    [1, 2],
  );
  assert.deepEqual(played.follower.finish(), []);
});

test("crops belong to the receiver and show the fruit before the fill", () => {
  const { views } = play([fruit(-40)], { frames: 40 });
  assert.equal(new Set(views.map((view) => view.crop.buffer)).size, views.length);
  for (const { crop } of views) {
    assert.equal(crop.length, 48 * 48 * 3);
    assert.deepEqual([...crop.subarray(0, 3)], [118, 118, 118]);
    const middle = (24 * 48 + 24) * 3;
    assert.ok(crop[middle]! > 120 && crop[middle + 1]! < 60);
  }
});

test("a source that begins to count anew goes on", () => {
  const bodies = Array.from({ length: 10 }, (_, i) => fruit(-40 - i * 110));
  const played = play(bodies, { frames: 90, change: (frame) => ({ ...frame, seq: frame.seq % 37 }) });
  assertEachOnce(played, 10);
});

test("a roi outside of the frame is refused", () => {
  const wrong = lane({ roi: { x: 0, y: 0, w: 640, h: 100 } });
  assert.throws(() => createFollower(wrong, CROP, SCENE), { name: "GradelineError", code: "CONFIG" });
});
