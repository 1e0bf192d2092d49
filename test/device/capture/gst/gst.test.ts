import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Log } from "../../../../device/base/log.ts";
import { openGst } from "../../../../device/capture/gst/open-gst.ts";
import type { LiveSource } from "../../../../device/capture/live/live-source.ts";
import { gstSchema } from "../../../../device/config/camera.ts";
import {
  childrenWith,
  gstNeeds,
  hasElement,
  lacking,
  nextFrame,
  type Peer,
  readFrames,
  startPeer,
  until,
} from "../../../support/camera-peers.ts";
import { frameSourceContract } from "../../../support/frame-source-contract.ts";
import { freePort } from "../../../support/free-port.ts";
import { hearLog } from "../../../support/heard-log.ts";

const skip = lacking(gstNeeds);
const rtspLibrary = {
  have: () =>
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].some((d) =>
      existsSync(`${d}/libgstrtspserver-1.0.so.0`),
    ),
  debian: "libgstrtspserver-1.0-0",
};
const TINY = { preset: "test", widthPx: 64, heightPx: 48, fps: 50 };
/** The server gets it in hexadecimal, so that its own arguments do not hold it. */
const SECRET = "open-sesame-7281";
const opened: LiveSource[] = [];
const servers: Peer[] = [];

after(async () => {
  for (const source of opened) await source.close();
  for (const server of servers) await server.kill();
});

async function open(config: object, log?: Log): Promise<LiveSource> {
  const source = await openGst(gstSchema.parse({ kind: "gst", ...config }), log);
  opened.push(source);
  return source;
}

frameSourceContract("a GStreamer pipeline", {
  open: () =>
    open({
      pipeline: "videotestsrc num-buffers=12 is-live=true ! video/x-raw,width=64,height=48,framerate=50/1",
      onEnd: "end",
    }),
  skip: skip === false ? undefined : skip,
});

test("frames come without a gap, with times that follow each other", { skip }, async () => {
  const source = await open(TINY);
  const seen: number[][] = [];
  await readFrames(source, 20, (frame) => {
    assert.equal(frame.status, "ok");
    assert.equal(frame.data.length, 64 * 48 * 3);
    assert.ok(frame.exposedAt <= frame.arrivedAt!);
    seen.push([frame.seq, frame.exposedAt]);
  });
  for (let i = 1; i < seen.length; i++) {
    assert.ok(seen[i]![0]! > seen[i - 1]![0]!);
    assert.ok(seen[i]![1]! > seen[i - 1]![1]!);
  }
  const { seen: exposures, dropped, lost } = source.counters;
  assert.ok(exposures >= seen.at(-1)![0]! && dropped + lost! <= exposures - 20);
  assert.equal(source.status().state, "ok");
  await source.close();
  assert.deepEqual(childrenWith("width=64,height=48"), [], "no child stays behind");
});

test("rows that GStreamer pads arrive without the padding", { skip }, async () => {
  const colour = "videotestsrc is-live=true pattern=solid-color foreground-color=0xff102030";
  const source = await open({ pipeline: `${colour} ! video/x-raw,format=RGB,width=33,height=5,framerate=50/1` });
  await readFrames(source, 1, ({ data, widthPx, heightPx }) => {
    assert.deepEqual([widthPx, heightPx], [33, 5]);
    for (let at = 0; at < data.length; at += 3) {
      assert.deepEqual([...data.subarray(at, at + 3)], [0x10, 0x20, 0x30], `byte ${at}`);
    }
  });
  await source.close();
});

test("a consumer that is slow gets the newest frame, and each one it missed is counted", { skip }, async () => {
  const source = await open(TINY);
  const frames = source.frames();
  const first = await nextFrame(frames);
  const bytes = first.data.slice();
  await until(() => source.counters.seen >= first.seq + 10);
  assert.deepEqual(first.data, bytes, "a frame that is held does not change");
  const second = await nextFrame(frames);
  assert.ok(second.seq >= first.seq + 10);
  assert.ok(source.counters.dropped >= 9);
  await source.close();
});

test("memory stays flat while nobody takes frames", { skip }, async () => {
  const source = await open({ pipeline: "videotestsrc pattern=black ! video/x-raw,format=RGB,width=1280,height=720" });
  await until(() => source.counters.seen > 100);
  const before = process.memoryUsage.rss();
  await until(() => source.counters.seen > 600);
  // 500 frames are 1.4 GB.
  assert.ok(process.memoryUsage.rss() - before < 100e6);
  assert.ok(source.counters.dropped + source.counters.lost! > 550);
  await source.close();
});

