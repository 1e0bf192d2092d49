import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import { configSchema, type LaneConfig } from "../../../device/config/schema.ts";
import { createFollower } from "../../../device/vision/create-follower.ts";
import type { ItemPassed, Sighting, ViewSeen } from "../../../device/vision/follower.ts";
import { type Body, frameOf, GREEN, paint, RED, SCENE, START, YELLOW } from "../../support/vision-painter.ts";

const CROP = { sizePx: 48, margin: 0.06, fill: 118 };
const PITCH_MM = 100;
const WINDOWS = 5;
const FIRST_MM = 50;
/** One pitch per frame: 40 ms. */
const SPEED = 2500;
const INTERVAL_US = 40_000;
const LENGTH_MM = SCENE.widthPx * SCENE.mmPerPx;

function lane(changes: Record<string, unknown> = {}): LaneConfig {
  return configSchema.shape.lanes.element.parse({
    id: "a",
    camera: "c",
    mmPerPx: SCENE.mmPerPx,
    gateMm: 300,
    conveyor: { kind: "cups", pitchMm: PITCH_MM, windows: WINDOWS, firstWindowMm: FIRST_MM, speedMmPerS: SPEED },
    ...changes,
  });
}

/** Cup `n` holds a fruit unless `n` is divisible by 4; no two neighbours are alike. */
function fruitIn(cup: number): Omit<Body, "x"> | undefined {
  if (cup % 4 === 0) return undefined;
  const colour = [RED, GREEN, YELLOW][((cup % 3) + 3) % 3]!;
  return { y: 80, rx: 30 + (Math.abs(cup * 5) % 9), ry: 34, turn: cup, colour };
}

interface Conveyor {
  readonly from?: number;
  readonly frames: number;
  readonly mirrored?: boolean;
  readonly fruit?: typeof fruitIn;
  readonly lane?: LaneConfig;
  /** What lies in each window even without fruit: a coloured cup. */
  readonly carrier?: Omit<Body, "x">;
  readonly change?: (frame: Frame) => Frame | undefined;
}

interface Passed {
  readonly items: ItemPassed[];
  readonly toldAt: number[];
  readonly views: ViewSeen[];
}

function run(conveyor: Conveyor): Passed {
  const scene = { ...SCENE, mirrored: conveyor.mirrored ?? false };
  const follower = createFollower(conveyor.lane ?? lane(), CROP, scene);
  const passed: Passed = { items: [], toldAt: [], views: [] };
  const take = (sightings: readonly Sighting[], seq: number): void => {
    for (const sighting of sightings) {
      if (sighting.kind === "view") passed.views.push(sighting);
      else {
        passed.items.push(sighting);
        passed.toldAt.push(seq);
      }
    }
  };
  for (let seq = conveyor.from ?? 0; seq < conveyor.frames; seq++) {
    const bodies: Body[] = [];
    for (let window = -1; window <= WINDOWS; window++) {
      const body = (conveyor.fruit ?? fruitIn)(seq - window);
      const x = FIRST_MM + window * PITCH_MM;
      if (body !== undefined) bodies.push({ ...body, x });
      if (conveyor.carrier !== undefined) bodies.push({ ...conveyor.carrier, x });
    }
    const frame = frameOf(scene, seq, paint(scene, bodies, seq), INTERVAL_US);
    const changed = conveyor.change === undefined ? frame : conveyor.change(frame);
    if (changed !== undefined) take(follower.step(changed), seq);
  }
  take(follower.finish(), conveyor.frames);
  return passed;
}

