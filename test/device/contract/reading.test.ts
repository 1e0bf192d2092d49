import assert from "node:assert/strict";
import { test } from "node:test";
import { messageText, USUAL_FORM, verdictText } from "../../../device/contract/form.ts";
import type { LaneStatsMessage, Verdict } from "../../../device/contract/messages.ts";
import { readMessage, readResponse } from "../../../device/contract/reading.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import { draft } from "../../support/verdicts.ts";

const AT = 1_790_000_000_000_000;
const V1 = { ...USUAL_FORM, version: 1 } as const;
const verdict: Verdict = { ...draft("a", 1), seq: 1 };
const state = stateMessage("degraded", [{ code: "paused", message: "paused by request", since: AT }], AT);
const laneStats: LaneStatsMessage = {
  at: verdict.decidedAt,
  lane: "a",
  items: 3,
  outcomes: { graded: 1, unknown: 1, unsure: 0, foreign: 1, empty: 0, "no-image": 0 },
  grades: { sound: 1 },
  late: 0,
  itemsPerS: 1,
  enrolling: { grade: "sound", count: 3, items: ["a-1"], saving: false },
  drift: { learned: 1, learntFrom: null, findings: [], signals: [] },
};

/** With a field that nobody knows in every object, but where names are those of grades. */
function later(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(later);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [
    key,
    key === "grades" && !Array.isArray(each) ? each : later(each),
  ]);
  return { ...Object.fromEntries(entries), unheardOf: { of: "later" } };
}

test("a message of a later version is read without the fields that nobody knows", () => {
  for (const [key, message] of Object.entries({ verdict, state, laneStats })) {
    const next = later(message) as object;
    assert.deepEqual(readMessage(key as "state", "v" in next ? { ...next, v: 3 } : next), message, key);
  }
  const answer = { status: "ok", data: { paused: true }, transaction: "x" };
  assert.deepEqual(readResponse("pause", later(answer)), answer);
  const refusal = { status: "error", error: { code: "REQUEST", message: "no" } };
  assert.deepEqual(readResponse("pause", later(refusal)), refusal);
});

test("a reason of a later version is left out, its words stay", () => {
  const cause = { ...state.causes[0]!, code: "of-later" };
  const told = readMessage("state", { ...state, causes: [cause, ...state.causes], reasons: ["new", ...state.reasons] });
  assert.deepEqual(told?.causes, state.causes);
  assert.deepEqual(told?.reasons, ["new", "paused by request"]);
});

test("messages in the form of version 1 are read", () => {
  const old = JSON.parse(verdictText(V1, JSON.stringify(verdict), false)) as object;
  assert.equal((old as { v: number }).v, 1);
  assert.deepEqual(readMessage("verdict", old), { ...verdict, ...readMessage("verdict", old) });
  assert.deepEqual(readMessage("verdict", old)?.gradeCode, verdict.gradeCode);
  const said = JSON.parse(messageText(V1, "state", state)) as object;
  assert.deepEqual(readMessage("state", said), { ...state, causes: [] });
  const stats = JSON.parse(messageText(V1, "laneStats", laneStats)) as object;
  const { outcomes } = readMessage("laneStats", stats)!;
  assert.deepEqual([outcomes.unknown, outcomes.foreign], [2, 0]);
});

test("what is no such message is none, whatever it is", () => {
  for (const value of [undefined, null, 1, "x", [], {}, { v: 1 }, { v: 1, grades: [null] }, { v: 0, causes: 1 }]) {
    for (const key of ["verdict", "state", "laneStats"] as const) assert.equal(readMessage(key, value), undefined);
    assert.equal(readResponse("pause", value), undefined);
  }
  assert.equal(readMessage("verdict", { ...verdict, seq: "1" }), undefined);
});
