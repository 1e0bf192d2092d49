import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentValues } from "../../../device/lanes/latency.ts";

test("without a value all quantiles are zero; of one value all are that value", () => {
  const values = new RecentValues();
  assert.deepEqual(values.quantiles(), { p50: 0, p99: 0, max: 0 });
  values.add(7);
  assert.deepEqual(values.quantiles(), { p50: 7, p99: 7, max: 7 });
});

test("quantiles are by nearest rank, whatever the order in which values came", () => {
  const values = new RecentValues();
  for (let i = 0; i < 100; i++) values.add(((i * 37) % 100) + 1);
  assert.deepEqual(values.quantiles(), { p50: 50, p99: 99, max: 100 });
});

test("values are compared as numbers", () => {
  const values = new RecentValues();
  for (const value of [9, 10, 100]) values.add(value);
  assert.deepEqual(values.quantiles(), { p50: 10, p99: 100, max: 100 });
});

test("only the newest count", () => {
  const values = new RecentValues(4);
  for (const value of [1000, 1000, 1, 2, 3, 4]) values.add(value);
  assert.deepEqual(values.quantiles(), { p50: 2, p99: 4, max: 4 });
});
