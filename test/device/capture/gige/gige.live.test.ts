import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { GIGE_ADDRESS, gigeNeeds, JUMBO_PACKET, openGigeWhenFree } from "../../../support/camera-gige.ts";
import { lacking, type Peer, readFrames, startPeer } from "../../../support/camera-peers.ts";
import { fruitPictures } from "../../../support/fruit-pictures.ts";
import { goFirst } from "../../../support/go-first.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const skip = lacking(gigeNeeds);
const FPS = 60;
const SECONDS = 60;
const SIZE = { w: 1280, h: 720 };
const folder = mkdtempSync(join(tmpdir(), "gradeline-minute-"));
let camera: Peer | undefined;
after(async () => {
  await camera?.kill();
  rmSync(folder, { recursive: true });
});

test("a minute of fruit in 720p and colour at 60 frames a second: not a frame is missing, and memory stays flat", {
  skip,
}, async (t) => {
  enterOwnNetwork();
  goFirst();
  for (const [index, file] of fruitPictures(1).slice(0, 3).entries()) {
    await sharp(file)
      .resize(SIZE.w, SIZE.h, { fit: "fill" })
      .png()
      .toFile(join(folder, `${index}.png`));
  }
  const program = new URL("../../../support/camera-gige-server.ts", import.meta.url).pathname;
  camera = await startPeer(process.execPath, [program, GIGE_ADDRESS, folder]);
  // Half a second of frames may wait while other work has the processors.
  const source = await openGigeWhenFree({ fps: FPS, roi: SIZE, packetSize: JUMBO_PACKET, buffers: 32 });
  let [read, whole, first, last] = [0, 0, 0, 0];
  let [firstAt, lastAt] = [0, 0];
  let [rssBefore, rssAfter] = [0, 0];
  await readFrames(source, FPS * SECONDS, (frame) => {
    if (++read === FPS) rssBefore = process.memoryUsage.rss();
    if (read === 1) [first, firstAt] = [frame.seq, frame.exposedAt];
    assert.ok(frame.exposedAt > lastAt, "times follow each other");
    if (frame.status === "ok") whole++;
    last = frame.seq;
    lastAt = frame.exposedAt;
  });
  rssAfter = process.memoryUsage.rss();
  const { dropped, lost, incomplete, restarts } = source.counters;
  await source.close();
  const fps = ((last - first) * 1e6) / (lastAt - firstAt);
  t.diagnostic(JSON.stringify({ fps, read, dropped, lost, incomplete, rssBefore, rssAfter }));
  assert.deepEqual({ whole, lost, incomplete, restarts }, { whole: read, lost: 0, incomplete: 0, restarts: 0 });
  assert.ok(read >= last - first + 1 - dropped, "each exposure was read, or is counted as passed over");
  assert.ok(fps > 0.95 * FPS, `this machine was too busy for the camera, which gave ${fps} frames a second`);
  // 3,600 frames are 10 GB.
  assert.ok(rssAfter - rssBefore < 50e6);
});
