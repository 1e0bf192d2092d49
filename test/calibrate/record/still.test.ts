import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { readImage } from "../../../device/capture/image.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { gigeNeeds, startFakeGige } from "../../support/camera-gige.ts";
import { installLibcamera } from "../../support/camera-libcamera.ts";
import { gstNeeds, lacking, until } from "../../support/camera-peers.ts";
import { TINY } from "../../support/embedder-tiny.ts";
import { enterOwnNetwork } from "../../support/own-network.ts";
import { seededRandom } from "../../support/random.ts";

const shared = enterOwnNetwork();
const main = new URL("../../../calibrate/main.ts", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "gradeline-still-"));
after(() => rmSync(root, { recursive: true }));
const PI = "{kind: libcamera, widthPx: 40, heightPx: 30}";
const STAND_IN = { PATH: installLibcamera(root, "rpicam") };

const run = (command: string, args: readonly string[], env: Record<string, string> = {}) =>
  runCalibrate(root, [command, ...args], env);

test("stills of a camera on a board's connector are the next pictures of a folder", async () => {
  const place = join(root, "pi");
  for (const name of ["1.png", "2.png"]) {
    const { status, stdout, stderr } = await run("still", [place, "--source", PI, "--json"], STAND_IN);
    assert.equal(status, 0, stderr);
    const { warnings, ...told } = JSON.parse(stdout);
    assert.deepEqual(told, { file: join(place, name), widthPx: 40, heightPx: 30 });
    assert.ok(warnings === undefined || Array.isArray(warnings));
  }
  const { data } = await readImage(join(place, "2.png"));
  assert.deepEqual([...data.subarray(0, 3)], [200, 100, 50]);
});

test("a still of a fruit is enrolled as it is", async () => {
  const seen = join(root, "seen");
  mkdirSync(seen);
  copyFileSync(new URL("../../fixtures/crops/white.png", import.meta.url), join(seen, "white.png"));
  const place = join(root, "photos", "apple7");
  const taken = await run("still", [place, "--source", `{kind: replay, pace: fast, path: ${seen}}`]);
  assert.equal(taken.status, 0, taken.stderr);
  assert.match(taken.stdout, /apple7\/1\.png: \d+x\d+\n/);
  const gallery = join(root, "gallery");
  const enrolled = await run("enroll", [
    "second",
    join(root, "photos"),
    "--gallery",
    gallery,
    "--model",
    TINY,
    "--json",
  ]);
  assert.equal(enrolled.status, 0, enrolled.stderr);
  const { enrolled: items, views } = JSON.parse(enrolled.stdout);
  assert.deepEqual([items, views], [1, 1]);
});

test("a still that is blurred, dark or cut off is told while the fruit lies there", async () => {
  // A disc with spots before a light background.
  const random = seededRandom(3);
  const spots = Array.from({ length: 64 * 64 }, () => 60 + 150 * random());
  const data = new Uint8Array(256 * 256 * 3).fill(235);
  for (let p = 0; p < 256 * 256; p++) {
    const [x, y] = [p % 256, Math.floor(p / 256)];
    if (Math.hypot(x - 128, y - 128) < 90) data.fill(spots[(y >> 2) * 64 + (x >> 2)]!, 3 * p, 3 * p + 2);
  }
  const picture = sharp(data, { raw: { width: 256, height: 256, channels: 3 } });
  const made = {
    good: picture.clone(),
    blurred: picture.clone().blur(6),
    dark: picture.clone().linear(0.2),
    cut: picture.clone().extract({ left: 0, top: 0, width: 128, height: 256 }),
  };
  const told = Object.entries(made).map(async ([name, one]) => {
    const seen = join(root, name);
    mkdirSync(seen);
    await one.png().toFile(join(seen, "1.png"));
    const source = `{kind: replay, pace: fast, path: ${seen}}`;
    const { status, stderr } = await run("still", [join(root, `taken-${name}`), "--source", source]);
    assert.equal(status, 0, stderr);
    return stderr;
  });
  const [good, blurred, dark, cut] = await Promise.all(told);
  assert.equal(good, "");
  assert.match(blurred!, /^warning: .*1\.png blurred: .* take it again\n/m);
  assert.match(dark!, /^warning: .*1\.png too dark: .* take it again\n/m);
  assert.match(cut!, /^warning: .*1\.png cut off, .* take it again\n/m);
});

test("a camera that runs freely is given time to settle; the frame is whole", { skip: lacking(gstNeeds) }, async () => {
  const place = join(root, "free");
  const dark = "videotestsrc is-live=true num-buffers=10 pattern=black ! video/x-raw,width=64,height=48,framerate=50/1";
  const light = "videotestsrc is-live=true pattern=white ! video/x-raw,width=64,height=48,framerate=50/1";
  const source = JSON.stringify({ kind: "gst", pipeline: `concat name=c ${dark} ! c. ${light} ! c. c.` });
  const { status, stderr } = await run("still", [place, "--source", source]);
  assert.equal(status, 0, stderr);
  const { widthPx, data } = await readImage(join(place, "1.png"));
  assert.deepEqual([widthPx, new Set(data).size, data[0]], [64, 1, 255]);
});

test("a camera that waits for software triggers is triggered", { skip: lacking(gigeNeeds) || shared }, async () => {
  const camera = startFakeGige();
  const place = join(root, "triggered");
  const roi = "{w: 64, h: 48}";
  const source = `{kind: gige, camera: 127.0.0.1, packetSocket: false, roi: ${roi}, trigger: {source: Software}}`;
  try {
    // The camera does not say when it is ready.
    while ((await run("still", [place, "--source", source])).status !== 0);
  } finally {
    await camera.kill();
  }
  assert.deepEqual(readdirSync(place), ["1.png"]);
});

test("stopped by Ctrl-C it ends the camera's program, writes nothing and ends with 130", async () => {
  const place = join(root, "stopped");
  const calls = join(root, "calls");
  const env = { ...process.env, ...STAND_IN, STAND_IN_MUTE: "1", STAND_IN_CALLS: calls };
  const child = spawn(process.execPath, [main, "still", place, "--source", PI], { env, stdio: "ignore" });
  after(() => child.kill("SIGKILL"));
  // Written whole.
  await until(() => existsSync(calls) && readFileSync(calls, "utf8").endsWith("\n"));
  const output = (JSON.parse(readFileSync(calls, "utf8")) as string[]).find((word) => word.endsWith("still.png"))!;
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.deepEqual([code, existsSync(place)], [130, false]);
  await until(() => !readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(output)));
});

test("a camera that is not there, and wrong use, are told", async () => {
  const absent = await run("still", [join(root, "no"), "--source", PI], { PATH: "/nonexistent" });
  assert.equal(absent.status, 1);
  assert.match(absent.stderr, /neither rpicam-still nor libcamera-still/);
  const wrong = await run("still", [join(root, "no")]);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /neither --config nor --source.*\n.*still --help/);
});

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
