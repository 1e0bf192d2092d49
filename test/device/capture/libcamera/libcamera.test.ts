import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { openLibcamera, takeStill } from "../../../../device/capture/libcamera/open-libcamera.ts";
import { stillOptions, videoOptions } from "../../../../device/capture/libcamera/options.ts";
import type { LiveSource } from "../../../../device/capture/live/live-source.ts";
import { type LibcameraConfig, libcameraSchema } from "../../../../device/config/camera.ts";
import { installLibcamera, libcameraNeeds } from "../../../support/camera-libcamera.ts";
import { lacking, nextFrame, readFrames, until } from "../../../support/camera-peers.ts";

const folder = mkdtempSync(join(tmpdir(), "gradeline-test-"));
const calls = join(folder, "calls");
const skip = lacking(libcameraNeeds);
const systemPath = process.env.PATH ?? "";
const opened: LiveSource[] = [];

process.env.STAND_IN_CALLS = calls;
const libcameraPath = installLibcamera(folder, "libcamera");
const rpicamPath = installLibcamera(folder, "rpicam");

afterEach(() => {
  process.env.PATH = systemPath;
  for (const name of ["DIE", "MUTE", "FAIL"]) delete process.env[`STAND_IN_${name}`];
  rmSync(calls, { force: true });
});
after(async () => {
  for (const source of opened) await source.close();
  rmSync(folder, { recursive: true });
});

function configure(config: object): LibcameraConfig {
  return libcameraSchema.parse({ kind: "libcamera", widthPx: 98, heightPx: 16, fps: 50, ...config });
}

async function open(config: object = {}): Promise<LiveSource> {
  const source = await openLibcamera(configure(config));
  opened.push(source);
  return source;
}

test("frames come without the padding of their rows, in order", { skip }, async () => {
  process.env.PATH = libcameraPath;
  const source = await open();
  assert.deepEqual([source.widthPx, source.heightPx], [98, 16]);
  let last = -1;
  await readFrames(source, 10, (frame) => {
    assert.equal(new Set(frame.data).size, 1, "one grey all over, no padding in it");
    assert.ok(frame.data[0]! > last || last === -1);
    last = frame.data[0]!;
  });
  await source.close();
});

test("boards that have only the newer names of the programs are served", { skip }, async () => {
  process.env.PATH = rpicamPath;
  const source = await open();
  await nextFrame(source.frames());
  await source.close();
});

test("what is configured reaches the program, and nothing else does", { skip }, async () => {
  process.env.PATH = libcameraPath;
  const source = await open({
    exposureUs: 2000,
    gain: 1.5,
    awb: "daylight",
    awbGains: { red: 1.9, blue: 1.6 },
    hflip: true,
  });
  await source.close();
  const words = (JSON.parse(readFileSync(calls, "utf8")) as string[]).join(" ");
  assert.match(
    words,
    /^vid --camera 0 --width 98 --height 16 --output \S+\/frames --nopreview --shutter 2000 --gain 1.5 --awb daylight --awbgains 1.9,1.6 --hflip --timeout 0 --codec yuv420 --framerate 50 --flush --verbose 0$/,
  );
});

test("a value with a semicolon changes nothing and runs nothing", { skip }, async () => {
  const evil = `1; touch ${join(folder, "ran")} #`;
  for (const key of ["exposureUs", "gain", "awb", "denoise", "camera", "widthPx", "fps"]) {
    assert.equal(libcameraSchema.safeParse({ kind: "libcamera", [key]: evil }).success, false, key);
    // Even where the schema were passed by.
    const config = { ...configure({}), [key]: evil } as LibcameraConfig;
    assert.throws(() => videoOptions(config, "/tmp/x"), { code: "SOURCE", message: /is refused/ }, key);
    if (key !== "fps")
      assert.throws(() => stillOptions(config, "/tmp/x"), { code: "SOURCE", message: /is refused/ }, key);
  }
  assert.throws(() => videoOptions(configure({}), "/tmp/a b; id"), { code: "SOURCE", hint: /TMPDIR/ });
  assert.equal(existsSync(join(folder, "ran")), false);
});

test("a program that dies in the middle of a frame is started anew, and no torn frame is delivered", {
  skip,
}, async () => {
  process.env.PATH = libcameraPath;
  process.env.STAND_IN_DIE = "3";
  const source = await open();
  const { restarts } = source.counters;
  await readFrames(source, 5, (frame) => {
    assert.equal(new Set(frame.data).size, 1);
  });
  assert.ok(source.counters.restarts! > restarts!);
  await source.close();
});

test("a camera that another program holds is told with a hint", { skip }, async () => {
  process.env.PATH = libcameraPath;
  process.env.STAND_IN_FAIL = "ERROR: *** failed to acquire camera ***";
  await assert.rejects(open(), { code: "SOURCE", retry: true, message: /failed to acquire/, hint: /another program/ });
});

test("a program that gives no frame is given up and ended", { skip }, async () => {
  process.env.PATH = libcameraPath;
  process.env.STAND_IN_MUTE = "1";
  await assert.rejects(open({ startMs: 1500 }), { code: "SOURCE", retry: true, message: /no frame within/ });
});

test("without the programs the error says what to install", { skip }, async () => {
  process.env.PATH = folder;
  await assert.rejects(open(), { code: "SOURCE", hint: /rpicam-apps/ });
  await assert.rejects(takeStill(configure({})), { code: "SOURCE", hint: /rpicam-apps/ });
});

test("closing ends the program and takes its pipe away", { skip }, async () => {
  process.env.PATH = libcameraPath;
  const source = await open();
  const output = (JSON.parse(readFileSync(calls, "utf8")) as string[]).find((word) => word.endsWith("/frames"))!;
  assert.ok(existsSync(output));
  await source.close();
  await until(() => !existsSync(output));
});

test("a still is one picture", async () => {
  process.env.PATH = rpicamPath;
  const image = await takeStill(configure({ widthPx: 40, heightPx: 30 }));
  assert.deepEqual([image.widthPx, image.heightPx], [40, 30]);
  assert.deepEqual([...image.data.subarray(0, 3)], [200, 100, 50]);
});
