import assert from "node:assert/strict";
import { test } from "node:test";
import { Cropper } from "../../../device/vision/crop.ts";
import type { Box } from "../../../device/vision/follower.ts";

const FILL = 118;

function picture(widthPx: number, heightPx: number): { widthPx: number; heightPx: number; data: Uint8Array } {
  const data = Uint8Array.from({ length: widthPx * heightPx * 3 }, (_, i) => Math.imul(i + 3, 2654435761) >>> 24);
  return { widthPx, heightPx, data };
}

/** The same crop by the definition: every pixel of the square weighed by its overlap. */
function expected(image: ReturnType<typeof picture>, mask: Uint8Array, area: Box, box: Box, size: number): number[] {
  const side = Math.ceil(Math.max(box.w, box.h) * 1.12);
  const left = box.x + Math.floor((box.w - side) / 2);
  const top = box.y + Math.floor((box.h - side) / 2);
  const step = side / size;
  const overlap = (i: number, x: number): number =>
    Math.max(0, Math.min((i + 1) * step, x + 1) - Math.max(i * step, x));
  const out: number[] = [];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = 0; y < side; y++) {
          for (let x = 0; x < side; x++) {
            const [px, py] = [left + x, top + y];
            const inside = px >= box.x && px < box.x + box.w && py >= box.y && py < box.y + box.h;
            const shown = inside && mask[(py - area.y) * area.w + px - area.x] === 1;
            const value = shown ? image.data[(py * image.widthPx + px) * 3 + c]! : FILL;
            sum += overlap(i, y) * overlap(j, x) * value;
          }
        }
        out.push(Math.floor(sum / (step * step) + 0.5));
      }
    }
  }
  return out;
}

for (const [name, w, h, size] of [
  ["larger than the crop", 37, 29, 16],
  ["as large as the crop", 14, 13, 16],
  ["smaller than the crop", 9, 7, 16],
  ["many times as large", 90, 61, 5],
] as const) {
  test(`a square that is ${name} is averaged by area`, () => {
    const image = picture(120, 80);
    const area = { x: 11, y: 6, w: w + 4, h: h + 3 };
    const box = { x: 13, y: 7, w, h };
    const mask = Uint8Array.from({ length: area.w * area.h }, (_, i) => (i % 7 === 3 ? 0 : 1));
    const crop = new Cropper({ sizePx: size, margin: 0.06, fill: FILL }).cut(image, mask, area, box);
    for (const [i, value] of expected(image, mask, area, box, size).entries()) {
      assert.ok(Math.abs(crop[i]! - value) <= 1, `byte ${i}: ${crop[i]} for ${value}`);
    }
  });
}

test("a square that reaches beyond the picture is filled there", () => {
  const image = picture(40, 30);
  const box = { x: 0, y: 0, w: 40, h: 30 };
  const crop = new Cropper({ sizePx: 10, margin: 0.06, fill: FILL }).cut(image, new Uint8Array(1200).fill(1), box, box);
  assert.deepEqual([...crop.subarray(0, 30)], Array(30).fill(FILL));
});
