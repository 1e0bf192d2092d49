import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Image, readImage, writePng } from "../../../../device/capture/image.ts";
import { GIGE_ADDRESS, gigeNeeds, openGigeWhenFree } from "../../../support/camera-gige.ts";
import { lacking, nextFrame, type Peer, startPeer } from "../../../support/camera-peers.ts";
import { fruitPictures } from "../../../support/fruit-pictures.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const folder = mkdtempSync(join(tmpdir(), "gradeline-pictures-"));
const skip = lacking(gigeNeeds);
const pictures: Image[] = [];
let camera: Peer | undefined;

before(async () => {
  enterOwnNetwork();
  for (const [index, file] of fruitPictures(3).entries()) {
    const picture = await readImage(file);
    pictures.push(picture);
    await writePng(join(folder, `${index}.png`), picture);
  }
  if (skip !== false) return;
  const program = new URL("../../../support/camera-gige-server.ts", import.meta.url).pathname;
  camera = await startPeer(process.execPath, [program, GIGE_ADDRESS, folder]);
});
after(async () => {
  await camera?.kill();
  rmSync(folder, { recursive: true });
});

/** The next whole frame, copied. */
async function shot(config: object): Promise<Uint8Array> {
  const { widthPx: w, heightPx: h } = pictures[0]!;
  const source = await openGigeWhenFree({ fps: 50, roi: { w, h }, ...config });
  const { data } = await nextFrame(source.frames(), ({ status }) => status === "ok");
  const copy = data.slice();
  await source.close();
  return copy;
}

function hash(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Mean difference per byte. */
function apart(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;
}

/** Of the pictures shown, how near the nearest is. */
function nearest(frame: Uint8Array, look: (picture: Uint8Array) => Uint8Array = (picture) => picture): number {
  return Math.min(...pictures.map(({ data }) => apart(frame, look(data))));
}

test("pictures of fruit served over GigE Vision arrive bit for bit", { skip }, async () => {
  const wanted = new Set(pictures.map(({ data }) => hash(data)));
  const { widthPx: w, heightPx: h } = pictures[0]!;
  const source = await openGigeWhenFree({ fps: 50, roi: { w, h } });
  const seen = new Set<string>();
  for await (const frame of source.frames()) {
    if (frame.status !== "ok") continue;
    assert.ok(wanted.has(hash(frame.data)));
    seen.add(hash(frame.data));
    if (seen.size === wanted.size) break;
  }
  await source.close();
});

for (const pixelFormat of ["BayerRG8", "BayerGB8", "BayerGR8", "BayerBG8"]) {
  test(`fruit seen through the filters of ${pixelFormat} have their colours`, { skip }, async () => {
    const frame = await shot({ pixelFormat });
    const off = nearest(frame);
    assert.ok(off < 4, `${off} of 255 from the nearest picture`);
    // Taken for another order of filters, red and blue, or green and the others, would change places.
    const swapped = nearest(frame, (rgb) => rgb.map((_, at) => rgb[at + 2 - 2 * (at % 3)]!));
    assert.ok(swapped > 3 * off, `${swapped} from the nearest picture with red and blue changed`);
  });
}

test("the fixed white balance is on every pixel that arrives, also behind filters", { skip }, async () => {
  const gains = [0.5, 1, 1.5];
  const whiteBalance = { red: 0.5, green: 1, blue: 1.5 };
  const balanced = (rgb: Uint8Array) => rgb.map((value, at) => Math.min(255, Math.round(value * gains[at % 3]!)));
  assert.equal(nearest(await shot({ whiteBalance }), balanced), 0);
  const behindFilters = await shot({ whiteBalance, pixelFormat: "BayerRG8" });
  assert.ok(nearest(behindFilters, balanced) < 4);
  assert.ok(nearest(behindFilters) > 10);
});
