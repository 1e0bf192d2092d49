import assert from "node:assert/strict";
import { test } from "node:test";
import { intoTiles, TILE } from "../../../device/grade/tiles.ts";
import { seededRandom } from "../../support/random.ts";

/** Points along a slanted line, far from the origin, in an order by chance. */
function onLine(count: number): { rows: Float32Array; along: number[] } {
  const random = seededRandom(count);
  const along = Array.from({ length: count }, () => 10 * random());
  return { rows: Float32Array.from(along.flatMap((t) => [40 - 3 * t, 2 + t, 7])), along };
}

test("rows that fit into one tile stay as they are", () => {
  const { rows } = onLine(TILE);
  const chosen = Uint32Array.from({ length: TILE }, (_, i) => TILE - 1 - i);
  const before = chosen.slice();
  intoTiles(rows, 3, chosen);
  assert.deepEqual(chosen, before);
});

test("points of a line are cut into tiles across it: each holds its part of the line and no other's", () => {
  for (const count of [TILE + 1, 3 * TILE, 5 * TILE + 17]) {
    const { rows, along } = onLine(count);
    const chosen = Uint32Array.from({ length: count }, (_, i) => i);
    intoTiles(rows, 3, chosen);
    assert.deepEqual(
      chosen.toSorted((a, b) => a - b),
      Uint32Array.from({ length: count }, (_, i) => i),
    );
    const parts = Array.from({ length: Math.ceil(count / TILE) }, (_, tile) => {
      const places = [...chosen.subarray(tile * TILE, (tile + 1) * TILE)].map((row) => along[row]!);
      return { from: Math.min(...places), to: Math.max(...places) };
    }).sort((a, b) => a.from - b.from);
    for (let at = 1; at < parts.length; at++) assert.ok(parts[at - 1]!.to < parts[at]!.from, `${count}: ${at}`);
  }
});

test("the widest extent is cut, whatever the first row is", () => {
  const random = seededRandom(3);
  // Two clusters, far apart along the second component only, wide in the first.
  const count = 2 * TILE;
  const points = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) points.set([5 + 4 * random(), i % 2 === 0 ? -9 : 9], 2 * i);
  for (const first of [0, 1, count / 2]) {
    const chosen = Uint32Array.from({ length: count }, (_, i) => (i + first) % count);
    intoTiles(points, 2, chosen);
    for (const half of [chosen.subarray(0, TILE), chosen.subarray(TILE)]) {
      assert.equal(new Set([...half].map((row) => row % 2)).size, 1, `first ${first}`);
    }
  }
});
