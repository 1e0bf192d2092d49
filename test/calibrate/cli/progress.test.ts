import assert from "node:assert/strict";
import { test } from "node:test";
import { timeLeft } from "../../../calibrate/cli/progress.ts";

test("the time that is left is told once something is done, in a unit that suits it", () => {
  assert.equal(timeLeft(0, 10, 5000), "");
  assert.equal(timeLeft(0, 0, 5000), "");
  assert.equal(timeLeft(5, 10, 5000), "  5 s left");
  assert.equal(timeLeft(10, 10, 5000), "  0 s left");
  assert.equal(timeLeft(10, 1000, 60_000), "  99 min left");
  assert.equal(timeLeft(1, 1000, 60_000), "  17 h left");
});
