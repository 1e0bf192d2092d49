import assert from "node:assert/strict";
import { test } from "node:test";
import { configSchema } from "../../../../device/config/schema.ts";
import { sidesOf, surfaceSeen } from "../../../../device/lanes/join/surface.ts";

const pose = (angleDeg: number, turnedDeg = 0) => ({ angleDeg, turnedDeg });

test("one side of a round fruit is three tenths of it, the opposite one as much again", () => {
  // A cap of 65 degrees: (1 - cos 65°) / 2.
  assert.ok(Math.abs(surfaceSeen([pose(0)]) - 0.289) < 0.01);
  assert.ok(Math.abs(surfaceSeen([pose(0), pose(180)]) - 0.577) < 0.01);
  assert.equal(surfaceSeen([pose(0), pose(0)]), surfaceSeen([pose(0)]));
  assert.equal(surfaceSeen([]), 0);
});

test("a fruit that rolls once under a camera from above shows all but its two ends", () => {
  const turn = Array.from({ length: 24 }, (_, i) => pose(0, 15 * i));
  // All but the caps of 25 degrees about the axis across: cos 25°.
  assert.ok(Math.abs(surfaceSeen(turn) - 0.906) < 0.02, String(surfaceSeen(turn)));
  // Rolled by half, the side from above is the one that lay below.
  assert.equal(surfaceSeen([pose(0), pose(0, 180)]), surfaceSeen([pose(0), pose(180)]));
  // One that looks along the axis sees the same cap all the time.
  const along = Array.from({ length: 24 }, (_, i) => pose(90, 15 * i));
  assert.ok(Math.abs(surfaceSeen(along) - surfaceSeen([pose(90)])) < 0.01);
});

function lane(rolls: number, angleDeg?: number) {
  return configSchema.shape.lanes.element.parse({
    id: "a",
    gateMm: 1,
    mmPerPx: 1,
    cameras: [{ camera: "top", ...(angleDeg === undefined ? {} : { angleDeg }) }],
    conveyor: { kind: "belt", speedMmPerS: 500, rolls },
  });
}

test("how far a fruit has turned in a view follows from where it lies and how large it is", () => {
  const span = [{ entryMm: 0, exitMm: 400 }];
  const views = Array.from({ length: 20 }, (_, i) => ({ camera: 0, box: { x: 10 * i, y: 0, w: 60, h: 60 } }));
  const still = sidesOf(lane(0, 0), span, views, 60);
  // 200 mm are a turn of one of 64 mm, two thirds of one of 95 mm.
  const rolling = [64, 95].map((sizeMm) => sidesOf(lane(1, 0), span, views, sizeMm)!);
  assert.ok(Math.abs(still! - 0.29) < 0.01);
  assert.ok(rolling[0]! > 0.88 && rolling[1]! > still! && rolling[1]! < rolling[0]!, `${rolling}`);
  assert.equal(sidesOf(lane(1, 0), span, views, undefined), still);
  assert.equal(sidesOf(lane(1), span, views, 60), undefined);
});
