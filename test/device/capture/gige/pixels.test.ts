import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { balancer, converterOf } from "../../../../device/capture/gige/pixels.ts";
import { lacking } from "../../../support/camera-peers.ts";

const skip = lacking([
  {
    have: () => spawnSync("sh", ["-c", "ldconfig -p | grep -q libdc1394.so.25"]).status === 0,
    debian: "libdc1394-25",
  },
]);
const COLOUR = { R: 200, G: 120, B: 40 };
const TILES = { BayerRG8: "RGGB", BayerGB8: "GBRG", BayerGR8: "GRBG", BayerBG8: "BGGR" } as const;

for (const [format, tile] of Object.entries(TILES) as [keyof typeof TILES, string][]) {
  test(`an even colour seen through ${format} is that colour everywhere`, { skip }, () => {
    const [width, height] = [12, 8];
    const raw = Uint8Array.from({ length: width * height }, (_, at) => {
      const place = 2 * (Math.floor(at / width) % 2) + (at % 2);
      return COLOUR[tile[place] as keyof typeof COLOUR];
    });
    const rgb = new Uint8Array(width * height * 3);
    converterOf(format)!(raw, rgb, width, height);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = 3 * (row * width + column);
        assert.deepEqual([...rgb.subarray(at, at + 3)], [200, 120, 40], `${column},${row}`);
      }
    }
  });
}

test("grey is the same on all three channels", () => {
  const raw = Uint8Array.of(0, 1, 2, 255, 254, 253, 128, 7, 9);
  const rgb = new Uint8Array(27);
  converterOf("Mono8")!(raw, rgb, 3, 3);
  assert.deepEqual(
    [...rgb],
    [...raw].flatMap((grey) => [grey, grey, grey]),
  );
});

test("RGB8 needs no conversion, gains of 1 no balancing", () => {
  assert.equal(converterOf("RGB8"), undefined);
  assert.equal(balancer({ red: 1, green: 1, blue: 1 }), undefined);
});

test("gains are per channel and end at white", () => {
  const rgb = Uint8Array.of(100, 100, 100, 200, 200, 200);
  balancer({ red: 1.5, green: 1, blue: 0.5 })!(rgb, 6);
  assert.deepEqual([...rgb], [150, 100, 50, 255, 200, 100]);
});
