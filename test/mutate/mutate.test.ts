import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Belonging } from "./belonging.ts";
import type { Found } from "./hunt.ts";
import { mutationsOf, withMutation } from "./mutations.ts";
import { fallen, scoresOf, tableOf } from "./score.ts";
import { type Equivalent, moduleOf, mutationsIn, type Planted, sampleOf } from "./sources.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** @returns the source with each mutation in it, one after the other */
function mutants(source: string): string[] {
  return mutationsOf(source).map((mutation) => withMutation(source, mutation));
}

test("operators, conditions, numbers, signs and calls are changed, one at a time", () => {
  assert.deepEqual(mutants("a <= b;"), ["a < b;"]);
  assert.deepEqual(mutants("if (ready) go();"), ["if (false) go();", "if (true) go();", "if (ready) ;"]);
  assert.deepEqual(mutants("const WAIT_MS = 5000;"), ["const WAIT_MS = 10000;", "const WAIT_MS = 5;"]);
  assert.deepEqual(mutants("const x = !y;"), ["const x =  y;"]);
  assert.deepEqual(mutants("const x = Math.min(a, b);"), ["const x = Math.max(a, b);"]);
  assert.deepEqual(mutants("const x = list.filter(f);"), ["const x = list;"]);
  assert.deepEqual(mutants("const x = { retain: true };"), ["const x = { retain: false };"]);
  assert.deepEqual(mutants("const next = { ...state, count };"), ["const next = { ...{}, count };"]);
  assert.deepEqual(mutants("await save();"), [";"]);
});

test("types, imports, texts of errors and lines of the log are left as they are", () => {
  assert.deepEqual(mutants('import { a } from "./a.ts";\ntype Three = 1 | 2 | 3;\nlet n: 4 | 5;'), []);
  assert.deepEqual(mutants('throw new GradelineError("X", found(n + 1));'), []);
  assert.deepEqual(mutants("log.warn({ n: n + 1 }, text); this.log.info(n + 1);"), []);
  assert.deepEqual(mutants('const text = "a" + b;'), []);
});

test("a mutation keeps its name where its line moves, and the second of a line has its own", () => {
  const [first, second] = mutationsOf("const x = (a + b) * c + d;").filter(({ was }) => was === "+");
  assert.notEqual(first!.key, second!.key);
  const moved = mutationsOf("go();\n\n  const x = (a + b) * c + d;").filter(({ was }) => was === "+");
  assert.deepEqual(
    moved.map(({ key }) => key),
    [first!.key, second!.key],
  );
});

test("a sample is the same for the same seed, and keeps what it had when lines are added", () => {
  const before = mutationsIn(ROOT, ["device/grade/cover.ts"]);
  const names = (mutations: readonly Planted[], seed: number) => sampleOf(mutations, 10, seed).map(({ name }) => name);
  assert.deepEqual(names(before, 1), names(before, 1));
  assert.notDeepEqual(names(before, 1), names(before, 2));
  assert.deepEqual(names(before, 1), names(before.toReversed(), 1));
});

test("the mirrored test comes first, then those that import the source", () => {
  const tests = new Belonging(ROOT).of("device/grade/cover.ts");
  assert.equal(tests[0], "test/device/grade/cover.test.ts");
  assert.ok(tests.includes("test/device/grade/grader.test.ts"));
  assert.ok(tests.every((file) => !file.endsWith(".live.test.ts")));
  assert.deepEqual([moduleOf("device/grade/cover.ts"), moduleOf("calibrate/main.ts")], ["device/grade", "calibrate"]);
});

function found(name: string, outcome: Found["outcome"]): Found {
  const [mutation] = mutationsOf(name);
  return { planted: { ...mutation!, file: "device/grade/x.ts", name }, outcome };
}

test("what the compiler refuses does not count, a time-out does, and survivors are named", () => {
  const all = [
    found("a < b", "noticed"),
    found("c < d", "timed out"),
    found("e < f", "survived"),
    found("g < h", "not run"),
  ];
  const scores = scoresOf([...all, found("i < j", "refused")], { sample: 5, seed: 1 });
  assert.deepEqual(scores, {
    "device/grade": { sample: 5, seed: 1, planted: 4, noticed: 2, score: 50, survivors: ["e < f", "g < h"] },
  });
  assert.match(tableOf(all, []), /device\/grade +4 +2 +50\.0 %\n\nNot noticed:\n {2}device\/grade\/x\.ts:1\n/);
});

test("what no test noticed while one that belongs to it was left out does not count", () => {
  const all = [found("a < b", "noticed"), found("c < d", "not told")];
  assert.deepEqual(scoresOf(all, { sample: 2, seed: 1 })["device/grade"]!.survivors, []);
  assert.match(tableOf(all, []), /device\/grade +1 +1 +100\.0 %\n\n1 more are not counted: a test that belongs/);
});

test("a module fails where it falls by more than five points, measured over the same mutations", () => {
  const names = Array.from({ length: 20 }, (_, n) => `a${n} < b`);
  const run = (survivors: number) => names.map((name, n) => found(name, n < survivors ? "survived" : "noticed"));
  const kept = scoresOf(run(3), { sample: 20, seed: 1 });
  assert.deepEqual(fallen(run(4), kept), []);
  assert.match(fallen(run(5), kept)[0]!, /^device\/grade: the tests notice 75 % of the mutations planted, 85 %/);
  // Cut short after ten, of which one more survives than last time: more than five points, and an accident.
  assert.deepEqual(fallen(run(4).slice(0, 10), kept), []);
  assert.match(fallen(run(5).slice(0, 10), kept)[0]!, /50 % of the mutations planted, 70 %/);
  // Cut short after the three that survived last time, too.
  assert.deepEqual(fallen(run(3).slice(0, 3), kept), []);
});

test("each mutation said to change nothing is still one that would be planted, and has its reason", () => {
  const equivalents = JSON.parse(readFileSync(join(import.meta.dirname, "equivalent.json"), "utf8")) as Equivalent[];
  for (const { name, reason } of equivalents) {
    const [file] = name.split(" | ");
    const names = mutationsIn(ROOT, [file!]).map(({ name }) => name);
    assert.ok(names.includes(name), `no such mutation any more, take it out of equivalent.json: ${name}`);
    assert.ok(reason.length > 20, `why nothing can be noticed: ${name}`);
  }
});
