import assert from "node:assert/strict";
import { test } from "node:test";
import { PassingShadows } from "../../../device/vision/passing-shadows.ts";
import { LaneAxis } from "../../../device/vision/place.ts";
import { laneOf, playScene } from "../../bench/follow/play.ts";
import { scenes } from "../../bench/follow/scenes.ts";

const GRID = { roi: { x: 0, y: 0, w: 320, h: 100 }, step: 1, cols: 320, rows: 100 };
/** Cells of a fruit of 40 pixels. */
const AREA = 1256;

/** How many count of a shadow that moves by `byPx` a frame while the belt does by `beltPx`. */
function passed(byPx: number, beltPx: number, area = AREA): number {
  const shadows = new PassingShadows(20, 60, GRID);
  const axis = new LaneAxis(laneOf(), GRID);
  let count = 0;
  for (let frame = 0; frame < 40; frame++) {
    const cx = 10 + byPx * frame;
    const found = { shadows: [{ cx, cy: 50, area }], shadowCount: cx < 310 ? 1 : 0 };
    count += shadows.step(found, axis, beltPx);
  }
  return count;
}

test("a shadow of a fruit's size that goes with the belt counts once", () => {
  assert.equal(passed(12, 12), 1);
});

test("one that stands, that goes otherwise, that is a speck or larger than fruit does not count", () => {
  assert.equal(passed(0, 12), 0);
  assert.equal(passed(0, 0), 0);
  assert.equal(passed(36, 12), 0);
  assert.equal(passed(12, 12, 100), 0);
  assert.equal(passed(12, 12, 8000), 0);
});

test("fruit that a grey camera cannot tell from the texture of a belt are counted and told", () => {
  const result = playScene(scenes.find(({ name }) => name === "rough belt")!, true);
  assert.deepEqual(result.said, ["shadows"]);
});
