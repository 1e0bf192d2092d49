import assert from "node:assert/strict";
import { test } from "node:test";
import { DistanceTransform } from "../../../device/vision/distance.ts";

test("distances to the background are those of a search over all pixels", () => {
  const transform = new DistanceTransform();
  for (const [width, height, salt] of [
    [23, 17, 3],
    [1, 9, 5],
    [40, 2, 11],
  ] as const) {
    const mask = Uint8Array.from({ length: width * height }, (_, i) =>
      Math.imul(i + salt, 2654435761) >>> 28 ? 1 : 0,
    );
    const out = new Int32Array(width * height);
    transform.run(mask, width, height, out);
    for (let at = 0; at < mask.length; at++) {
      let least = Number.POSITIVE_INFINITY;
      for (let other = 0; other < mask.length; other++) {
        if (mask[other] !== 0) continue;
        const dx = (at % width) - (other % width);
        const dy = Math.floor(at / width) - Math.floor(other / width);
        least = Math.min(least, dx * dx + dy * dy);
      }
      assert.equal(out[at], least);
    }
  }
});

test("without any background all is far away", () => {
  const out = new Int32Array(6);
  new DistanceTransform().run(new Uint8Array(6).fill(1), 3, 2, out);
  for (const distance of out) assert.ok(distance >= 32_767 ** 2);
});
