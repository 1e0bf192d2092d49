import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import koffi from "koffi";
import type { GradelineError } from "../../../../device/base/errors.ts";
import type { Log } from "../../../../device/base/log.ts";
import { listGigeCameras } from "../../../../device/capture/gige/list.ts";
import { openGige } from "../../../../device/capture/gige/open-gige.ts";
import type { LiveSource } from "../../../../device/capture/live/live-source.ts";
import { gigeSchema } from "../../../../device/config/camera.ts";
import { gigeNeeds, openGigeWhenFree, startFakeGige } from "../../../support/camera-gige.ts";
import { hasProgram, lacking, nextFrame, Peer, readFrames, startPeer, until } from "../../../support/camera-peers.ts";
import { hearLog } from "../../../support/heard-log.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const skip = lacking(gigeNeeds);
const SMALL = { camera: "127.0.0.1", packetSocket: false, fps: 50, roi: { w: 64, h: 48 } };

let camera: Peer | undefined;
const opened: LiveSource[] = [];
const servers: Peer[] = [];

before(() => {
  enterOwnNetwork();
  if (skip === false) camera = startFakeGige();
});
after(async () => {
  for (const source of opened) await source.close();
  await camera?.kill();
  for (const server of servers) await server.kill();
});

async function open(config: object, log?: Log): Promise<LiveSource> {
  const source = await openGigeWhenFree({ ...SMALL, ...config }, log);
  opened.push(source);
  return source;
}

test("720p in colour at 60 frames a second comes whole, and the ids go on where 1 follows 65535", {
  skip,
}, async () => {
  const source = await open({ fps: 60, roi: { w: 1280, h: 720 } });
  assert.deepEqual([source.widthPx, source.heightPx], [1280, 720]);
  let [whole, count] = [0, 0];
  let before: { seq: number; cameraId: number; exposedAt: number } | undefined;
  for await (const { seq, cameraId, exposedAt, arrivedAt, status } of source.frames()) {
    assert.ok(exposedAt <= arrivedAt!);
    if (before !== undefined) {
      assert.ok(seq > before.seq && exposedAt > before.exposedAt);
      assert.equal(cameraId! - before.cameraId, seq - before.seq, "a step of the camera's is a step here");
    }
    before = { seq, cameraId: cameraId!, exposedAt };
    count++;
    if (status === "ok") whole++;
    // The fake camera begins at 65400.
    if (cameraId! > 65_535 + 45) break;
  }
  const { lost, incomplete } = source.counters;
  assert.ok(lost! <= 10, `the turn is no gap: ${lost} lost`);
  assert.equal(incomplete, count - whole);
  assert.ok(whole >= count - 10, `${whole} of ${count} frames are whole`);
  await source.close();
});

test("grey frames are spread over three channels", { skip }, async () => {
  const source = await open({ pixelFormat: "Mono8" });
  const frame = await nextFrame(source.frames(), ({ status }) => status === "ok");
  for (let at = 0; at < frame.data.length; at += 3) {
    assert.ok(frame.data[at] === frame.data[at + 1] && frame.data[at] === frame.data[at + 2]);
  }
  assert.ok(new Set(frame.data).size > 16, "the test picture is a ramp");
  await source.close();
});

test("the search finds the camera with its formats, and says what the network lacks", { skip }, async () => {
  const { cameras, advice } = await listGigeCameras();
  const found = cameras.find(({ name }) => name === "Aravis-Fake-GV01");
  assert.match(found?.label ?? "", /127\.0\.0\.1/);
  assert.match(found?.formats.join("\n") ?? "", /up to 2048x2048\n.*RGB8/);
  for (const line of advice) assert.match(line, /rmem_max|MTU/);
});

