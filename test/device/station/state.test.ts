import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reason } from "../../../device/contract/reasons.ts";
import { StationState } from "../../../device/station/state.ts";

test("a reason keeps the time at which it came while it stays, also where its words change", () => {
  const state = new StationState(1);
  let reasons: Reason[] = [];
  state.watch(() => reasons);
  state.judge(10);
  assert.deepEqual(state.latest, { state: "online", reasons: [], at: 1 });
  reasons = [{ code: "verdicts-late", message: "5 of 10 late", lane: "a" }];
  assert.equal(state.judge(20).come.length, 1);
  reasons = [{ code: "verdicts-late", message: "6 of 10 late", lane: "a" }];
  assert.deepEqual(state.judge(30), { come: [], gone: 0 });
  assert.deepEqual(state.latest, {
    state: "degraded",
    at: 20,
    reasons: [{ code: "verdicts-late", message: "6 of 10 late", lane: "a", since: 20 }],
  });
});

test("the same reason of another lane is another one; each has its own time, and the state keeps that of the first", () => {
  const state = new StationState(1);
  const late = (lane: string): Reason => ({ code: "verdicts-late", message: `${lane} is late`, lane });
  let reasons = [late("a")];
  state.watch(() => reasons);
  state.judge(20);
  reasons = [late("a"), late("b")];
  assert.deepEqual(
    state.judge(30).come.map(({ lane }) => lane),
    ["b"],
  );
  assert.equal(state.latest.at, 20);
  reasons = [late("b")];
  assert.deepEqual(state.judge(40), { come: [], gone: 1 });
  assert.deepEqual([state.latest.at, state.latest.reasons[0]!.since], [20, 30]);
  reasons = [];
  assert.equal(state.judge(50).gone, 1);
  assert.deepEqual(state.latest, { state: "online", reasons: [], at: 50 });
});

test("a reason that knows since when it holds says so, and one told twice is told once", () => {
  const state = new StationState(1);
  state.watch(() => [{ code: "journal-disk", message: "full", since: 7 }]);
  state.watch(() => [{ code: "journal-disk", message: "full still" }]);
  state.judge(20);
  assert.deepEqual(state.latest.reasons, [{ code: "journal-disk", message: "full", since: 7 }]);
});
