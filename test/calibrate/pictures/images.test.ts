import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { checkGrade } from "../../../calibrate/pictures/images.ts";
import { StillReader } from "../../../calibrate/pictures/still-reader.ts";
import { MADE_MODEL } from "../../support/gallery-made.ts";

const wrong = [
  "",
  ".",
  "..",
  "../x",
  "/etc",
  "a/b",
  "a\\b",
  "a\0",
  "a\u0007b",
  "line\nbreak",
  "\u001b[31m",
  "\u202egrade",
];

test("names that lead out of a folder, hide or steer a terminal cannot be grades", () => {
  for (const name of [...wrong, "x".repeat(41), "unknown", "-rf", " sound", ".hidden"]) {
    assert.throws(() => checkGrade(name), { code: "GRADE" }, JSON.stringify(name));
  }
});

test("what people write can be a grade", () => {
  for (const name of ["sound", "Class 1", "2nd", "extra-fancy", "Güteklasse_II", "特級", "a.b", "x".repeat(40)]) {
    assert.equal(checkGrade(name), name);
  }
});

test("a picture of millions of pixels gives the crop that it gives at a tenth of its size", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-crop-"));
  try {
    const paths = await Promise.all(
      [4000, 400].map(async (width) => {
        const [height, scale] = [(width * 3) / 4, width / 400];
        const data = new Uint8Array(width * height * 3).fill(240);
        for (let p = 0; p < width * height; p++) {
          const [x, y] = [(p % width) / scale, Math.floor(p / width) / scale];
          if (Math.hypot(x - 250, y - 120) < 70)
            data.set([180, 40 + y / 2, Math.floor(x / 10) % 2 === 0 ? 20 : 90], p * 3);
        }
        const path = join(folder, `${width}.png`);
        await sharp(data, { raw: { width, height, channels: 3 } })
          .png({ compressionLevel: 1 })
          .toFile(path);
        return path;
      }),
    );
    const reader = new StillReader({ ...MADE_MODEL, sizePx: 96 });
    const [large, small] = await Promise.all(paths.map((path) => reader.crop(path)));
    const difference = large!.reduce((sum, value, i) => sum + Math.abs(value - small![i]!), 0) / large!.length;
    assert.ok(difference < 4, `${difference}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