const refusals = [
  {
    config: { features: { ExposureTimeAps: 1 } },
    message: /no setting ExposureTimeAps/,
    hint: /^it has ExposureTimeAbs,/,
  },
  {
    config: { features: { TriggerSource: "Line9" } },
    message: /TriggerSource: found Line9/,
    hint: /offers .*Software/,
  },
  { config: { features: { BinningHorizontal: 99 } }, message: /BinningHorizontal: found 99/, hint: /takes 1 to/ },
  { config: { features: { BinningHorizontal: 1.5 } }, message: /found 1.5/, hint: /steps of/ },
  { config: { features: { TriggerSoftware: 3 } }, message: /TriggerSoftware: found 3/, hint: /command/ },
  { config: { features: { ImageFormatControl: 3 } }, message: /cannot be set/, hint: /it has/ },
  { config: { roi: { w: 4096, h: 48 } }, message: /Width: found 4096/, hint: /takes 1 to 2048/ },
  { config: { exposureUs: 1 }, message: /exposureUs: found 1$/, hint: /takes/ },
  { config: { ptp: true }, message: /IEEE 1588/, hint: /leave/ },
];
for (const { config, message, hint } of refusals) {
  test(`a setting that the camera does not offer is refused: ${JSON.stringify(config)}`, { skip }, async () => {
    await assert.rejects(open(config), (error: GradelineError) => {
      assert.equal(error.code, "SOURCE");
      assert.match(error.message, message);
      assert.match(error.hint ?? "", hint);
      return true;
    });
  });
}

test("a camera that is not there is told from the ones that are, and may come", { skip }, async () => {
  const config = gigeSchema.parse({ kind: "gige", camera: "No-Such-Camera", packetSocket: false });
  await assert.rejects(openGige(config), (error: GradelineError) => {
    assert.match(error.message, /camera No-Such-Camera cannot be opened/);
    assert.match(error.hint ?? "", /Aravis-Fake-GV01/);
    return error.retry;
  });
});

test("a software trigger is one frame, and no frame comes without", { skip }, async () => {
  const source = await open({ fps: undefined, trigger: { source: "Software" } });
  const frames = source.frames();
  const seqs: number[] = [];
  for (let shot = 0; shot < 3; shot++) {
    const next = nextFrame(frames);
    await source.trigger();
    seqs.push((await next).seq);
    assert.equal(source.counters.seen, shot + 1);
  }
  assert.deepEqual(seqs, [1, 2, 3]);
  await source.close();
});

test("a camera that another program holds is told as such", { skip }, async () => {
  const holder = await open({});
  const config = gigeSchema.parse({ kind: "gige", ...SMALL });
  await assert.rejects(openGige(config), { code: "SOURCE", retry: true, message: /another program holds it/ });
  await holder.close();
});

test("a trigger of a free-running camera is refused", { skip }, async () => {
  const source = await open({});
  await assert.rejects(source.trigger(), { code: "SOURCE", message: /not set to software triggers/ });
  await source.close();
});

test("a daemon that was killed leaves the camera, and the next one gets it", { skip }, async () => {
  const program = new URL("../../../support/camera-gige-client.ts", import.meta.url).pathname;
  const config = JSON.stringify({ kind: "gige", ...SMALL });
  const daemon = await startPeer(process.execPath, [program, config]);
  await daemon.kill("SIGKILL");
  const source = await open({});
  await nextFrame(source.frames());
  await source.close();
});

test("a camera that is switched off and on is followed after pauses of 3 s and more, and the numbers tell the gap", {
  skip,
}, async () => {
  const { log, lines } = hearLog();
  const source = await open({}, log);
  const frames = source.frames();
  const last = await nextFrame(frames);
  await camera!.kill();
  await until(() => source.status().state === "reconnecting");
  assert.match(source.status().reason ?? "", /no frame for|control of the camera is lost/);
  const pauses = () => lines.flatMap((line) => /next try in (\d+) ms/.exec(line)?.[1] ?? []);
  await until(() => pauses().length >= 2);
  assert.deepEqual(pauses().slice(0, 2), ["3000", "6000"]);
  camera = startFakeGige();
  const { seen } = source.counters;
  const next = await nextFrame(frames, ({ seq }) => seq > seen);
  assert.ok(next.seq > seen + 1 && next.exposedAt > last.exposedAt);
  assert.equal(source.status().state, "ok");
  await source.close();
});

test("lost packets make frames incomplete, never silence", { skip }, async () => {
  await camera!.kill();
  camera = startFakeGige("-r", "20");
  const source = await open({ roi: { w: 256, h: 192 }, packetSize: 1400 });
  let torn = 0;
  let read = 0;
  await readFrames(source, 100, (frame) => {
    read++;
    if (frame.status === "incomplete") torn++;
  });
  const { seen, dropped, lost, incomplete } = source.counters;
  assert.ok(torn > 10 && torn < 100, `${torn} of 100`);
  assert.equal(incomplete, torn);
  assert.ok(read + dropped + lost! <= seen, "each exposure is delivered, dropped or lost");
  assert.ok(seen - (read + dropped + lost!) <= 12, "but for those on their way");
  await source.close();
});

