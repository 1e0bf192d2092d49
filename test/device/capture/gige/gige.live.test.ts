import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import { gigeSchema } from "../../../../device/base/camera-config.ts";
import type { GradelineError } from "../../../../device/base/errors.ts";
import { openGige } from "../../../../device/capture/gige/open.ts";
import type { LiveSource } from "../../../../device/capture/live/live-source.ts";
import { hasProgram, lacking, Peer, readFrames } from "../../../support/camera-peers.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const FAKE = "arv-fake-gv-camera-0.8";
const skip = lacking([{ have: hasProgram(FAKE), debian: "aravis-tools" }]);
const FPS = 60;
const SECONDS = 60;
let camera: Peer | undefined;
after(() => camera?.kill());

test("a minute of 720p in colour at 60 frames a second: not a frame is missing, and memory stays flat", {
  skip,
}, async (t) => {
  enterOwnNetwork();
  camera = new Peer(spawn(FAKE, ["-i", "127.0.0.1"], { stdio: "ignore" }));
  const source = await open();
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

async function open(): Promise<LiveSource> {
  const roi = { w: 1280, h: 720 };
  const config = gigeSchema.parse({ kind: "gige", camera: "127.0.0.1", packetSocket: false, fps: FPS, roi });
  for (;;) {
    try {
      return await openGige(config);
    } catch (error) {
      if (!(error as GradelineError).retry) throw error;
    }
  }
}
