import assert from "node:assert/strict";
import { test } from "node:test";
import { lineSchema } from "../../../device/config/schema.ts";
import { travelledMm } from "../../../device/simulation/geometry.ts";
import { LineRenderer } from "../../../device/simulation/renderer.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { LineWorld, lineTruth } from "../../../device/simulation/world.ts";

const SIZE = { widthPx: 480, heightPx: 160, mmPerPx: 1.2, speedMmPerS: 300, fps: 15 };

function config(seenFrom: object = {}, more: object = {}): ReturnType<typeof lineSchema.parse> {
  return lineSchema.parse({ kind: "line", ...SIZE, seed: 5, seenFrom, ...more });
}

function picture(seenFrom: object, timeS: number, more: object = {}): Uint8Array {
  const world = new LineWorld(config(seenFrom, more));
  return new LineRenderer(world).render(Math.round(timeS * SIZE.fps)).slice();
}

/** Mean difference of two pictures, 0..255. */
function difference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

test("two cameras see the same fruit, each when they pass it", () => {
  const here = [...lineTruth(config(), 0, { count: 50 })];
  const there = [...lineTruth(config({ offsetMm: 450, angleDeg: 120 }), 0, { count: 50 })];
  for (const [i, item] of there.entries()) {
    const { grade, kind, diameterMm } = here[i]!;
    assert.deepEqual([item.grade, item.kind, item.diameterMm], [grade, kind, diameterMm]);
    assert.ok(Math.abs(item.enterAtS - here[i]!.enterAtS - 450 / SIZE.speedMmPerS) < 1e-9);
  }
});

test("from another side the same fruit look otherwise; hung upside down a camera gives the picture turned", () => {
  const above = picture({}, 6);
  assert.ok(difference(above, picture({ angleDeg: 120 }, 6)) > 1);
  const turned = picture({ mount: "upside-down" }, 6);
  const last = above.length / 3 - 1;
  for (let i = 0; i <= last; i += 97) {
    assert.deepEqual([...turned.subarray(3 * i, 3 * i + 3)], [...above.subarray(3 * (last - i), 3 * (last - i) + 3)]);
  }
  const mirrored = picture({ mount: "mirrored" }, 6);
  const row = SIZE.widthPx * 3;
  assert.deepEqual(mirrored.subarray(0, row), above.subarray(above.length - row));
});

test("fruit that do not roll show a camera the same side all the way", () => {
  const world = new LineWorld(config({}, { rolls: false }));
  for (let index = 0; index < 20; index++) {
    const { roll } = world.placed(0, index)!.fruit;
    assert.deepEqual([roll.turnPerMm, roll.spinPerMm, roll.drift], [0, 0, 0]);
  }
});

test("a belt whose speed swings takes fruit to the gate when it has gone that far", () => {
  const swinging = config({ offsetMm: 200 }, { speedWave: 0.3 });
  const steady = [...lineTruth(config({ offsetMm: 200 }), 0, { count: 40 })];
  for (const [i, { gateAtS }] of [...lineTruth(swinging, 0, { count: 40 })].entries()) {
    const wentMm = travelledMm(swinging, gateAtS);
    assert.ok(Math.abs(wentMm - steady[i]!.gateAtS * SIZE.speedMmPerS) < 0.01);
  }
});

test("a camera's clock may be ahead and run away; its frames come in order all the same", async () => {
  const source = await openLine(
    config({ clockMs: 20, clockDriftMsPerS: 2, phaseMs: 7 }, { pace: "fast", startAt: 1e15, items: 3 }),
  );
  let last = 0;
  let seq = 0;
  for await (const frame of source.frames()) {
    const trueUs = Math.round((frame.seq / SIZE.fps + 0.007) * 1e6);
    assert.ok(Math.abs(frame.exposedAt - 1e15 - trueUs - 20_000 - (2 * trueUs) / 1000) <= 2);
    assert.ok(frame.exposedAt > last);
    last = frame.exposedAt;
    seq = frame.seq;
  }
  assert.ok(seq > 10);
});
