import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameIds, FrameSteps } from "../../../../device/capture/live/numbers.ts";

test("ids of 16 bits go on after 65535, which 1 follows", () => {
  const ids = new FrameIds();
  assert.deepEqual(
    [65_533, 65_534, 65_535, 1, 2].map((id) => ids.unwrap(id)),
    [65_533, 65_534, 65_535, 65_536, 65_537],
  );
});

test("ids go on over many turns of the 16-bit circle", () => {
  const ids = new FrameIds();
  let last = ids.unwrap(1);
  for (let count = 2; count < 5 * 65_535; count++) {
    const id = ids.unwrap(((count - 1) % 65_535) + 1);
    assert.equal(id, last + 1);
    last = id;
  }
});

test("frames missing at the wrap are counted, and one out of order is a step back", () => {
  const ids = new FrameIds();
  assert.equal(ids.unwrap(65_534), 65_534);
  assert.equal(ids.unwrap(3), 65_538);
  assert.equal(ids.unwrap(1), 65_536);
});

test("ids wider than 16 bits never wrap", () => {
  const ids = new FrameIds();
  assert.equal(ids.unwrap(65_535), 65_535);
  assert.equal(ids.unwrap(65_536), 65_536);
  assert.equal(ids.unwrap(140_000), 140_000);
});

test("a gap in ids is that many exposures lost", () => {
  const steps = new FrameSteps();
  assert.deepEqual(steps.step(10, undefined, undefined), { exposures: 1, lost: 0 });
  assert.deepEqual(steps.step(11, undefined, undefined), { exposures: 1, lost: 0 });
  assert.deepEqual(steps.step(15, undefined, undefined), { exposures: 4, lost: 3 });
});

test("ids that begin anew are no loss", () => {
  const steps = new FrameSteps();
  steps.step(5000, undefined, undefined);
  assert.deepEqual(steps.step(0, undefined, undefined), { exposures: 1, lost: 0 });
});

test("without ids the time stamps tell the gap, and jitter of half a period is none", () => {
  const steps = new FrameSteps();
  steps.step(undefined, 0, 33_333);
  assert.equal(steps.step(undefined, 50_000, 33_333).lost, 0);
  assert.equal(steps.step(undefined, 150_000, 33_333).lost, 2);
  assert.equal(steps.step(undefined, 400_000, undefined).lost, 0);
});
