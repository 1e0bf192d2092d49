import assert from "node:assert/strict";
import { test } from "node:test";
import { nowMicros } from "../../../../device/base/time.ts";
import { waitUntil } from "../../../../device/capture/live/wait-until.ts";

test("a thread is held until the moment that was agreed on, and not at all where that has passed", () => {
  for (const us of [0, 100, 2500]) {
    const at = nowMicros() + us;
    waitUntil(at);
    assert.ok(nowMicros() >= at);
  }
  const before = performance.now();
  waitUntil(nowMicros() - 60e6);
  waitUntil(0);
  assert.ok(performance.now() - before < 30_000);
});
