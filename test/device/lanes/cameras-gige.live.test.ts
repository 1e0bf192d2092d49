import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { gigeNeeds } from "../../support/camera-gige.ts";
import { lacking } from "../../support/camera-peers.ts";
import { enterOwnNetwork } from "../../support/own-network.ts";

const execute = promisify(execFile);
const skip = lacking(gigeNeeds) || enterOwnNetwork();

test("three GigE cameras in networks of their own serve one lane of 200 fruit: one item each", { skip }, async () => {
  const program = new URL("../../support/camera-three-lane.ts", import.meta.url).pathname;
  const { stdout } = await execute("unshare", ["--net", process.execPath, program, "200"]);
  const { passed, missed, double, byCameras } = JSON.parse(stdout) as {
    passed: number;
    missed: number;
    double: number;
    byCameras: number[];
  };
  assert.deepEqual({ passed, missed, double }, { passed: 200, missed: 0, double: 0 });
  // A busy machine may pass a few frames over; most fruit have views of all three.
  assert.ok(byCameras[3]! > 180, `${byCameras}`);
});
