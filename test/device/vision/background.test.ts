import assert from "node:assert/strict";
import { test } from "node:test";
import { Background } from "../../../device/vision/background.ts";

const COLS = 30;
const ROWS = 20;
const BELT = [70, 84, 100] as const;
/** So little of a fruit's colour that a cell still counts as belt. */
const MIXED = [76, 84, 100] as const;
const FRUIT = [180, 40, 40] as const;

type Colour = readonly [number, number, number];

function frame(colourOf: (col: number, row: number) => Colour): Uint8Array {
  const data = new Uint8Array(COLS * ROWS * 3);
  for (let row = 0, at = 0; row < ROWS; row++) {
    for (let col = 0; col < COLS; col++, at += 3) data.set(colourOf(col, row), at);
  }
  return data;
}

interface Seen {
  readonly background: Background;
  readonly mask: Uint8Array;
}

/** A background that has seen the bare belt often enough to know it. */
function known(): Seen {
  const background = new Background({ roi: { x: 0, y: 0, w: COLS, h: ROWS }, step: 1, cols: COLS, rows: ROWS }, false);
  const seen = { background, mask: new Uint8Array(COLS * ROWS) };
  for (let n = 0; n < 40; n++)
    look(
      seen,
      frame(() => BELT),
    );
  return seen;
}

function look({ background, mask }: Seen, data: Uint8Array, keep = new Uint8Array(COLS * ROWS), moving = true): void {
  assert.equal(background.look(data, COLS, mask), "clear");
  background.learn(mask, keep, moving);
}

function redOf({ background }: Seen, col: number, row: number): number {
  return background.colour[(row * COLS + col) * 3]!;
}

const inFruit = (col: number, row: number) => col >= 10 && col < 18 && row >= 6 && row < 14;
const atRim = (col: number, row: number) =>
  !inFruit(col, row) && [-1, 1].some((d) => inFruit(col + d, row) || inFruit(col, row + d));

test("the rim of a fruit, with its colour mixed in, is not learnt as belt; a belt of that colour is", () => {
  const seen = known();
  const fruit = frame((col, row) => (inFruit(col, row) ? FRUIT : atRim(col, row) ? MIXED : BELT));
  // One that has been seen to move is never learnt.
  const keep = new Uint8Array(COLS * ROWS).fill(1);
  for (let n = 0; n < 200; n++) look(seen, fruit, keep);
  for (const [col, row] of [
    [9, 8],
    [18, 10],
    [12, 5],
    [15, 14],
  ] as const) {
    assert.ok(atRim(col, row) && Math.abs(redOf(seen, col, row) - BELT[0]) < 0.5, `${col} ${row}`);
  }
  const mixed = frame((col) => (col < 5 ? MIXED : BELT));
  for (let n = 0; n < 200; n++) look(seen, mixed);
  assert.ok(Math.abs(redOf(seen, 2, 10) - MIXED[0]) < 1, String(redOf(seen, 2, 10)));
});

test("what stands where no fruit was seen to move becomes belt after a while; a fruit that stands never does", () => {
  const standing = frame((col, row) => (inFruit(col, row) ? FRUIT : BELT));
  const middle = 10 * COLS + 14;
  for (const [moved, moving] of [
    [false, true],
    [true, true],
    [false, false],
  ] as const) {
    const seen = known();
    const keep = new Uint8Array(COLS * ROWS).fill(moved ? 1 : 0);
    for (let n = 0; n < 20; n++) look(seen, standing, keep, moving);
    assert.equal(seen.mask[middle], 1);
    for (let n = 0; n < 1000; n++) look(seen, standing, keep, moving);
    // Without anything that moves nothing can be said to stay.
    assert.equal(seen.mask[middle], !moved && moving ? 0 : 1, `moved ${moved}, moving ${moving}`);
  }
});

test("a belt that is covered is told, for sixty frames; then what covers it is the belt", () => {
  const seen = known();
  const cover = frame(() => [190, 140, 120]);
  const sights = Array.from({ length: 61 }, () => seen.background.look(cover, COLS, seen.mask));
  assert.deepEqual(new Set(sights.slice(0, 60)), new Set(["covered"]));
  assert.equal(sights[60], "clear");
  // The belt before is known still.
  assert.equal(
    seen.background.look(
      frame(() => BELT),
      COLS,
      seen.mask,
    ),
    "clear",
  );
  assert.ok(Math.abs(redOf(seen, 5, 5) - BELT[0]) < 1);
});
