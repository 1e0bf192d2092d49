import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { qualityOf, THUMB, thumbDifference } from "../../../calibrate/audit/quality.ts";
import { seededRandom } from "../../support/random.ts";

const SIZE = 96;
const FILL = 118;

interface Fruit {
  /** Contrast of what is on the fruit. */
  readonly contrast?: number;
  readonly light?: number;
  /** Where the picture ends, columns from the left. */
  readonly end?: number;
}

/** A disc with spots of a few pixels before grey. */
function paint({ contrast = 40, light = 140, end = SIZE }: Fruit = {}): Uint8Array {
  const random = seededRandom(2);
  const spots = Array.from({ length: 32 * 32 }, () => random() - 0.5);
  const crop = new Uint8Array(SIZE * SIZE * 3).fill(FILL);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < end; x++) {
      if (Math.hypot(x - 48, y - 48) > 42) continue;
      const value = Math.max(0, Math.min(255, light + contrast * spots[Math.floor(y / 3) * 32 + Math.floor(x / 3)]!));
      crop.set([value, Math.max(0, value - 30), Math.min(255, value + 5)], (y * SIZE + x) * 3);
    }
  }
  return crop;
}

/** The fruit out of focus; the background stays what it is, as a mask makes it. */
async function blur(crop: Uint8Array, sigma: number): Promise<Uint8Array> {
  const raw = { raw: { width: SIZE, height: SIZE, channels: 3 as const } };
  const soft = await sharp(crop, raw).blur(sigma).raw().toBuffer();
  return crop.map((value, i) => (crop[i - (i % 3)] === FILL && crop[i - (i % 3) + 1] === FILL ? value : soft[i]!));
}

const quality = (crop: Uint8Array) => qualityOf(crop, SIZE, FILL);

test("blur takes more than half of the sharpness, a weaker pattern next to nothing", async () => {
  const { sharpness } = quality(paint());
  assert.ok(quality(await blur(paint(), 1.5)).sharpness < 0.5 * sharpness);
  const weak = quality(paint({ contrast: 15 })).sharpness;
  assert.ok(weak > 0.8 * sharpness && weak < 1.25 * sharpness, `${weak} and ${sharpness}`);
});

test("a fruit that the picture cuts off lies along an edge, a round one does not", () => {
  assert.ok(quality(paint()).edge < 0.4);
  assert.ok(quality(paint({ end: 60 })).edge > 0.8);
});

test("darkness and lost highlights are measured on the fruit alone", () => {
  const { bright, clipped } = quality(paint());
  assert.ok(bright > 120 && bright < 160 && clipped === 0);
  assert.ok(quality(paint({ light: 20, contrast: 10 })).bright < 30);
  const white = new Uint8Array(SIZE * SIZE * 3).fill(255);
  assert.deepEqual([quality(white).clipped, quality(white).bright, quality(white).edge], [1, 255, 1]);
});

test("a crop without a fruit has nothing to measure", () => {
  const none = new Uint8Array(SIZE * SIZE * 3).fill(FILL);
  const thumb = new Uint8Array(THUMB * THUMB).fill(FILL);
  assert.deepEqual(quality(none), { sharpness: 0, bright: 0, clipped: 0, edge: 0, thumb });
});

test("a picture saved anew as JPEG is known by its thumb, another light is not", async () => {
  const raw = { raw: { width: SIZE, height: SIZE, channels: 3 as const } };
  const anew = await sharp(await sharp(paint(), raw).jpeg({ quality: 70 }).toBuffer())
    .raw()
    .toBuffer();
  assert.ok(thumbDifference(quality(paint()).thumb, quality(anew).thumb) < 2);
  assert.ok(thumbDifference(quality(paint()).thumb, quality(paint({ light: 150 })).thumb) > 3);
});