test("a child that is killed is reported and started anew, and the numbers tell the gap", { skip }, async () => {
  const source = await open({ ...TINY, widthPx: 66 });
  const frames = source.frames();
  const before = await nextFrame(frames);
  process.kill(childrenWith("width=66,")[0]!, "SIGKILL");
  await until(() => source.status().state === "reconnecting");
  assert.match(source.status().reason ?? "", /killed by SIGKILL/);
  const { seen } = source.counters;
  const behind = await nextFrame(frames, (frame) => frame.seq > seen);
  assert.ok(behind.seq > seen + 1 && behind.exposedAt > before.exposedAt);
  assert.equal(source.status().state, "ok");
  assert.equal(source.counters.restarts, 1);
  await source.close();
});

test("a child that stands still is told apart from one that died", { skip }, async () => {
  const source = await open({ ...TINY, widthPx: 68, stallMs: 300 });
  const frames = source.frames();
  await nextFrame(frames);
  const child = childrenWith("width=68,")[0]!;
  process.kill(child, "SIGSTOP");
  await until(() => source.status().state === "reconnecting");
  assert.match(source.status().reason ?? "", /gave no frame for \d+ ms/);
  const { seen } = source.counters;
  await nextFrame(frames, (frame) => frame.seq > seen);
  assert.ok(!childrenWith("width=68,").includes(child), "the one that stood still is gone");
  await source.close();
});

test("a stream that is over ends the source or is started anew, as configured", { skip }, async () => {
  const pipeline = "videotestsrc num-buffers=3 is-live=true ! video/x-raw,width=64,height=48,framerate=50/1";
  const once = await open({ pipeline, onEnd: "end" });
  let last = 0;
  await readFrames(once, 100, (frame) => {
    last = frame.seq;
  });
  assert.equal(last, 3);
  const again = await open({ pipeline });
  await readFrames(again, 100, (frame) => {
    if (frame.seq > 4) void again.close();
  });
  assert.equal(again.counters.restarts! > 0, true);
});

test("what a child floods its standard error with is cut down in the log, and frames go on", { skip }, async () => {
  const { log, lines } = hearLog();
  process.env.GST_DEBUG = "*:6";
  const source = await open(TINY, log).finally(() => delete process.env.GST_DEBUG);
  const from = performance.now();
  const frames = source.frames();
  await nextFrame(frames, (frame) => frame.seq >= 30);
  await until(() => lines.some((line) => line.includes("lines were left out")));
  assert.ok(lines.length <= (Math.ceil((performance.now() - from) / 1000) + 3) * 22, `${lines.length} lines`);
  await source.close();
});

const refusals = [
  { pipeline: "videotestsrx", message: /no element "videotestsrx"/, hint: /typo/, retry: false },
  { pipeline: "videotestsrc patern=ball", message: /no property "patern"/, hint: /gst-inspect/, retry: false },
  { pipeline: "videotestsrc ! ! queue", message: /syntax error/, hint: /missing element/, retry: false },
  {
    pipeline: "videotestsrc ! video/x-raw,format=NOPE ! queue",
    message: /can't handle caps/,
    hint: /offer/,
    retry: true,
  },
  { pipeline: "v4l2src device=/dev/video99", message: /Cannot identify device/, hint: /check the cable/, retry: true },
  {
    pipeline: "filesrc location=/dev/zero",
    message: /could not link|not-linked|stream error|caps/i,
    hint: /./,
    retry: true,
  },
];
for (const { pipeline, message, hint, retry } of refusals) {
  test(`the pipeline "${pipeline}" is refused with the reason`, { skip }, async () => {
    await assert.rejects(
      open({ pipeline, startMs: 3000 }),
      (error: { code: string; message: string; hint: string; retry: boolean }) => {
        assert.equal(error.code, "SOURCE");
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        assert.equal(error.retry, retry);
        return true;
      },
    );
  });
}

test("without gst-launch-1.0 the error names the packages", async () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    await assert.rejects(open(TINY), { code: "SOURCE", retry: false, hint: /apt-get install gstreamer1\.0-tools/ });
  } finally {
    process.env.PATH = path;
  }
});

test("a pipeline that never gives a frame is given up after startMs", { skip }, async () => {
  const pipeline = "videotestsrc ! video/x-raw,width=64,height=48 ! valve drop=true";
  await assert.rejects(open({ pipeline, startMs: 500 }), { code: "SOURCE", retry: true, message: /no frame within/ });
});

