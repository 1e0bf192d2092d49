import assert from "node:assert/strict";
import { test } from "node:test";
import { type Piece, PiecePool } from "../../../device/vision/piece.ts";
import { Regions } from "../../../device/vision/regions.ts";
import { Splitter } from "../../../device/vision/split.ts";

const COLS = 120;
const ROWS = 50;
const LEAST_RADIUS = 4;

type Ellipse = readonly [x: number, y: number, rx: number, ry: number, turn?: number];

function draw(ellipses: readonly Ellipse[]): Uint8Array {
  const mask = new Uint8Array(COLS * ROWS);
  for (const [x, y, rx, ry, turn = 0] of ellipses) {
    for (let at = 0; at < mask.length; at++) {
      const dx = (at % COLS) + 0.5 - x;
      const dy = Math.floor(at / COLS) + 0.5 - y;
      const along = dx * Math.cos(turn) + dy * Math.sin(turn);
      const across = dy * Math.cos(turn) - dx * Math.sin(turn);
      if ((along / rx) ** 2 + (across / ry) ** 2 < 1) mask[at] = 1;
    }
  }
  return mask;
}

function pieces(mask: Uint8Array): { pieces: Piece[]; labels: Uint8Array } {
  const pool = new PiecePool(32);
  const labels = new Uint8Array(mask.length);
  const regions = new Regions(COLS, ROWS);
  regions.find(mask, 20);
  new Splitter(COLS, ROWS, LEAST_RADIUS, pool, labels).run(regions);
  const found = pool.pieces.slice(0, pool.count).sort((a, b) => a.cx - b.cx);
  return { pieces: found, labels };
}

function assertCentres(found: readonly Piece[], ellipses: readonly Ellipse[], within: number): void {
  assert.equal(found.length, ellipses.length);
  for (const [i, [x, y, rx, ry]] of ellipses.entries()) {
    assert.ok(
      Math.hypot(found[i]!.cx - x, found[i]!.cy - y) < within,
      `piece ${i} at ${found[i]!.cx}, ${found[i]!.cy}`,
    );
    assert.ok(Math.abs(found[i]!.area / (Math.PI * rx * ry) - 1) < 0.05);
  }
}

test("one fruit is one piece, round or slim, with a hole or without", () => {
  for (const ellipse of [
    [40, 25, 16, 16],
    [40, 25, 20, 11, 0.6],
  ] as Ellipse[]) {
    const mask = draw([ellipse]);
    mask[25 * COLS + 40] = 0;
    mask[25 * COLS + 41] = 0;
    assertCentres(pieces(mask).pieces, [ellipse], 0.3);
    assert.equal(mask[25 * COLS + 40], 1);
  }
});

test("touching fruit are divided where they touch, whatever their shapes", () => {
  for (const ellipses of [
    [
      [30, 25, 16, 16],
      [61.5, 25, 16, 16],
    ],
    [
      [25, 25, 16, 13],
      [49.5, 24, 9, 18],
      [68, 26, 10, 9],
      [94, 25, 16.5, 12],
    ],
    [
      [40, 20, 16, 9, 0.5],
      [66, 28, 14, 14],
    ],
  ] as Ellipse[][]) {
    assertCentres(pieces(draw(ellipses)).pieces, ellipses, 1.2);
  }
});

test("a thin sliver of a neighbour at the end of the lane is cut off", () => {
  for (const beyond of [13, 11, 6, 1]) {
    const ellipses: Ellipse[] = [
      [-beyond, 25, 16, 16],
      [32 - beyond - 0.5, 25, 16, 16],
    ];
    const { pieces: found, labels } = pieces(draw(ellipses));
    assert.equal(found.length, 2, `${beyond} cells beyond the edge`);
    assert.ok(Math.abs(found[1]!.cx - (31.5 - beyond)) < 1);
    assert.notEqual(labels[25 * COLS], labels[25 * COLS + 30]);
    assert.ok(found[1]!.left > 0);
  }
});

test("a fruit that comes in alone is never divided", () => {
  for (let x = -11; x < 20; x++) assert.equal(pieces(draw([[x, 25, 16, 13]])).pieces.length, 1, `centre at ${x}`);
});

test("more regions than the pool holds are left out", () => {
  const mask = new Uint8Array(COLS * ROWS);
  for (let i = 0; i < 60; i++) for (let y = 0; y < 30; y++) mask[(y + 5) * COLS + 2 * i] = 1;
  assert.equal(pieces(mask).pieces.length, 32);
});
