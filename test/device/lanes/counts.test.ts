import assert from "node:assert/strict";
import { test } from "node:test";
import { laneStatsSchema, type Verdict } from "../../../device/contract/messages.ts";
import { LaneStats } from "../../../device/lanes/counts.ts";
import { draft, STORED } from "../../support/verdicts.ts";

function verdict(changes: Partial<Verdict>): Verdict {
  return { ...draft("a", 1), ...STORED, seq: 1, ...changes };
}

test("counts of a lane are by outcome and grade, late ones apart", () => {
  const stats = new LaneStats("a");
  stats.add(verdict({ grade: "sound" }));
  stats.add(verdict({ grade: "sound", late: true }));
  stats.add(verdict({ grade: "reject" }));
  stats.add(verdict({ outcome: "unknown", grade: null }));
  stats.add(verdict({ outcome: "empty", grade: null }));
  const message = laneStatsSchema.parse(stats.message());
  assert.equal(message.lane, "a");
  assert.equal(message.items, 5);
  assert.deepEqual(message.outcomes, { graded: 3, unknown: 1, unsure: 0, foreign: 0, empty: 1, "no-image": 0 });
  assert.deepEqual(message.grades, { sound: 2, reject: 1 });
  assert.deepEqual([message.late, stats.late], [1, 1]);
});

test("the rate is that of the last ten whole seconds, and falls to nothing when nothing comes", (t) => {
  // Line time runs by this clock.
  const [start, ns] = process.hrtime();
  let now = start;
  t.mock.method(process, "hrtime", () => [now, ns]);
  const stats = new LaneStats("a");
  assert.equal(stats.message().itemsPerS, 0);
  for (let second = 0; second < 30; second++) {
    now = start + second;
    for (let i = 0; i < 4; i++) stats.add(verdict({}));
  }
  assert.equal(stats.message().itemsPerS, 4);
  now += 5;
  assert.equal(stats.message().itemsPerS, 2.4);
  now += 60;
  assert.equal(stats.message().itemsPerS, 0);
  assert.equal(stats.message().items, 120);
});

test("a message once made does not change with the counts", () => {
  const stats = new LaneStats("a");
  stats.add(verdict({}));
  const message = stats.message();
  stats.add(verdict({}));
  assert.deepEqual([message.outcomes.graded, message.grades.sound], [1, 1]);
});
