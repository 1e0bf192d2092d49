import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMicros } from "../../../device/base/time.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import { Tally, type Truth } from "../../../device/demo/tally.ts";

const T0 = 1_800_000_000_000_000;

function truth(seconds: number, grade: string | null, lane = "a"): Truth {
  return { lane, grade, gateAt: T0 + seconds * 1e6 };
}

let items = 0;
function verdict(seconds: number, said: string, lane = "a"): Verdict {
  const outcome = said === "unknown" || said === "empty" || said === "unsure" ? said : "graded";
  return {
    v: 2,
    device: "demo",
    epoch: "0a1b2c3d",
    lane,
    seq: ++items,
    item: `item-${items}`,
    outcome,
    outcomeCode: 1,
    gradeCode: 0,
    grade: outcome === "graded" ? said : null,
    margin: null,
    grades: [],
    views: 3,
    sizeMm: 70,
    cup: null,
    exposedAt: formatMicros(T0 + seconds * 1e6 - 500_000),
    decidedAt: formatMicros(T0 + seconds * 1e6 - 480_000),
    gateAt: formatMicros(T0 + seconds * 1e6),
    late: false,
    recipe: null,
    model: "0".repeat(16),
    gallery: "0".repeat(16),
    ms: { vision: 1, embed: 1, grade: 1 },
  };
}

const FRAMES = { seen: 10, dropped: 0 };

test("every fruit with one right verdict is full agreement, nothing missed, nothing double", () => {
  const tally = new Tally([truth(1, "sound"), truth(1.2, "reject"), truth(1.1, "unknown", "b")], 40_000);
  tally.add(verdict(1.004, "sound"));
  tally.add(verdict(1.19, "reject"));
  tally.add(verdict(1.1, "unknown", "b"));
  const summary = tally.summary(T0 + 2e6, FRAMES);
  assert.deepEqual(
    [summary.passed, summary.verdicts, summary.missed, summary.double, summary.agreement, summary.unknown],
    [3, 3, 0, 0, 1, { right: 1, wrong: 0 }],
  );
  assert.deepEqual(JSON.parse(JSON.stringify(summary.confusion)), {
    sound: { sound: 1 },
    reject: { reject: 1 },
    unknown: { unknown: 1 },
  });
});

test("a fruit without a verdict is missed, a second verdict for one fruit and one for no fruit are double", () => {
  const tally = new Tally([truth(1, "sound"), truth(2, "sound")], 40_000);
  tally.add(verdict(1, "sound"));
  tally.add(verdict(1.01, "sound"));
  tally.add(verdict(1.5, "sound"));
  const summary = tally.summary(T0 + 3e6, FRAMES);
  assert.deepEqual([summary.passed, summary.missed, summary.double], [2, 1, 2]);
});

test("the same message again is a repeat, not a second verdict", () => {
  const tally = new Tally([truth(1, "sound")], 40_000);
  const message = verdict(1, "sound");
  tally.add(message);
  tally.add(message);
  assert.equal(tally.summary(T0 + 2e6, FRAMES).double, 0);
});

test("a verdict acknowledged after the gate is late even when it was decided before", () => {
  const tally = new Tally([truth(1, "sound")], 40_000);
  const message = verdict(1, "sound");
  tally.add(message);
  tally.acknowledged(message, T0 + 1e6 + 1);
  const summary = tally.summary(T0 + 2e6, FRAMES);
  assert.equal(summary.late, 1);
  assert.ok(Math.abs(summary.exposureToAckMs.max - 500.001) < 0.01);
});

test("an empty cup called empty is no fruit; a fruit called unknown that has a grade is a wrong unknown", () => {
  const tally = new Tally([truth(1, null), truth(2, "second")], 40_000);
  tally.add(verdict(1, "empty"));
  tally.add(verdict(2, "unknown"));
  const summary = tally.summary(T0 + 3e6, FRAMES);
  assert.deepEqual(
    [summary.passed, summary.empty, summary.unknown, summary.agreement],
    [1, { right: 1, wrong: 0 }, { right: 0, wrong: 1 }, 0],
  );
});

test("what reaches its gate later than asked for does not count yet", () => {
  const tally = new Tally([truth(1, "sound"), truth(5, "sound")], 40_000);
  tally.add(verdict(1, "sound"));
  assert.equal(tally.gateAtOf(1), T0 + 1e6);
  assert.equal(tally.summary(T0 + 1e6, FRAMES).passed, 1);
  assert.equal(tally.complete(T0 + 1e6), false, "not acknowledged yet");
});

test("two fruit that reach their gates at one moment count as the one that was asked for, and the other is no error", () => {
  const tally = new Tally([truth(1, "sound"), { ...truth(1, "sound"), lane: "other" }, truth(2, "sound")], 40_000);
  const until = tally.gateAtOf(1);
  tally.add(verdict(1, "sound"));
  tally.add({ ...verdict(1, "sound"), lane: "other", item: "other-1" });
  const { passed, verdicts, missed, double } = tally.summary(until, FRAMES);
  assert.deepEqual({ passed, verdicts, missed, double }, { passed: 1, verdicts: 1, missed: 0, double: 0 });
});

test("every fruit counts in one lot, one without a verdict in that of the fruit before it", () => {
  const tally = new Tally([truth(1, "sound"), truth(2, "sound"), truth(3, "reject"), truth(4, null)], 40_000);
  tally.add({ ...verdict(1, "sound"), lot: "1" });
  tally.add({ ...verdict(3, "unknown"), lot: "2" });
  tally.add({ ...verdict(4, "empty"), lot: "2" });
  const { lots, passed } = tally.summary(T0 + 5e6, FRAMES);
  assert.deepEqual(JSON.parse(JSON.stringify(lots)), [
    { id: "1", passed: 2, grades: { sound: 1 } },
    { id: "2", passed: 1, grades: { unknown: 1 } },
  ]);
  assert.equal(passed, 3);
});
