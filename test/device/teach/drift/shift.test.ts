import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BASELINE_BLOCKS, ShiftDetector } from "../../../../device/teach/drift/shift.ts";
import { seededNormal } from "../../../support/random.ts";

/** A detector that has learnt a signal of standard deviation 1 around 5. */
function learnt(normal: () => number): ShiftDetector {
  const detector = new ShiftDetector(0);
  for (let block = 0; block < BASELINE_BLOCKS; block++) detector.add(5 + normal(), 0, block + 1);
  return detector;
}

describe("a shift of a signal's mean", () => {
  test("is not found where nothing shifts: 500 signals over 2,000 blocks each", () => {
    const normal = seededNormal(1);
    for (let signal = 0; signal < 500; signal++) {
      const detector = learnt(normal);
      for (let block = 0; block < 2000; block++) detector.add(5 + normal(), 0, block + 100);
      assert.equal(detector.since, undefined, `signal ${signal}`);
    }
  });

  test("is found within a dozen blocks, up and down, with its size and the block in which it began", () => {
    const normal = seededNormal(2);
    for (const shift of [4, -4, 8]) {
      for (let signal = 0; signal < 50; signal++) {
        const detector = learnt(normal);
        for (let block = 0; block < 100; block++) detector.add(5 + normal(), 0, 1000 + block);
        let block = 0;
        while (detector.since === undefined && block < 12) detector.add(5 + shift + normal(), 0, 2000 + block++);
        assert.ok(detector.since !== undefined, `${shift} found after ${block} blocks`);
        assert.ok(detector.since >= 1080 && detector.since <= 2003, `began at ${detector.since}`);
        for (let more = 0; more < 30; more++) detector.add(5 + shift + normal(), 0, 3000 + more);
        assert.ok(Math.abs(detector.change - shift) < 1, `${detector.change} for ${shift}`);
      }
    }
  });

  test("is over some blocks after the signal is back", () => {
    const normal = seededNormal(3);
    const detector = learnt(normal);
    for (let block = 0; block < 40; block++) detector.add(12 + normal(), 0, 1000 + block);
    assert.ok(detector.since !== undefined);
    for (let block = 0; block < 40; block++) detector.add(5 + normal(), 0, 2000 + block);
    assert.equal(detector.since, undefined);
    assert.equal(detector.change, 0);
  });

  test("smaller than the floor is none, and one odd block is none", () => {
    const normal = seededNormal(4);
    const detector = new ShiftDetector(1);
    for (let block = 0; block < BASELINE_BLOCKS; block++) detector.add(5 + 0.01 * normal(), 0, block + 1);
    for (let block = 0; block < 200; block++) detector.add(5.5 + 0.01 * normal(), 0, 100 + block);
    assert.equal(detector.since, undefined);
    detector.add(1000, 0, 500);
    assert.equal(detector.since, undefined);
  });

  test("goes on being followed by a detector made from the state of another", () => {
    const normal = seededNormal(5);
    const first = learnt(normal);
    for (let block = 0; block < 40; block++) first.add(12 + normal(), 0, 1000 + block);
    const second = new ShiftDetector(0, JSON.parse(JSON.stringify(first.state)));
    assert.deepEqual([second.since, second.change, second.learned], [first.since, first.change, true]);
  });
});
