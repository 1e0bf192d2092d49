import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { writePng } from "../../../device/capture/image.ts";
import { pictureAt, readSprite } from "../../../device/simulation/sprites.ts";

const folder = await mkdtemp(join(tmpdir(), "gradeline-sprites-"));
after(() => rm(folder, { recursive: true }));

/** A dark disc with a soft edge before white, a white highlight inside and a stem 4 pixels wide to the left. */
async function disc(name: string, side: number, radius: number): Promise<string> {
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const dx = (i % side) + 0.5 - side / 2;
    const dy = Math.floor(i / side) + 0.5 - side / 2;
    const distance = Math.hypot(dx, dy);
    const stem = dx < 0 && dx > -radius * 1.3 && Math.abs(dy) < 2;
    const cover = stem ? 1 : Math.max(0, Math.min(1, radius - distance + 0.5));
    const highlight = Math.hypot(dx - radius / 3, dy) < radius / 6;
    for (let c = 0; c < 3; c++) data[3 * i + c] = highlight ? 250 : Math.round(255 - cover * (255 - [120, 40, 30][c]!));
  }
  const path = join(folder, name);
  await writePng(path, { widthPx: side, heightPx: side, data });
  return path;
}

describe("cutting a fruit from white", () => {
  test("keeps the fruit with its highlight, drops the white, and a stem makes it no larger", async () => {
    const sprite = await readSprite(await disc("a.png", 100, 36), 200);
    const cover = (x: number, y: number): number => sprite.data[(y * sprite.widthPx + x) * 4 + 3]!;
    assert.equal(cover(50, 50), 255);
    assert.equal(cover(62, 50), 255);
    assert.equal(cover(3, 3), 0);
    assert.ok(Math.abs(sprite.diameterPx - 72) < 2.5, `${sprite.diameterPx}`);
    assert.ok(Math.abs(sprite.cx - 50) < 1 && Math.abs(sprite.cy - 50) < 0.5);
  });

  test("leaves no white in the colours at the edge", async () => {
    const sprite = await readSprite(await disc("b.png", 100, 36), 200);
    for (let i = 0; i < sprite.widthPx * sprite.heightPx; i++) {
      const highlight = Math.hypot((i % 100) - 62, Math.floor(i / 100) - 50) < 9;
      if (sprite.data[4 * i + 3]! > 60 && !highlight) {
        assert.ok(sprite.data[4 * i + 1]! < 110, `pixel ${i} has green ${sprite.data[4 * i + 1]}`);
      }
    }
  });

  test("a large picture is scaled down", async () => {
    const sprite = await readSprite(await disc("c.png", 300, 110), 150);
    assert.equal(sprite.widthPx, 150);
    assert.ok(Math.abs(sprite.diameterPx - 110) < 4, `${sprite.diameterPx}`);
  });
});

describe("turning a sequence of pictures", () => {
  const sequence = (count: number): Parameters<typeof pictureAt>[0] => ({
    grade: "sound",
    item: "a",
    files: Array.from({ length: count }, (_, i) => `${i}.jpg`),
  });

  test("a short one is one turn, from wherever it starts, backwards too", () => {
    assert.equal(pictureAt(sequence(40), 0, 0.5), 20);
    assert.equal(pictureAt(sequence(40), 30, 0.5), 10);
    assert.equal(pictureAt(sequence(40), 0, -0.25), 30);
    assert.equal(pictureAt(sequence(40), 7, 3), 7);
  });

  test("a long one plays on over several turns", () => {
    assert.equal(pictureAt(sequence(360), 0, 1), 120);
    assert.equal(pictureAt(sequence(360), 0, 2.5), 300);
    assert.equal(pictureAt(sequence(360), 0, 3), 0);
  });
});
