import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gigeNeeds, openGigeWhenFree, startFakeGige } from "../../../support/camera-gige.ts";
import { lacking, type Peer, readFrames } from "../../../support/camera-peers.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const skip = lacking(gigeNeeds);
const FPS = 60;
const SECONDS = 60;
let camera: Peer | undefined;
after(() => camera?.kill());

test("a minute of 720p in colour at 60 frames a second: not a frame is missing, and memory stays flat", {
  skip,
}, async (t) => {
  enterOwnNetwork();
  camera = startFakeGige();
  const source = await openGigeWhenFree({ fps: FPS, roi: { w: 1280, h: 720 } });
  let [read, whole, first, last] = [0, 0, 0, 0];
  let lastAt = 0;
  let [rssBefore, rssAfter] = [0, 0];
  await readFrames(source, FPS * SECONDS, (frame) => {
    if (++read === FPS) rssBefore = process.memoryUsage.rss();
    if (read === 1) first = frame.seq;
    assert.ok(frame.exposedAt > lastAt, "times follow each other");
    if (frame.status === "ok") whole++;
    last = frame.seq;
    lastAt = frame.exposedAt;
  });
  rssAfter = process.memoryUsage.rss();
  const { dropped, lost, incomplete, restarts } = source.counters;
  await source.close();
  t.diagnostic(JSON.stringify({ read, dropped, lost, incomplete, rssBefore, rssAfter }));
  assert.deepEqual({ whole, lost, incomplete, restarts }, { whole: read, lost: 0, incomplete: 0, restarts: 0 });
  assert.ok(read >= last - first + 1 - dropped, "each exposure was read, or is counted as passed over");
  // 3,600 frames are 10 GB.
  assert.ok(rssAfter - rssBefore < 50e6);
});