test("of a thousand packets one is lost: it comes when it is asked for again, and no frame is torn", {
  skip,
}, async () => {
  await camera!.kill();
  camera = startFakeGige();
  const program = new URL("../../../support/camera-relay.ts", import.meta.url).pathname;
  const relay = await startPeer(process.execPath, [program, "127.0.0.2", "127.0.0.1", "1000"]);
  servers.push(relay);
  // A busy machine holds all three programs up now and then: a frame waits longer than by default, so that it comes whole.
  const patient = { frameRetentionMs: 1000, buffers: 32 };
  const picture = { pixelFormat: "Mono8", fps: 20, roi: { w: 320, h: 240 }, packetSize: 1400 };
  const source = await open({ camera: "127.0.0.2", ...picture, ...patient });
  const statusOf = new Map<number, string>();
  let torn = 0;
  await nextFrame(source.frames(), ({ cameraId, status }) => {
    if (status !== "ok") torn++;
    statusOf.set(cameraId! & 0xffff, status);
    return source.counters.seen >= 200 && source.counters.resent! >= 10;
  });
  const { lost, incomplete } = source.counters;
  await source.close();
  const said = once(relay.child.stdout!, "data");
  relay.child.kill("SIGTERM");
  const { packets, lossy, resent } = JSON.parse(String(await said));
  assert.ok(
    lossy.length >= 10 && resent >= 10,
    `${lossy.length} of ${packets} packets were lost, ${resent} sent again`,
  );
  // One that is lost twice, or asked for too late on a busy machine, may tear a frame: then it is told.
  assert.ok(torn <= 2 && lost! <= 2, `${torn} torn, ${lost} lost`);
  assert.equal(incomplete, torn);
  const seen: string[] = lossy.flatMap((id: number) => statusOf.get(id) ?? []);
  const whole = seen.filter((status) => status === "ok").length;
  assert.ok(whole > seen.length / 2, `${whole} of ${seen.length} frames that lost a packet came whole`);
});

test("a camera of Aravis that is none of GigE Vision is served by the same code, as those of USB3 Vision are", {
  skip,
}, async () => {
  // A camera inside the library: what is set and read goes its way, only the cable is missing.
  koffi.load("libaravis-0.8.so.0").func("void arv_enable_interface(const char *name)")("Fake");
  const config = { camera: "Fake_1", pixelFormat: "BayerRG8", exposureUs: 500, gain: 1, packetSize: 9000 };
  const source = await open(config);
  let last = 0;
  await readFrames(source, 20, (frame) => {
    assert.deepEqual([frame.status, frame.widthPx, frame.heightPx], ["ok", 64, 48]);
    assert.ok(frame.seq > last && frame.cameraNs! > 0n);
    last = frame.seq;
  });
  await source.close();
  await assert.rejects(open({ ...config, features: { Sharpness: 1 } }), { message: /no setting Sharpness/ });
});

const noNetworks = lacking([
  { have: () => process.getuid?.() === 0, debian: "nothing, but root" },
  { have: () => spawnSync("unshare", ["--net", "true"]).status === 0, debian: "util-linux, and the right to unshare" },
  { have: hasProgram("ip"), debian: "iproute2" },
]);
test("of three cameras on three networks, one whose cable is pulled comes back and the others lose nothing", {
  skip: skip || noNetworks,
}, async () => {
  const program = new URL("../../../support/camera-three.ts", import.meta.url).pathname;
  const child = spawn("unshare", ["--net", process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(new Peer(child));
  const { before: earlier, during, states, counters } = JSON.parse(await text(child.stdout));
  assert.ok(during[0] > earlier[0] + 20 && during[1] > earlier[1] + 20, "the others go on");
  assert.deepEqual(states, ["ok", "ok", "ok"]);
  assert.deepEqual([counters[0].restarts, counters[2].restarts], [0, 0]);
  assert.ok(counters[1].lost > 20, "the gap is told");
});
