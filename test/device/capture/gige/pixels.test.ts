import assert from "node:assert/strict";
import { test } from "node:test";
import koffi from "koffi";
import { balancer, converterOf } from "../../../../device/capture/gige/pixels.ts";
import { hasLibrary, lacking, libyuvNeed } from "../../../support/camera-peers.ts";

const skip = lacking([libyuvNeed]);
const skipDc1394 = lacking([libyuvNeed, { have: hasLibrary("libdc1394.so.25"), debian: "libdc1394-25" }]);
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

/** dc1394_conversions.h: colour of the first two pixels of the first row. */
const DC1394_TILES = { BayerRG8: 512, BayerGB8: 513, BayerGR8: 514, BayerBG8: 515 } as const;
const DC1394_BILINEAR = 2;

for (const format of Object.keys(TILES) as (keyof typeof TILES)[]) {
  test(`every pixel of ${format} but the outermost is what libdc1394 makes of it`, { skip: skipDc1394 }, () => {
    const decode = koffi
      .load("libdc1394.so.25")
      .func("int dc1394_bayer_decoding_8bit(void *raw, void *rgb, uint32 w, uint32 h, int tile, int method)");
    // One size after the other, as nothing of the one before may stay; bands, pairs and vectors end in all ways.
    const convert = converterOf(format)!;
    const sizes = [[1280, 720], ...[4, 15, 16, 17, 18, 33].flatMap((w) => [4, 16, 17, 31, 34].map((h) => [w, h]))];
    for (const [width, height] of sizes as [number, number][]) {
      const raw = noise(width * height);
      const [expected, rgb] = [new Uint8Array(raw.length * 3), new Uint8Array(raw.length * 3)];
      assert.equal(decode(raw, expected, width, height, DC1394_TILES[format], DC1394_BILINEAR), 0);
      convert(raw, rgb, width, height);
      for (let row = 0; row < height; row++) {
        const inner = Math.min(Math.max(row, 1), height - 2);
        for (const [column, from] of [[0, 1] as const, [width - 1, width - 2] as const]) {
          expected.copyWithin(3 * (inner * width + column), 3 * (inner * width + from), 3 * (inner * width + from + 1));
        }
        const at = 3 * row * width;
        const inside = expected.subarray(3 * inner * width, 3 * (inner + 1) * width);
        assert.ok(Buffer.compare(rgb.subarray(at, at + 3 * width), inside) === 0, `row ${row} of ${width}x${height}`);
      }
    }
  });
}

test("grey is the same on all three channels", { skip }, () => {
  for (const [width, height] of [[3, 3] as const, [37, 5] as const, [1280, 2] as const]) {
    const raw = noise(width * height);
    const rgb = new Uint8Array(raw.length * 3);
    converterOf("Mono8")!(raw, rgb, width, height);
    assert.deepEqual(
      [...rgb],
      [...raw].flatMap((grey) => [grey, grey, grey]),
    );
  }
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

/** Bytes that repeat in no row or column. */
function noise(count: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
