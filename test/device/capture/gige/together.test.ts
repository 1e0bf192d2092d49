import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { gigeNeeds } from "../../../support/camera-gige.ts";
import { hasProgram, lacking } from "../../../support/camera-peers.ts";

const skip = lacking([
  ...gigeNeeds,
  { have: () => process.getuid?.() === 0, debian: "nothing, but root" },
  { have: () => spawnSync("unshare", ["--net", "true"]).status === 0, debian: "util-linux, and the right to unshare" },
  { have: hasProgram("ip"), debian: "iproute2" },
]);

test("three GigE cameras on three networks expose under one software trigger", {
  skip,
}, async (t) => {
  const program = new URL("../../../support/camera-three-trigger.ts", import.meta.url).pathname;
  const child = spawn("unshare", ["--net", process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const { together, apart } = JSON.parse(await text(child.stdout));
  t.diagnostic(`told, and exposed by their own clocks, within so many ms: ${JSON.stringify(together)}`);
  assert.equal(together.length, 5);
  // A machine that stands still for a moment holds up some of the orders.
  assert.ok(Math.min(...together.map(({ told }: { told: number }) => told)) < 1, "within a millisecond");
  assert.equal(apart.exposed.length, 3);
});
