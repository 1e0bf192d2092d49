import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Answers, answersOf, boardName, SIMULATED } from "../../../calibrate/setup/answers.ts";
import { configurationOf, dropInsOf } from "../../../calibrate/setup/configuration.ts";
import { parseConfig } from "../../../device/config/file.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const ANSWERS: Answers = {
  device: "board-7",
  broker: "mqtts://plc.local:8883",
  username: undefined,
  passwordFile: undefined,
  camera: "gige:192.168.10.20",
  lanes: 1,
  frame: undefined,
  mmPerPx: 0.4,
  gateMm: 700,
  speed: 650,
  conveyor: "belt",
  pitch: 120,
  windows: 5,
};

test("every kind of camera, conveyor and number of lanes gives a configuration that is valid", () => {
  const cameras = [
    "gige:Basler-1",
    "usb:/dev/v4l/by-id/x",
    "csi:0",
    "rtsp:rtsp://10.0.0.2/s",
    "libcamera:1",
    SIMULATED,
  ];
  for (const camera of cameras) {
    for (const conveyor of ["belt", "cups"] as const) {
      for (const lanes of [1, 2]) {
        const text = configurationOf({ ...ANSWERS, camera, conveyor, lanes, frame: [1280, 720] });
        const config = parseConfig(text, camera);
        assert.equal(config.lanes.length, lanes);
        assert.deepEqual(
          config.lanes.map(({ roi }) => roi?.h),
          lanes === 1 ? [undefined] : [360, 360],
        );
      }
    }
  }
  assert.deepEqual(dropInsOf(ANSWERS), ["gige.conf"]);
  assert.deepEqual(dropInsOf({ ...ANSWERS, camera: SIMULATED }), []);
});

test("names that YAML would read as something else stay names", () => {
  const text = configurationOf({
    ...ANSWERS,
    device: "007",
    username: "yes: no",
    passwordFile: "/etc/a b#c",
    camera: "gige:12345",
  });
  const config = parseConfig(text, "text");
  assert.equal(config.device, "007");
  assert.equal(config.mqtt.username, "yes: no");
  assert.equal(config.mqtt.password?.file, "/etc/a b#c");
  assert.equal((config.cameras[0]!.source as { camera?: string }).camera, "12345");
});

test("found cameras are offered, and a number chooses one", async () => {
  const cameras = [
    { kind: "gige", name: "Cam-1", label: "one", formats: [] },
    { kind: "gst", name: "/dev/video0", label: "two", formats: [] },
  ] as const;
  const asked: string[] = [];
  const ask = async (question: string, usual: string): Promise<string> => {
    asked.push(question);
    return question.startsWith("Camera") ? "2" : usual;
  };
  const searches = [{ kind: "gige", cameras, advice: [] }] as const;
  const answers = await answersOf({ config: "x", broker: "mqtt://b:1" }, searches, ask);
  assert.equal(answers.camera, "usb:/dev/video0");
  assert.equal(answers.broker, "mqtt://b:1");
  assert.ok(!asked.some((question) => question.includes("broker")), "what is given is not asked");
  await assert.rejects(answersOf({ config: "x", yes: true }, searches, ask), /which camera\? found gige:Cam-1, usb/);
});

test("a board's own name becomes one that topics can have", () => {
  assert.equal(boardName("board-7.plant.local"), "board-7");
  assert.equal(boardName("_Förder band"), "F-rder-band");
  assert.equal(boardName("..."), "board");
  assert.equal(boardName("x".repeat(60)).length, 32);
});

test("what is written was checked, and a board that is set up is not changed without being asked to", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "gradeline.yaml");
  const broker = await AedesBroker.start();
  t.after(() => broker.close());
  const given = ["setup", "--yes", "--config", path, "--camera", SIMULATED, "--device", "line-1"];
  const nobody = await runCalibrate(folder, [...given, "--broker", "mqtt://127.0.0.1:1"]);
  assert.equal(nobody.status, 2, nobody.stderr);
  assert.match(nobody.stderr, /nothing is written: mqtt:\/\/127\.0\.0\.1:1/);
  writeFileSync(path, "device: fresh\ncameras: []\nlanes: []\n");
  const done = await runCalibrate(folder, [...given, "--broker", `mqtt://127.0.0.1:${broker.port}`]);
  assert.equal(done.status, 0, done.stderr);
  assert.equal(parseConfig(readFileSync(path, "utf8"), path).device, "line-1");
  assert.equal(statSync(path).mode & 0o777, 0o640);
  const again = await runCalibrate(folder, [...given, "--broker", `mqtt://127.0.0.1:${broker.port}`]);
  assert.equal(again.status, 2);
  assert.match(again.stderr, /is set up already/);
  const replaced = await runCalibrate(folder, [
    ...given,
    "--broker",
    `mqtt://127.0.0.1:${broker.port}`,
    "--replace",
    "--device",
    "line-2",
  ]);
  assert.equal(replaced.status, 0, replaced.stderr);
  assert.equal(parseConfig(readFileSync(path, "utf8"), path).device, "line-2");
  assert.equal(parseConfig(readFileSync(`${path}.before`, "utf8"), path).device, "line-1");
});

test("without a terminal and without an answer it says which option is missing", async (t) => {
  const folder = await temporaryFolder(t);
  const { status, stderr } = await runCalibrate(folder, [
    "setup",
    "--config",
    join(folder, "a.yaml"),
    "--camera",
    SIMULATED,
  ]);
  assert.equal(status, 2);
  assert.match(stderr, /nobody can be asked: Name of this board/);
});
