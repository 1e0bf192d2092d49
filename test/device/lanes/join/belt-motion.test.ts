import assert from "node:assert/strict";
import { test } from "node:test";
import { BeltMotion } from "../../../../device/lanes/join/belt-motion.ts";

const T0 = 1_800_000_000_000_000;
/** Frames of a camera, microseconds. */
const FRAME = 40_000;

/** Fruit that are seen from frame to frame while the belt runs so fast. */
function watch(motion: BeltMotion, fromMs: number, toMs: number, speed: (ms: number) => number): void {
  for (let ms = fromMs; ms < toMs; ms += FRAME / 1000) {
    const at = T0 + ms * 1000;
    motion.saw(at, at + FRAME, (speed(ms) * FRAME) / 1e6);
  }
}

const near = (found: number, wanted: number, by = 0.5) =>
  assert.ok(Math.abs(found - wanted) < by, `${found}, not ${wanted}`);

test("before any fruit is seen the belt goes as configured, forward and back", () => {
  const motion = new BeltMotion(700);
  assert.equal(motion.speed, 700);
  near(motion.travel(T0, T0 + 1e6), 700, 1e-6);
  near(motion.travel(T0 + 1e6, T0), -700, 1e-6);
  assert.equal(motion.travel(T0, T0), 0);
});

test("a belt that changes its speed between two moments has gone as far as the fruit on it", () => {
  const motion = new BeltMotion(700);
  watch(motion, 0, 1000, () => 500);
  watch(motion, 1000, 2000, () => 900);
  near(motion.travel(T0, T0 + 2e6), 1400, 10);
  near(motion.travel(T0 + 250_000, T0 + 750_000), 250);
  near(motion.travel(T0 + 1_250_000, T0 + 1_750_000), 450);
  // The usual speed follows slowly: it is between the two.
  assert.ok(motion.speed > 600 && motion.speed < 900, String(motion.speed));
});

test("where nobody saw any fruit the last speed stands in for two seconds, then the usual one", () => {
  const motion = new BeltMotion(700);
  watch(motion, 0, 2000, () => 700);
  watch(motion, 2000, 2200, () => 300);
  near(motion.travel(T0 + 3e6, T0 + 3.5e6), 150);
  near(motion.travel(T0 + 6e6, T0 + 7e6), motion.speed);
});

test("several fruit seen at once count by their mean; what no belt does counts for nothing", () => {
  const motion = new BeltMotion(700);
  for (const speed of [690, 710, 700]) motion.saw(T0, T0 + FRAME, (speed * FRAME) / 1e6);
  near(motion.travel(T0, T0 + FRAME), 28, 1e-6);
  const before = motion.speed;
  motion.saw(T0, T0 + FRAME, (1800 * FRAME) / 1e6);
  motion.saw(T0, T0 + FRAME, -1);
  motion.saw(T0 + FRAME, T0, 20);
  motion.saw(T0, T0, 20);
  // Between two views far apart anything may have been.
  motion.saw(T0, T0 + 500_001, 350);
  assert.equal(motion.speed, before);
  near(motion.travel(T0, T0 + FRAME), 28, 1e-6);
  motion.saw(T0, T0 + 500_000, 175);
  assert.ok(motion.speed < before);
});

test("a belt that stands goes nowhere, however long", () => {
  const motion = new BeltMotion(700);
  watch(motion, 0, 4000, () => 0);
  near(motion.travel(T0, T0 + 4e6), 0);
});

test("places on the belt are counted from one beginning, over hours and a little back", () => {
  const motion = new BeltMotion(500);
  assert.equal(motion.position(T0), 0);
  near(motion.position(T0 + 1e6), 500, 1e-6);
  let last = 0;
  for (let ms = 0; ms <= 120_000; ms += 400) {
    const at = T0 + ms * 1000;
    motion.saw(at - FRAME, at, (500 * FRAME) / 1e6);
    const now = motion.position(at);
    assert.ok(now >= last, `${ms} ms`);
    last = now;
  }
  near(last, 60_000, 1);
  // What comes a second late lies where it lay.
  near(motion.position(T0 + 119e6), 59_500, 1);
  // Farther apart than is remembered the usual speed counts.
  near(motion.travel(T0, T0 + 3600e6), 500 * 3600, 1);
});
