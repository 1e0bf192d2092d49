import assert from "node:assert/strict";
import { test } from "node:test";
import { appearanceOf } from "../../../../device/teach/drift/appearance.ts";

const SIDE = 48;
const FILL = 118;

/** A crop whose fruit is a disc of the given colour; `stripes` makes every second column so much brighter. */
function crop(r: number, g: number, b: number, { radius = 20, stripes = 0 } = {}): Uint8Array {
  const data = new Uint8Array(SIDE * SIDE * 3).fill(FILL);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      if (Math.hypot(x - SIDE / 2, y - SIDE / 2) > radius) continue;
      const more = x % 2 === 0 ? stripes : 0;
      data.set([r + more, g + more, b + more], (y * SIDE + x) * 3);
    }
  }
  return data;
}

const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found}, not ${wanted}`);

test("brightness, warmth and tint are logarithms to base two of what the fruit's pixels show", () => {
  const look = appearanceOf(crop(160, 80, 40), SIDE, FILL)!;
  near(look.brightness, Math.log2(0.299 * 160 + 0.587 * 80 + 0.114 * 40));
  near(look.warmth, 2);
  near(look.tint, 0);
  const half = appearanceOf(crop(80, 40, 20), SIDE, FILL)!;
  near(look.brightness - half.brightness, 1);
  near(look.warmth - half.warmth, 0);
  near(appearanceOf(crop(80, 160, 80), SIDE, FILL)!.tint, 1);
});

test("sharpness is the step between neighbours against the light, and a plain fruit's is that of the least step", () => {
  const plain = appearanceOf(crop(100, 100, 100), SIDE, FILL)!;
  near(plain.sharpness, Math.log2(0.25 / 100));
  const striped = appearanceOf(crop(100, 100, 100, { stripes: 20 }), SIDE, FILL)!;
  assert.ok(striped.sharpness > Math.log2(20 / 130) && striped.sharpness < Math.log2(20.5 / 100));
});

test("the background counts for nothing, and too little of a fruit says nothing", () => {
  const [large, small] = [20, 12].map((radius) => appearanceOf(crop(90, 120, 60, { radius }), SIDE, FILL)!);
  near(large!.brightness, small!.brightness);
  near(large!.warmth, small!.warmth);
  assert.equal(appearanceOf(crop(90, 120, 60, { radius: 2 }), SIDE, FILL), undefined);
  assert.equal(appearanceOf(new Uint8Array(SIDE * SIDE * 3).fill(FILL), SIDE, FILL), undefined);
});

test("a fruit that is black has a look all the same", () => {
  const look = appearanceOf(crop(0, 0, 0), SIDE, FILL)!;
  for (const value of Object.values(look)) assert.ok(Number.isFinite(value));
  near(look.warmth, 0);
});
