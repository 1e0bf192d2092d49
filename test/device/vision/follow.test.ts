import assert from "node:assert/strict";
import { test } from "node:test";
import { playScene } from "../../bench/follow/play.ts";
import { scenes } from "../../bench/follow/scenes.ts";

/** A part of the line-up that `npm run bench -- follow` plays as a whole. */
const PART: readonly (readonly [string, "colour" | "grey" | "both"])[] = [
  ["rotten apples on white", "both"],
  ["plums on white", "grey"],
  ["apples on blue", "grey"],
  ["emergency stop: lamp and belt off for 5 s", "colour"],
  ["held for 5 s near the exit, plum", "grey"],
  ["two abreast", "colour"],
  ["rotten apples on blue", "both"],
  ["soft shadows without fruit", "both"],
  ["lamp out for 4 s", "both"],
  ["started in the dark", "colour"],
  ["rolling bands of 30 %", "both"],
  ["steam for 3 s", "colour"],
  ["held for 6 s, others pass", "both"],
  ["belt runs back for 0.6 s and on", "colour"],
  ["twice as fast as configured", "colour"],
  ["a dark joint under two fruit", "colour"],
  ["steel rollers of 40 mm", "colour"],
  ["leaves", "colour"],
  ["gloves", "colour"],
  ["camera repeats one picture for 2 s", "colour"],
  ["lower half grey in one frame of five", "colour"],
  ["fruit larger than the configuration allows", "colour"],
];

for (const [name, cameras] of PART) {
  for (const grey of cameras === "both" ? [false, true] : [cameras === "grey"]) {
    test(`${name}, ${grey ? "grey" : "colour"}: each fruit once, and what keeps it from being seen is said`, () => {
      const result = playScene(scenes.find((scene) => scene.name === name)!, grey);
      assert.ok(result.passed, JSON.stringify(result));
    });
  }
}
