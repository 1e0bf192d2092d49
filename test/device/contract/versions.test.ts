import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv } from "ajv";
import { configSchema } from "../../../device/config/schema.ts";
import { codesFor } from "../../../device/contract/codes.ts";
import { messageText, USUAL_FORM, verdictText } from "../../../device/contract/form.ts";
import type { StateMessage, Verdict } from "../../../device/contract/messages.ts";
import { publishedSchema, tolerant } from "../../../device/contract/published-schema.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import { topics } from "../../../device/contract/topics.ts";
import { draft } from "../../support/verdicts.ts";

const ajv = new Ajv({ strict: false });
const V1 = { ...USUAL_FORM, version: 1 } as const;
const verdict: Verdict = { ...draft("a", 1), seq: 1, epoch: "k3x", lot: "bin 7", faultShare: 0.1, reason: "why" };
const state: StateMessage = stateMessage(
  "degraded",
  [{ code: "topic-refused", message: "no health", topic: "health", since: 1_790_000_000_000_000 }],
  1_790_000_000_000_000,
);
const laneStats = {
  at: verdict.decidedAt,
  lane: "a",
  items: 3,
  outcomes: { graded: 1, unknown: 1, unsure: 0, foreign: 1, empty: 0, "no-image": 0 },
  grades: { sound: 1 },
  late: 0,
  itemsPerS: 1,
  enrolling: null,
  drift: { learned: 1, learntFrom: null, findings: [], signals: [] },
};

function assertValid(schema: object, message: unknown, what: string): void {
  const valid = ajv.compile(schema);
  assert.ok(valid(message), `${what}: ${ajv.errorsText(valid.errors)}`);
}

/** The message with a field that nobody knows in every object of it. */
function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries([
    ...Object.entries(value).map(([key, inner]) => [key, key === "grades" ? inner : withUnknownFields(inner)]),
    ["unheardOf", { of: "later" }],
  ]);
}

function version1(name: string): object {
  return JSON.parse(readFileSync(`device/contract/v1/${name}.schema.json`, "utf8")) as object;
}

test("a message of the next version, with fields that nobody knows yet, fits the schemas of this one", () => {
  for (const [name, message] of Object.entries({ verdict, state, laneStats })) {
    const schema = publishedSchema(topics[name as "verdict" | "state" | "laneStats"]);
    assertValid(schema, message, name);
    const next = withUnknownFields(message) as object;
    assertValid(schema, "v" in next ? { ...next, v: 3 } : next, `next ${name}`);
  }
});

test("messages of this version fit the schemas of the last one once those tolerate unknown fields", () => {
  for (const [name, message] of Object.entries({ verdict, state, laneStats })) {
    assertValid(tolerant(version1(name)) as object, message, name);
  }
});

test("what the device sends is tolerant in every published document, what it receives is strict", () => {
  for (const file of readdirSync("device/contract/published").filter((name) => name.endsWith(".schema.json"))) {
    const text = readFileSync(`device/contract/published/${file}`, "utf8");
    assert.equal(text.includes('"additionalProperties": false'), file.includes("Request"), file);
  }
});

test("messages in the form of version 1 fit its schemas to the letter", () => {
  const foreign = { ...verdict, outcome: "foreign", outcomeCode: 4, grade: null, gradeCode: 0 } as const;
  for (const each of [verdict, foreign]) {
    const text = verdictText(V1, JSON.stringify(each), true);
    assertValid(version1("verdict"), JSON.parse(text), "verdict");
  }
  assert.equal(JSON.parse(verdictText(V1, JSON.stringify(foreign), false)).outcome, "unknown");
  assertValid(version1("state"), JSON.parse(messageText(V1, "state", state)), "state");
  const stats = JSON.parse(messageText(V1, "laneStats", laneStats)) as typeof laneStats;
  assertValid(version1("laneStats"), stats, "laneStats");
  assert.equal(stats.outcomes.unknown, 2);
  const answer = { status: "error", error: { code: "REQUEST", message: "no", hint: "do" }, transaction: 1 };
  assert.deepEqual(JSON.parse(messageText(V1, "pauseResponse", answer)), answer);
  assert.deepEqual(JSON.parse(messageText(V1, "unheardOfResponse", answer)), answer);
});

test("a verdict that a daemon of version 1 left in the journal is sent as version 2", () => {
  const { outcomeCode: _, gradeCode: __, epoch: ___, lot: ____, faultShare: _____, reason: ______, ...old } = verdict;
  const sent = JSON.parse(verdictText(USUAL_FORM, JSON.stringify({ ...old, v: 1 }), true)) as Verdict;
  assertValid(publishedSchema(topics.verdict), sent, "verdict");
  assert.deepEqual([sent.v, sent.gradeCode, sent.outcomeCode, sent.backlog], [2, 1, 1, true]);
});

test("a verdict that is sent late says so, and is otherwise as it lies in the journal", () => {
  const text = JSON.stringify(verdict);
  assert.equal(verdictText(USUAL_FORM, text, false), text);
  assert.deepEqual(JSON.parse(verdictText(USUAL_FORM, text, true)), { ...verdict, backlog: true });
});

test("with `asciiOnly` every message is ASCII and says the same", () => {
  const form = { ...USUAL_FORM, asciiOnly: true };
  const german = { ...verdict, grade: "schön 🍎" };
  for (const text of [verdictText(form, JSON.stringify(german), false), messageText(form, "verdict", german)]) {
    assert.match(text, /^[\x20-\x7e]+$/);
    assert.deepEqual(JSON.parse(text), german);
  }
});

test("grades and outcomes have numbers: by order, or as configured, also where a name is one that objects have", () => {
  const grades = [{ grade: "toString" }, { grade: "second" }];
  const of = (messages: object, decision: Parameters<typeof codesFor>[1]) => {
    const { gradeCodes, outcomeCodes } = configSchema.shape.messages.parse(messages);
    return Object.values(codesFor({ grades: gradeCodes, outcomes: outcomeCodes }, decision));
  };
  const second = { outcome: "graded", grade: "second", grades } as const;
  assert.deepEqual(of({}, second), [1, 2]);
  assert.deepEqual(of({}, { ...second, grade: "toString" }), [1, 1]);
  assert.deepEqual(of({}, { outcome: "no-image", grade: null, grades: [] }), [6, 0]);
  assert.deepEqual(of({ gradeCodes: { second: 20 }, outcomeCodes: { graded: 7 } }, second), [7, 20]);
  assert.deepEqual(of({ gradeCodes: { second: 20 } }, { ...second, grade: "toString" }), [1, 0]);
  assert.throws(() => of({ outcomeCodes: { graded: 2 } }, second), /two outcomes have the same number/);
  assert.throws(() => of({ gradeCodes: { a: 1, b: 1 } }, second), /two grades have the same number/);
});
