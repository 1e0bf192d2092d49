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

test("a reason that comes and goes is held until it has stayed away for ten seconds", () => {
  const S = 1e6;
  const state = new StationState(0);
  let full = true;
  state.watch(() => (full ? [{ code: "journal-disk", message: "full" }] : []));
  const judge = (at: number, now: boolean): unknown => {
    full = now;
    const { come, gone } = state.judge(at * S);
    return { come: come.length, gone, state: state.latest.state, since: state.latest.reasons[0]?.since };
  };
  assert.deepEqual(judge(1, true), { come: 1, gone: 0, state: "degraded", since: S });
  // It has gone once: that is told at once.
  assert.deepEqual(judge(2, false), { come: 0, gone: 1, state: "online", since: undefined });
  // Again after a second: it came and goes, and is the same reason as before.
  assert.deepEqual(judge(3, true), { come: 1, gone: 0, state: "degraded", since: S });
  assert.deepEqual(judge(4, false), { come: 0, gone: 0, state: "degraded", since: S });
  assert.deepEqual(judge(5, true), { come: 0, gone: 0, state: "degraded", since: S });
  assert.deepEqual(judge(14, false), { come: 0, gone: 0, state: "degraded", since: S });
  assert.deepEqual(judge(15, false), { come: 0, gone: 1, state: "online", since: undefined });
  // Long after that it is a new one.
  assert.deepEqual(judge(60, true), { come: 1, gone: 0, state: "degraded", since: 60 * S });
  assert.deepEqual(judge(61, false), { come: 0, gone: 1, state: "online", since: undefined });
});

test("a reason that goes for good is told as gone once", () => {
  const state = new StationState(0);
  let there = true;
  state.watch(() => (there ? [{ code: "clock", message: "set" }] : []));
  state.judge(1e6);
  there = false;
  assert.deepEqual(state.judge(2e6), { come: [], gone: 1 });
  assert.deepEqual(state.judge(3e6), { come: [], gone: 0 });
});

test("what people set and take back is never held", () => {
  const state = new StationState(0);
  let paused = true;
  state.watch(() => (paused ? [{ code: "paused", message: "paused by request" }] : []));
  for (let at = 1; at < 6; at++) {
    paused = at % 2 === 1;
    state.judge(at * 1e6);
    assert.equal(state.latest.state, paused ? "degraded" : "online");
    assert.equal(state.latest.reasons[0]?.since, paused ? at * 1e6 : undefined);
  }
});
