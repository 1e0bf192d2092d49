import assert from "node:assert/strict";
import { test } from "node:test";
import { tolerancesOf } from "../../../calibrate/evaluate/tolerance.ts";

/** Class and tolerance of each grade. */
function found(grades: readonly string[], own?: ReadonlyMap<string, number>): unknown[] {
  return tolerancesOf(grades, own).map(({ class: of, tolerance }) => [of, tolerance]);
}

test("usual names stand for the classes of FFV-50", () => {
  assert.deepEqual(found(["Extra", "class 1", "Class II", "juice", "reject"]), [
    ["Extra", 0.05],
    ["Class I", 0.1],
    ["Class II", 0.1],
    [null, null],
    [null, null],
  ]);
  assert.deepEqual(found(["sound", "second", "reject"]), [
    ["Class I", 0.1],
    ["Class II", 0.1],
    [null, null],
  ]);
});

test("other names get the class at their place, the worst gets none, a single one the strictest", () => {
  assert.deepEqual(found(["gold", "silver", "bronze", "rest"]), [
    ["Extra", 0.05],
    ["Class I", 0.1],
    ["Class II", 0.1],
    [null, null],
  ]);
  assert.deepEqual(found(["gold"]), [["Extra", 0.05]]);
});

test("a grade's own tolerance goes before all", () => {
  assert.deepEqual(found(["sound", "reject"], new Map([["reject", 0.02]])), [
    ["Class I", 0.1],
    ["own", 0.02],
  ]);
});
