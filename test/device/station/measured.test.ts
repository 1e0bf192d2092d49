import assert from "node:assert/strict";
import { test } from "node:test";
import { Measured } from "../../../device/station/measured.ts";

const lanes = { late: 0, items: 0 };
const cameras = { dropped: 0, seen: 0 };
let embedding = { waiting: false, done: 0 };
const measured = new Measured({
  lanes: () => [{ lane: "a", ...lanes }],
  cameras: () => [{ camera: "c", ...cameras }],
  embedding: () => embedding,
});
const at = (seconds: number) => [...measured.reasons(seconds * 1000)].map(({ code, message }) => `${code}: ${message}`);

test("late verdicts and dropped frames are told by their share of the last minute, and gone a minute after the last", () => {
  assert.deepEqual(at(0), []);
  Object.assign(lanes, { late: 2, items: 4 });
  assert.deepEqual(at(1), [], "two may be an accident");
  Object.assign(lanes, { late: 2877, items: 3200 });
  assert.deepEqual(at(10), ["verdicts-late: lane a: 2877 of 3200 verdicts of the last minute were late"]);
  Object.assign(cameras, { dropped: 50, seen: 200 });
  assert.deepEqual(at(20).slice(1), ["frames-dropped: camera c: 50 of 200 frames of the last minute were dropped"]);
  assert.equal(at(69).length, 2);
  assert.deepEqual(at(71), ["frames-dropped: camera c: 50 of 200 frames of the last minute were dropped"]);
  assert.deepEqual(at(81), []);
});

test("a small share is no reason, and a counter that begins anew neither", () => {
  Object.assign(lanes, { late: 2887, items: 5200 });
  Object.assign(cameras, { dropped: 0, seen: 10 });
  assert.deepEqual(at(90), []);
});

test("views that wait while the model gives nothing back are told, those of a busy model are not", () => {
  embedding = { waiting: true, done: 5 };
  assert.deepEqual([at(100), at(102)], [[], []]);
  assert.match(at(103)[0]!, /^views-waiting/);
  embedding = { waiting: true, done: 6 };
  assert.deepEqual(at(104), []);
});
