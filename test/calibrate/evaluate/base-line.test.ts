import assert from "node:assert/strict";
import { test } from "node:test";
import { BaseLine, type ColourItem, HSV_LENGTH, hsvHistogram } from "../../../calibrate/evaluate/base-line.ts";
import { NO_ITEM } from "../../../device/grade/search/distance.ts";

const FILL = 118;

/** Pixels of colours. */
function crop(...colours: readonly (readonly [number, number, number])[]): Uint8Array {
  return Uint8Array.from(colours.flat());
}

function histogram(pixels: Uint8Array): Float32Array {
  const out = new Float32Array(HSV_LENGTH).fill(9);
  hsvHistogram(pixels, FILL, out);
  return out;
}

function item(grade: string, ...views: readonly Uint8Array[]): ColourItem {
  const histograms = new Float32Array(views.length * HSV_LENGTH);
  for (const [view, pixels] of views.entries()) histograms.set(histogram(pixels), view * HSV_LENGTH);
  return { grade, views: views.length, histograms };
}

const RED = [200, 20, 20] as const;
const GREEN = [20, 200, 20] as const;
const BLUE = [20, 20, 200] as const;

test("colours are counted by hue, saturation and value, the background is not", () => {
  const found = histogram(crop([FILL, FILL + 2, FILL - 2], [255, 0, 0], [255, 0, 0], [255, 0, 0], [0, 255, 0]));
  const bins = new Map([...found.entries()].filter(([, value]) => value > 0));
  // Pure red: hue 0, saturation and value in the last of eight parts; pure green: hue 1/3.
  assert.deepEqual(
    [...bins.keys()].sort((a, b) => a - b),
    [7 * 8 + 7, 2 * 64 + 7 * 8 + 7],
  );
  assert.ok(Math.abs(bins.get(63)! ** 2 - 0.75) < 1e-6);
  assert.ok(Math.abs(Math.hypot(...found) - 1) < 1e-6);
  // Black and white have no hue.
  assert.equal(histogram(crop([0, 0, 0]))[0], 1);
  assert.equal(histogram(crop([255, 255, 255]))[7], 1);
  assert.ok(histogram(crop([FILL, FILL, FILL])).every((value) => value === 0));
});

test("an item has the grade of the nearest reference or mean, and the one left out does not count", () => {
  const enrolled = [item("sound", crop(GREEN)), item("sound", crop(GREEN, GREEN, RED)), item("reject", crop(RED))];
  const baseLine = new BaseLine(enrolled, ["sound", "second", "reject"]);
  const red = baseLine.judge(item("reject", crop(RED), crop(GREEN)), NO_ITEM);
  assert.deepEqual([red.nearestReference.viewsRight, red.gradeMean.viewsRight], [1, 1]);
  const alone = baseLine.judge(enrolled[2]!, 2);
  assert.deepEqual([alone.nearestReference.said, alone.gradeMean.said], ["sound", "sound"]);
  assert.ok(alone.nearestReference.distance > 0.5);
  const known = baseLine.judge(enrolled[2]!, NO_ITEM);
  assert.deepEqual([known.nearestReference.said, known.nearestReference.distance], ["reject", 0]);
});

test("a stranger is farther than what is enrolled", () => {
  const baseLine = new BaseLine([item("sound", crop(GREEN)), item("reject", crop(RED))], ["sound", "reject"]);
  const stranger = baseLine.judge(item("unknown", crop(BLUE)), NO_ITEM);
  const own = baseLine.judge(item("sound", crop(GREEN)), NO_ITEM);
  for (const rule of ["nearestReference", "gradeMean"] as const)
    assert.ok(stranger[rule].distance > own[rule].distance);
});
