import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { gigeNeeds } from "../../support/camera-gige.ts";
import { hasProgram, lacking } from "../../support/camera-peers.ts";

const skip = lacking([
  ...gigeNeeds,
  { have: () => process.getuid?.() === 0, debian: "nothing, but root" },
  { have: () => spawnSync("unshare", ["--net", "true"]).status === 0, debian: "util-linux, and the right to unshare" },
  { have: hasProgram("ip"), debian: "iproute2" },
]);
/** Two hundred take a minute and a half: `unshare --net node test/support/camera-three-lane.ts 200`. */
const ITEMS = 25;

test("three GigE Vision cameras on three networks see one lane: one verdict for each fruit, from all of them", {
  skip,
}, async (t) => {
  const program = new URL("../../support/camera-three-lane.ts", import.meta.url).pathname;
  const child = spawn("unshare", ["--net", process.execPath, program, String(ITEMS)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const said = await text(child.stdout);
  t.diagnostic(said);
  const { passed, missed, double, byCameras } = JSON.parse(said);
  assert.deepEqual({ passed, missed, double }, { passed: ITEMS, missed: 0, double: 0 });
  // A machine that stands still may keep a frame or two from one of them.
  assert.ok(byCameras[3] >= ITEMS - 3, `seen by 0, 1, 2 and 3 cameras: ${byCameras}`);
});
