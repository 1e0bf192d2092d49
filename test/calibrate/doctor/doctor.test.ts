import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { nowMicros } from "../../../device/base/time.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { gigeNeeds, startFakeGige } from "../../support/camera-gige.ts";
import { lacking } from "../../support/camera-peers.ts";
import { daemonFolder } from "../../support/daemon.ts";
import { freePort } from "../../support/free-port.ts";
import { smallLine } from "../../support/line-config.ts";
import { enterOwnNetwork } from "../../support/own-network.ts";

const shared = enterOwnNetwork();
const main = new URL("../../../calibrate/main.ts", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "gradeline-doctor-"));
after(() => rmSync(root, { recursive: true }));

interface Finding {
  readonly area: string;
  readonly level: "ok" | "warning" | "problem";
  readonly text: string;
  readonly todo?: string;
}

async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, "doctor", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exited;
  return { code, out, err };
}

async function examine(config: object, env?: Record<string, string>) {
  const path = join(root, `${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(path, JSON.stringify(config));
  const { code, out, err } = await doctor(["--config", path, "--json"], env);
  assert.equal(err, "");
  const report = JSON.parse(out) as { ok: boolean; problems: number; warnings: number; findings: Finding[] };
  const of = (area: string): Finding[] => report.findings.filter((finding) => finding.area === area);
  return { code, ...report, of };
}

test("a board where all is well: exit code 0, and what was found", { skip: withoutMosquitto }, async () => {
  const made = await daemonFolder();
  const broker = await Mosquitto.start();
  const config = smallLine({ folder: made.folder, brokerPort: broker.port, pace: "real", startAt: nowMicros() });
  const { code, ok, problems, of, findings } = await examine(config);
  await broker.close();
  await made.close();
  assert.deepEqual([code, ok, problems], [0, true, 0], JSON.stringify(findings));
  assert.match(of("model")[0]!.text, /golden vectors agree/);
  assert.match(of("model")[1]!.text, /6 items/);
  assert.match(of("broker")[0]!.text, /MQTT 5 \(mosquitto/);
  assert.match(
    of("disk")
      .map(({ text: said }) => said)
      .join("\n"),
    /gallery: .*\njournal: .*\nunknown queue: .* GB free/,
  );
  assert.equal(of("cameras").filter(({ text: said }) => /simulated/.test(said)).length, 2);
  assert.ok(of("clock").length > 0 && of("permissions").length > 0 && of("provider").length > 0);
});

test("what is wrong is told line by line with what to do, and the exit code is 1", async () => {
  const port = await freePort();
  const secret = join(root, "password");
  writeFileSync(secret, "hush\n", { mode: 0o644 });
  chmodSync(secret, 0o644);
  const { code, of } = await examine({
    device: "board",
    model: join(root, "no-model.json"),
    gallery: "/proc/gallery",
    journal: { path: "/proc/journal.sqlite" },
    mqtt: { url: `mqtt://127.0.0.1:${port}`, username: "a", password: { file: secret } },
    cameras: [
      { id: "usb", source: { kind: "gst", preset: "usb", device: "/dev/video99" } },
      { id: "net", source: { kind: "gst", preset: "rtsp", url: `rtsp://127.0.0.1:${port}/x` } },
      { id: "gone", source: { kind: "replay", path: join(root, "nowhere") } },
      { id: "gige", source: { kind: "gige", camera: "10.77.77.77" } },
    ],
    lanes: [
      { id: "a", camera: "usb", mmPerPx: 0.5, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: 300 } },
      { id: "b", camera: "net", mmPerPx: 0.5, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: 300 } },
      { id: "c", camera: "gone", mmPerPx: 0.5, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: 300 } },
      { id: "d", camera: "gige", mmPerPx: 0.5, gateMm: 400, conveyor: { kind: "belt", speedMmPerS: 300 } },
    ],
  });
  assert.equal(code, 1);
  const said = (area: string): string =>
    of(area)
      .filter(({ level }) => level !== "ok")
      .map(({ level, text: what, todo }) => `${level} ${what} -> ${todo}`)
      .join("\n");
  assert.match(said("model"), /problem .*no-model.json/);
  assert.match(said("cameras"), /problem camera usb: \/dev\/video99 is not there -> ls/);
  assert.match(said("cameras"), /warning camera usb: its white balance is automatic.* -> set controls: .*automatic: 0/);
  assert.match(said("cameras"), /problem camera net: 127.0.0.1 does not answer \(ECONNREFUSED\)/);
  assert.match(said("cameras"), /problem camera gone: there is no folder/);
  assert.match(said("cameras"), /problem camera gige: 10.77.77.77 does not answer/);
  assert.match(said("broker"), /problem .*ECONNREFUSED.* -> check `mqtt.url`/);
  assert.match(said("permissions"), /everybody on this board may read .*password -> chmod 640/);
  assert.doesNotMatch(JSON.stringify(of("broker")), /hush/);
});

test("a configuration that is wrong is the only finding: what it means for the rest would be a guess", async () => {
  const { code, of } = await examine({ device: "board", cameras: "none" });
  assert.equal(code, 1);
  assert.match(of("configuration")[0]!.text, /cameras/);
  for (const area of ["recipe", "model", "cameras", "broker", "disk", "clock", "permissions"]) {
    assert.deepEqual(of(area), [], area);
  }
});

test("a camera that answers is told with its formats and rates", {
  skip: lacking(gigeNeeds) || shared,
}, async () => {
  const camera = startFakeGige();
  try {
    let out: string;
    // The camera does not say when it is ready.
    do out = (await doctor([])).out;
    while (!out.includes("Aravis-Fake"));
    assert.match(out, /ok +gige: Aravis-Fake-GV01 .*2048x2048; .*RGB8.*; .* fps/);
    assert.match(out, /\d problems?, \d+ warnings?\n$/);
  } finally {
    await camera.kill();
  }
});

test("without GStreamer, a GPU, a broker and anything else it ends, and says what to install", async () => {
  const { code, out } = await doctor([], { PATH: "/nonexistent" });
  assert.equal(code, 0, out);
  assert.match(out, /gst-launch-1.0 is not there\n +to do: apt-get install gstreamer1.0-tools/);
});
