import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { StillCropper } from "../../../device/vision/still.ts";

const folder = new URL("../../fixtures/crops/", import.meta.url);
const shape = { sizePx: 96, margin: 0.06, fill: 118 };
/** One for all: what it keeps of a picture must not show in the next. */
const cropper = new StillCropper(shape);

async function read(name: string): Promise<{ widthPx: number; heightPx: number; data: Uint8Array }> {
  const { data, info } = await sharp(fileURLToPath(new URL(name, folder)))
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  return { widthPx: info.width, heightPx: info.height, data };
}

const names = readdirSync(folder)
  .filter((name) => name.endsWith(".crop.png"))
  .map((name) => name.slice(0, -".crop.png".length));

for (const name of names) {
  test(`a still photograph is cut as the training recipe cuts it: ${name}`, async () => {
    const { crop, whole } = cropper.cut(await read(`${name}.png`));
    const { data: expected } = await read(`${name}.crop.png`);
    assert.equal(crop.length, expected.length);
    let worst = 0;
    let sum = 0;
    for (let i = 0; i < crop.length; i++) {
      const difference = Math.abs(crop[i]! - expected[i]!);
      worst = Math.max(worst, difference);
      sum += difference;
    }
    assert.ok(worst <= 1, `differs by ${worst}, on average by ${sum / crop.length}`);
    assert.equal(whole, name === "filling");
  });
}

/** A disc of one colour before another. */
function disc(side: number, radius: number, ground: number, colour: readonly number[]): Uint8Array {
  const data = new Uint8Array(side * side * 3).fill(ground);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (Math.hypot(x + 0.5 - side / 2, y + 0.5 - side / 2) < radius) data.set(colour, (y * side + x) * 3);
    }
  }
  return data;
}

test("the box and the share of a disc are those of the disc", () => {
  const found = cropper.cut({ widthPx: 200, heightPx: 200, data: disc(200, 60, 250, [180, 30, 30]) });
  assert.deepEqual(found.box, { x: 40, y: 40, w: 120, h: 120 });
  assert.ok(Math.abs(found.areaShare - (Math.PI * 3600) / 40_000) < 0.002);
  assert.equal(found.whole, false);
});

test("a hole in the fruit that shows the background's colour belongs to the fruit", () => {
  const data = disc(200, 60, 250, [180, 30, 30]);
  for (let y = 95; y < 105; y++) data.fill(250, (y * 200 + 95) * 3, (y * 200 + 105) * 3);
  const { crop } = cropper.cut({ widthPx: 200, heightPx: 200, data });
  const middle = (48 * 96 + 48) * 3;
  assert.deepEqual([...crop.subarray(middle, middle + 3)], [250, 250, 250]);
});

test("a picture without a fruit, or before a busy ground, counts as the fruit itself", () => {
  const plain = new Uint8Array(50 * 40 * 3).fill(200);
  assert.deepEqual(cropper.cut({ widthPx: 50, heightPx: 40, data: plain }).box, { x: 0, y: 0, w: 50, h: 40 });
  const busy = plain.map((_, i) => (i * 7919) % 256);
  const found = cropper.cut({ widthPx: 50, heightPx: 40, data: busy });
  assert.equal(found.whole, true);
  assert.equal(found.areaShare, 1);
});
