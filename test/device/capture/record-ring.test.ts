import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import { openGst } from "../../../device/capture/gst/open-gst.ts";
import { RecordedSource, RingRecorder } from "../../../device/capture/record-ring.ts";
import { openReplay } from "../../../device/capture/replay.ts";
import type { FrameSource } from "../../../device/capture/source.ts";
import { type GstConfig, gstSchema } from "../../../device/config/camera.ts";
import { replaySchema } from "../../../device/config/schema.ts";
import { gigeNeeds, openGigeWhenFree, startFakeGige } from "../../support/camera-gige.ts";
import { gstNeeds, lacking, startPeer } from "../../support/camera-peers.ts";
import { enterOwnNetwork } from "../../support/own-network.ts";

const shared = enterOwnNetwork();

const root = mkdtempSync(join(tmpdir(), "gradeline-ring-"));
after(() => rmSync(root, { recursive: true }));
const ROOMY = { maxBytes: 1e9, maxAgeMs: 1e9 };

function picture(seq: number, status: "ok" | "incomplete" = "ok"): Frame {
  const data = new Uint8Array(new SharedArrayBuffer(32 * 16 * 3)).map((_, at) => (at * 31 + seq * 17) & 255);
  const exposedAt = 1_790_000_000_000_000 + seq * 33_333;
  const camera = { cameraId: 65_530 + seq, cameraNs: 1_790_000_000_123_456_789n + BigInt(seq) };
  return { seq, exposedAt, ...camera, status, widthPx: 32, heightPx: 16, data };
}

function summary({ seq, exposedAt, cameraId, cameraNs, status, data }: Frame): string {
  return [seq, exposedAt, cameraId, cameraNs, status, createHash("sha256").update(data).digest("hex")].join(" ");
}

async function replay(path: string): Promise<string[]> {
  const source = await openReplay(replaySchema.parse({ kind: "replay", path, pace: "fast" }));
  const seen: string[] = [];
  for await (const frame of source.frames()) seen.push(summary(frame));
  await source.close();
  return seen;
}

test("what was recorded is replayed with the same pixels, times, gaps and states", async () => {
  const ring = await RingRecorder.open(join(root, "equal"), ROOMY);
  const frames = [picture(0), picture(1), picture(5, "incomplete"), picture(6)];
  const wanted = frames.map(summary);
  for (const frame of frames) {
    ring.offer(frame);
    // The frame's memory is the source's again.
    frame.data.fill(0);
  }
  await ring.close();
  assert.deepEqual(await replay(ring.folder), wanted);
});

/** Records what a camera gives and compares the recording with it. @returns one line per frame, as seen */
async function recordWhileSeen(source: FrameSource, place: string, count: number): Promise<string[]> {
  const ring = await RingRecorder.open(join(root, place), ROOMY);
  const recorded = new RecordedSource(source, ring, (error) => assert.fail(String(error)));
  const seen: string[] = [];
  let first: number | undefined;
  for await (const frame of recorded.frames()) {
    first ??= frame.seq;
    seen.push(summary({ ...frame, seq: frame.seq - first }));
    // Where the disk is slow, the camera's frames are passed over, and that is a gap in both.
    await ring.flush();
    if (seen.length === count) break;
  }
  await recorded.close();
  assert.equal(ring.skipped, 0);
  assert.deepEqual(await replay(ring.folder), seen);
  return seen;
}

test("a camera is recorded while it is looked at", { skip: lacking(gstNeeds) }, async () => {
  const config: GstConfig = gstSchema.parse({
    kind: "gst",
    pipeline: "videotestsrc num-buffers=8 is-live=true ! video/x-raw,width=64,height=48,framerate=20/1",
    onEnd: "end",
  });
  const seen = await recordWhileSeen(await openGst(config), "camera", 8);
  assert.ok(seen.length > 1);
});