test("frames whose size changes under way are not mixed: the source breaks and says so", { skip }, async () => {
  const source = await open({
    pipeline:
      "concat name=c videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! c. videotestsrc num-buffers=3 ! video/x-raw,width=32,height=48 ! c. c.",
  });
  await assert.rejects(
    readFrames(source, 100, (frame) => assert.equal(frame.widthPx, 64)),
    { code: "SOURCE", retry: true, message: /frames were 64x48, now they are 32x48/ },
  );
  await source.close();
});

/** Starts the RTSP camera at that port. */
async function serveRtsp(port: number, ...options: string[]): Promise<Peer> {
  const program = new URL("../../../support/camera-rtsp-server.ts", import.meta.url).pathname;
  const peer = await startPeer(process.execPath, [program, String(port), ...options]);
  servers.push(peer);
  return peer;
}

const encodings = [
  { encoding: "jpeg", needs: [] },
  {
    encoding: "h264",
    needs: [
      { have: hasElement("x264enc"), debian: "gstreamer1.0-plugins-ugly" },
      { have: hasElement("avdec_h264"), debian: "gstreamer1.0-libav" },
    ],
  },
  { encoding: "h265", needs: [{ have: hasElement("avdec_h265"), debian: "gstreamer1.0-libav" }] },
];
for (const { encoding, needs } of encodings) {
  test(`an RTSP camera that sends ${encoding}, stops and comes back is followed`, {
    skip: skip || lacking([rtspLibrary, ...needs]),
  }, async () => {
    const port = await freePort();
    const first = await serveRtsp(port, "--encoding", encoding);
    const source = await open({ preset: "rtsp", url: `rtsp://127.0.0.1:${port}/camera`, stallMs: 2000 });
    assert.deepEqual([source.widthPx, source.heightPx], [320, 240]);
    const frames = source.frames();
    const places = new Set<string>();
    let last = 0;
    await nextFrame(frames, ({ data, exposedAt }) => {
      assert.ok(exposedAt > last);
      last = exposedAt;
      places.add(ballIn(data, 320));
      return places.size >= 5;
    });
    await first.kill();
    await until(() => source.status().state === "reconnecting");
    await serveRtsp(port, "--encoding", encoding);
    const { seen } = source.counters;
    await nextFrame(frames, (frame) => frame.seq > seen);
    assert.equal(source.status().state, "ok");
    await source.close();
  });
}

/** Where the white ball of the test picture is, on its black ground. */
function ballIn(data: Uint8Array, widthPx: number): string {
  let [x, y, count] = [0, 0, 0];
  for (let at = 0; at < data.length; at += 3) {
    if (data[at]! < 128) continue;
    x += (at / 3) % widthPx;
    y += Math.floor(at / 3 / widthPx);
    count++;
  }
  assert.ok(count > 100, `${count} pixels of the ball`);
  return `${Math.round(x / count)},${Math.round(y / count)}`;
}

test("a stream that nothing installed can decode is told with the package", {
  skip: skip || lacking([rtspLibrary, ...encodings[1]!.needs]),
}, async () => {
  const port = await freePort();
  await serveRtsp(port, "--encoding", "h264");
  // As where the decoders are not installed.
  process.env.GST_PLUGIN_FEATURE_RANK = "avdec_h264:NONE,openh264dec:NONE";
  try {
    await assert.rejects(open({ preset: "rtsp", url: `rtsp://127.0.0.1:${port}/camera` }), {
      code: "SOURCE",
      retry: false,
      hint: /apt-get install gstreamer1\.0-libav/,
    });
  } finally {
    delete process.env.GST_PLUGIN_FEATURE_RANK;
  }
});

test("the password of an RTSP camera is in no program's arguments and not in the log; a wrong one is told", {
  skip: skip || lacking([rtspLibrary]),
}, async () => {
  const port = await freePort();
  await serveRtsp(port, "--user", "viewer", "--password", Buffer.from(SECRET).toString("hex"));
  const config = { preset: "rtsp", url: `rtsp://127.0.0.1:${port}/camera`, username: "viewer" };
  const { log, lines } = hearLog("trace");
  process.env.GRADELINE_TEST_RTSP = SECRET;
  const source = await open({ ...config, password: { env: "GRADELINE_TEST_RTSP" } }, log);
  await nextFrame(source.frames());
  const seen = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(SECRET));
  assert.deepEqual(seen, []);
  assert.equal(childrenWith("launch.ts").length, 1);
  await source.close();
  assert.ok(!lines.join("").includes(SECRET));
  process.env.GRADELINE_TEST_RTSP = "guessed";
  await assert.rejects(open({ ...config, password: { env: "GRADELINE_TEST_RTSP" } }), {
    code: "SOURCE",
    hint: "user name or password is wrong",
  });
  delete process.env.GRADELINE_TEST_RTSP;
});

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