function assertTruth(passed: Passed, first: number, last: number): void {
  assert.deepEqual(
    passed.items.map((item) => item.cup),
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  for (const { cup, presence } of passed.items) {
    assert.equal(presence, fruitIn(cup!) === undefined ? "empty" : "fruit", `cup ${cup}`);
  }
}

test("every cup is one item under its number, in the step that shows it in the last window", () => {
  const passed = run({ frames: 30 });
  assertTruth(passed, -(WINDOWS - 1), 29);
  for (const [i, { cup, views }] of passed.items.entries()) {
    if (cup! < 0 || cup! > 29 - WINDOWS + 1) continue;
    assert.equal(passed.toldAt[i], cup! + WINDOWS - 1);
    assert.equal(views, fruitIn(cup!) === undefined ? 0 : WINDOWS);
  }
  const counted = passed.views.filter((view) => view.item === passed.items[10]!.item).length;
  assert.equal(counted, passed.items[10]!.views);
});

test("cups that run to the left are numbered alike", () => {
  assertTruth(run({ frames: 15, mirrored: true, lane: lane({ direction: "left" }) }), -(WINDOWS - 1), 14);
});

test("a lost frame shifts nothing: its cup has one view less, and passes with the next frame", () => {
  const lost = new Set([8, 15, 16]);
  const passed = run({ frames: 30, change: (frame) => (lost.has(frame.seq) ? undefined : frame) });
  assertTruth(passed, -(WINDOWS - 1), 29);
  assert.equal(passed.items.find((item) => item.cup === 7)!.views, WINDOWS - 1);
  const late = passed.items.findIndex((item) => item.cup === 15 - WINDOWS + 1);
  assert.equal(passed.toldAt[late], 17);
  const item = passed.items[late]!;
  assert.ok(Math.abs(item.gateAt - gateAt(item.cup!)) < 2000, `off by ${item.gateAt - gateAt(item.cup!)} us`);
});

/** When the centre of a cup reaches the gate. */
function gateAt(cup: number): number {
  return START + cup * INTERVAL_US + ((LENGTH_MM - FIRST_MM + 300) / SPEED) * 1e6;
}

test("gate times go by the pitch, also where the conveyor is slower than its nominal speed", () => {
  const nominal = lane({
    conveyor: { kind: "cups", pitchMm: PITCH_MM, windows: WINDOWS, firstWindowMm: FIRST_MM, speedMmPerS: 1.3 * SPEED },
  });
  for (const item of run({ frames: 20, lane: nominal }).items.slice(WINDOWS)) {
    assert.ok(Math.abs(item.gateAt - gateAt(item.cup!)) < 2000, `cup ${item.cup}: ${item.gateAt - gateAt(item.cup!)}`);
  }
});

test("a conveyor at less than half or more than twice its nominal speed is not believed: gate times go by the nominal one", () => {
  for (const [factor, believed] of [
    [1.9, true],
    [2.1, false],
    [0.53, true],
    [0.47, false],
  ] as const) {
    const speedMmPerS = factor * SPEED;
    const nominal = lane({
      conveyor: { kind: "cups", pitchMm: PITCH_MM, windows: WINDOWS, firstWindowMm: FIRST_MM, speedMmPerS },
    });
    for (const { cup, gateAt: told } of run({ frames: 12, lane: nominal }).items.slice(WINDOWS, 7)) {
      const seenAt = START + (cup! + WINDOWS - 1) * INTERVAL_US;
      const restMm = LENGTH_MM - FIRST_MM - (WINDOWS - 1) * PITCH_MM + 300;
      const wanted = seenAt + (restMm / (believed ? SPEED : speedMmPerS)) * 1e6;
      assert.ok(Math.abs(told - wanted) < 2000, `cup ${cup} at ${factor}: off by ${told - wanted} us`);
    }
  }
});

test("fruit a little under the smallest size are seen in their cups, small things are not", () => {
  const range = { fruitMm: { min: 60, max: 90 } };
  const of = (diameterMm: number) =>
    run({
      frames: 12,
      lane: lane(range),
      fruit: (cup) => (cup % 2 === 0 ? { y: 80, rx: diameterMm / 2, ry: diameterMm / 2, colour: RED } : undefined),
    }).items.slice(WINDOWS, 9);
  for (const { cup, presence, sizeMm } of of(60 * 0.95)) {
    assert.equal(presence, cup! % 2 === 0 ? "fruit" : "empty");
    if (sizeMm !== undefined) assert.ok(Math.abs(sizeMm / 57 - 1) < 0.04, String(sizeMm));
  }
  for (const { presence } of of(60 * 0.8)) assert.equal(presence, "empty");
});

test("a cup of whose passage every frame was lost or incomplete has no image; one seen empty once is empty", () => {
  const blind = new Set(Array.from({ length: WINDOWS + 1 }, (_, i) => 10 + i));
  const passed = run({
    frames: 30,
    change: (frame) => {
      if (!blind.has(frame.seq)) return frame;
      return frame.seq % 2 === 0 ? undefined : { ...frame, status: "incomplete" };
    },
  });
  const of = (cup: number): string | undefined => passed.items.find((item) => item.cup === cup)?.presence;
  assert.equal(of(10), "no-image");
  assert.equal(of(11), "no-image");
  assert.equal(of(8), "empty");
  assert.equal(of(12), "empty");
  assert.equal(of(9), "fruit");
  assert.equal(of(13), "fruit");
});

test("started with full cups in view, those too are reported with what was seen of them", () => {
  const passed = run({ from: 101, frames: 120 });
  assertTruth(passed, 101 - WINDOWS + 1, 119);
  assert.equal(passed.items[0]!.views, 1);
  assert.equal(passed.items[1]!.views, 2);
});

test("cups of another colour than the conveyor are learnt while they are empty", () => {
  const passed = run({
    frames: 30,
    carrier: { y: 80, rx: 42, ry: 42, colour: [200, 200, 190], shadow: false },
    fruit: (cup) => (cup < 5 ? undefined : fruitIn(cup)),
  });
  for (const { cup, presence } of passed.items) {
    if (cup! < 5) continue;
    assert.equal(presence, fruitIn(cup!) === undefined ? "empty" : "fruit", `cup ${cup}`);
  }
});

test("a source that begins to count anew leaves no cup open", () => {
  const passed = run({ frames: 24, change: (frame) => (frame.seq < 12 ? frame : { ...frame, seq: frame.seq - 12 }) });
  const once = Array.from({ length: 11 + WINDOWS }, (_, i) => i - WINDOWS + 1);
  assert.deepEqual(
    passed.items.map((item) => item.cup),
    [...once, ...once],
  );
});

test("after thousands of lost frames the count goes on without inventing as many items", () => {
  const passed = run({ frames: 20, change: (frame) => (frame.seq < 10 ? frame : { ...frame, seq: frame.seq + 5000 }) });
  assert.ok(passed.items.length < 40);
  assert.equal(passed.items.at(-1)!.cup, 5019);
});

test("windows that do not fit into the lane's part of the frame are refused", () => {
  const wrong = lane({
    conveyor: { kind: "cups", pitchMm: PITCH_MM, windows: 6, firstWindowMm: FIRST_MM, speedMmPerS: SPEED },
  });
  assert.throws(() => createFollower(wrong, CROP, SCENE), { name: "GradelineError", code: "CONFIG" });
});