test("of a GigE Vision camera the ids, the camera's own times and torn frames are recorded, too", {
  skip: lacking(gigeNeeds) || shared,
}, async () => {
  // Twenty packets in a thousand are lost.
  const camera = startFakeGige("-r", "20");
  try {
    const source = await openGigeWhenFree({ fps: 50, roi: { w: 256, h: 192 }, packetSize: 1400 });
    const seen = await recordWhileSeen(source, "gige", 60);
    const [, , id, ns] = seen[0]!.split(" ");
    assert.ok(Number(id) >= 65_400 && BigInt(ns!) > 0n, seen[0]);
    assert.ok(seen.some((line) => line.includes(" incomplete ")) && seen.some((line) => line.includes(" ok ")));
  } finally {
    await camera.kill();
  }
});

test("a disk that takes no more ends the recording, which is told once, and the source goes on", async () => {
  const first = await RingRecorder.open(join(root, "source"), ROOMY);
  for (let seq = 0; seq < 12; seq++) {
    first.offer(picture(seq));
    await first.flush();
  }
  const ring = await RingRecorder.open(join(root, "lost"), ROOMY);
  const told: unknown[] = [];
  const played = await openReplay(replaySchema.parse({ kind: "replay", path: first.folder, pace: "fast" }));
  const source = new RecordedSource(played, ring, (error) => told.push(error));
  let count = 0;
  for await (const _ of source.frames()) {
    if (++count === 3) {
      await ring.flush();
      rmSync(ring.folder, { recursive: true });
    }
    if (count > 3) await ring.flush().catch(() => {});
  }
  await source.close();
  assert.equal(count, 12);
  assert.equal(told.length, 1);
  assert.match(String(told[0]), /broke off: ENOENT/);
});

test("beyond the bytes allowed the oldest frames go, and the rest is whole", async () => {
  const probe = await RingRecorder.open(join(root, "probe"), ROOMY);
  probe.offer(picture(0));
  await probe.close();
  const one = readFileSync(join(probe.folder, "000000000000.png")).length;
  const ring = await RingRecorder.open(join(root, "bytes"), { ...ROOMY, maxBytes: 40 * one });
  const wanted: string[] = [];
  for (let seq = 0; seq < 100; seq++) {
    wanted.push(summary(picture(seq)).replace(/^\d+ /, ""));
    ring.offer(picture(seq));
    await ring.flush();
  }
  const seen = (await replay(ring.folder)).map((line) => line.replace(/^\d+ /, ""));
  assert.ok(seen.length >= 37 && seen.length <= 42, `${seen.length} frames`);
  assert.deepEqual(seen, wanted.slice(-seen.length));
  assert.equal(readdirSync(ring.folder).length, seen.length + 1, "no image stays without its line");
});

test("frames older than allowed go", async () => {
  const ring = await RingRecorder.open(join(root, "age"), { ...ROOMY, maxAgeMs: 1000 });
  for (let seq = 0; seq < 90; seq++) {
    ring.offer(picture(seq));
    await ring.flush();
  }
  const count = (await replay(ring.folder)).length;
  assert.ok(count <= 31 && count >= 27, `${count} frames of the last second`);
});

test("recordings of earlier starts are kept within the same limits", async () => {
  const place = join(root, "starts");
  const first = await RingRecorder.open(place, ROOMY);
  first.offer(picture(0));
  await first.close();
  const second = await RingRecorder.open(place, ROOMY);
  assert.equal(readdirSync(place).length, 2);
  await second.close();
  await RingRecorder.open(place, { maxBytes: 1, maxAgeMs: 1e9 });
  assert.equal(readdirSync(place).length, 1);
});

test("a recorder that cannot keep up leaves frames out and counts them", async () => {
  const ring = await RingRecorder.open(join(root, "slow"), ROOMY);
  for (let seq = 0; seq < 10; seq++) ring.offer(picture(seq));
  await ring.close();
  assert.equal(ring.skipped, 6);
  assert.equal((await replay(ring.folder)).length, 4);
});

test("a recording whose process was killed is whole up to its last frames", async () => {
  const place = join(root, "killed");
  const program = new URL("../../support/camera-ring-child.ts", import.meta.url).pathname;
  let lines = 0;
  const child = await startPeer(process.execPath, [program, place], () => ++lines >= 60);
  await child.kill("SIGKILL");
  const [folder] = readdirSync(place);
  assert.ok((await replay(join(place, folder!))).length >= 10);
});

test("a folder that cannot be written is refused", async () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  await assert.rejects(RingRecorder.open(file, ROOMY), { code: "FILE" });
});
