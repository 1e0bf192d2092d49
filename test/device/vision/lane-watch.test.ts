import assert from "node:assert/strict";
import { test } from "node:test";
import type { LaneConfig } from "../../../device/config/schema.ts";
import { LaneWatch } from "../../../device/vision/lane-watch.ts";

const FRAME_US = 33_333;
const lane = {
  direction: "right",
  fruitMm: { min: 50, max: 110 },
  conveyor: { kind: "belt", speedMmPerS: 800 },
} as unknown as LaneConfig;

/** Looks at so many seconds of frames whose rows differ by `flicker`. */
function watch(flicker: number, seconds: number, report = new LaneWatch(lane), from = 0): LaneWatch {
  for (let us = 0; us < seconds * 1e6; us += FRAME_US) report.look(from + us, FRAME_US, "clear", flicker);
  return report;
}

test("rows that differ by 16 % are told as flicker after a second, with what to do; by 14 % they are not", () => {
  assert.deepEqual(watch(0.14, 5).troubles, []);
  assert.deepEqual(watch(0.16, 0.9).troubles, []);
  const [trouble, ...others] = watch(0.16, 1.5).troubles;
  assert.deepEqual([trouble?.kind, others], ["flicker", []]);
  assert.match(trouble!.message, /flickers within a frame, by 16 %/);
  assert.match(trouble!.hint, /half the mains period/);
});

test("flicker is over three seconds after it was last seen", () => {
  const report = watch(0.3, 2);
  assert.equal(watch(0, 2.5, report, 2e6).troubles.length, 1);
  assert.deepEqual(watch(0, 1, report, 4.5e6).troubles, []);
});

test("time without sight counts as blind, and a dark picture is told", () => {
  const report = new LaneWatch(lane);
  for (let us = 0; us <= 1e6; us += FRAME_US) report.look(us, FRAME_US, "dark", 0);
  assert.deepEqual(
    report.troubles.map(({ kind }) => kind),
    ["dark"],
  );
  assert.ok(Math.abs(report.blindUs - 1e6) < 2 * FRAME_US, `${report.blindUs}`);
});
