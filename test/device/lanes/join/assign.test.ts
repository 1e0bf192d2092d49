import assert from "node:assert/strict";
import { test } from "node:test";
import { assign } from "../../../../device/lanes/join/assign.ts";
import { seededRandom } from "../../../support/random.ts";

/** Every way to give rows columns, by trying all of them. */
function cheapest(cost: Float64Array, rows: number, cols: number, alone: number): number {
  const taken = new Uint8Array(cols);
  const best = (row: number): number => {
    if (row === rows) return 0;
    let least = alone + best(row + 1);
    for (let col = 0; col < cols; col++) {
      if (taken[col] === 1) continue;
      taken[col] = 1;
      least = Math.min(least, cost[row * cols + col]! + best(row + 1));
      taken[col] = 0;
    }
    return least;
  };
  return best(0);
}

test("an assignment is as cheap as the cheapest of all, one to one", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 400; round++) {
    const rows = Math.floor(random() * 6);
    const cols = Math.floor(random() * 6);
    const cost = Float64Array.from({ length: rows * cols }, () =>
      random() < 0.2 ? Number.POSITIVE_INFINITY : 1.5 * random(),
    );
    const found = assign(cost, rows, cols, 1);
    let sum = 0;
    const used = [...found].filter((col) => col >= 0);
    assert.equal(new Set(used).size, used.length);
    for (let row = 0; row < rows; row++) sum += found[row]! < 0 ? 1 : cost[row * cols + found[row]!]!;
    assert.ok(Math.abs(sum - cheapest(cost, rows, cols, 1)) < 1e-9, `round ${round}`);
  }
});

test("a row that costs too much everywhere stays alone, and two share no column", () => {
  const INF = Number.POSITIVE_INFINITY;
  assert.deepEqual([...assign(Float64Array.of(INF, INF, 0.1, INF), 2, 2, 1)], [-1, 0]);
  assert.deepEqual([...assign(Float64Array.of(0.2, 0.1), 2, 1, 1)], [-1, 0]);
  assert.deepEqual([...assign(new Float64Array(0), 3, 0, 1)], [-1, -1, -1]);
});
