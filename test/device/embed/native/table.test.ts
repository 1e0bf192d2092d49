import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf } from "../../../../device/embed/native/library.ts";
import { type Entry, lastPlaces, NEWEST_API, OLDEST_API, table } from "../../../../device/embed/native/table.ts";

const entries = Object.entries(table) as [string, Entry][];

test("every place lies inside the version that fixed it", () => {
  const versions = [...lastPlaces.keys()].sort((a, b) => a - b);
  for (const [name, { index, since }] of entries) {
    const before = versions.filter((version) => version < since).at(-1);
    const first = before === undefined ? 0 : lastPlaces.get(before)! + 1;
    assert.ok(index >= first && index <= lastPlaces.get(since)!, `${name}: ${index} is not of version ${since}`);
  }
});

test("no two functions have one place", () => {
  assert.equal(new Set(entries.map(([, { index }]) => index)).size, entries.length);
});

test("a table is read no further than its version goes", () => {
  assert.equal(placesOf(NEWEST_API), 414);
  assert.equal(placesOf(21), 285, "21 brought nothing, its table is that of 20");
  assert.equal(placesOf(OLDEST_API), 280);
});
