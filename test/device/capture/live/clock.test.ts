import assert from "node:assert/strict";
import { test } from "node:test";
import { CameraClock } from "../../../../device/capture/live/clock.ts";

const HOST = 1_790_000_000_000_000;

test("the quickest arrival sets the offset, slower ones do not move the time of exposure", () => {
  const clock = new CameraClock();
  assert.equal(clock.exposedAt(1000, HOST + 1000 + 300), HOST + 1300);
  assert.equal(clock.exposedAt(34_333, HOST + 34_333 + 100), HOST + 34_433);
  assert.equal(clock.exposedAt(67_666, HOST + 67_666 + 9000), HOST + 67_766);
});

test("a camera clock that runs fast by 50 ppm is followed within half a millisecond", () => {
  const clock = new CameraClock();
  let worst = 0;
  for (let frame = 1; frame < 3000; frame++) {
    const trueUs = frame * 33_333;
    const at = clock.exposedAt(trueUs * 1.00005, HOST + trueUs + (frame % 7) * 100);
    if (frame > 10) worst = Math.max(worst, Math.abs(at - HOST - trueUs));
  }
  assert.ok(worst <= 510, `${worst} us`);
});

test("a camera that begins its clock anew is believed at once", () => {
  const clock = new CameraClock();
  clock.exposedAt(900_000_000, HOST + 100);
  assert.equal(clock.exposedAt(50, HOST + 40_100), HOST + 40_100);
});

test("a host clock that is set forward is believed at once", () => {
  const clock = new CameraClock();
  clock.exposedAt(1000, HOST + 1000);
  assert.equal(clock.exposedAt(34_000, HOST + 3_600_000_000), HOST + 3_600_000_000);
});

test("times never stand still or go back while the offset is being learnt", () => {
  const clock = new CameraClock();
  const first = clock.exposedAt(1000, HOST + 500_000);
  assert.equal(clock.exposedAt(34_000, HOST + 100_000), first + 1);
});

test("a known delay is taken off, also where the camera gives no time", () => {
  assert.equal(new CameraClock(2500).exposedAt(undefined, HOST), HOST - 2500);
  assert.equal(new CameraClock(2500).exposedAt(77, HOST), HOST - 2500);
});
