import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gigeNeeds } from "../../../support/camera-gige.ts";
import { lacking } from "../../../support/camera-peers.ts";
import { goFirst } from "../../../support/go-first.ts";
import { enrolLine, gradeLine } from "../../../support/line-over-gige.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

const skip = lacking(gigeNeeds);
const ITEMS = 200;

test("two hundred fruit behind a GigE Vision camera: none missed, none twice, graded as without the camera", {
  skip,
}, async (t) => {
  enterOwnNetwork();
  goFirst();
  const folder = mkdtempSync(join(tmpdir(), "gradeline-line-"));
  try {
    await enrolLine(folder);
    const direct = await gradeLine(folder, ITEMS, false);
    const camera = await gradeLine(folder, ITEMS, true);
    t.diagnostic(`direct: ${JSON.stringify(direct.summary)}`);
    t.diagnostic(`camera: ${JSON.stringify(camera.summary)}`);
    t.diagnostic(`camera: ${JSON.stringify(camera.counters)}, ${camera.late} pictures drawn too late`);
    for (const { summary } of [direct, camera]) {
      assert.deepEqual([summary.passed, summary.missed, summary.double], [ITEMS, 0, 0]);
    }
    // A frame passed over on a busy machine can take a view from a fruit or two of the two hundred.
    const apart = Math.abs(camera.summary.agreement - direct.summary.agreement);
    assert.ok(apart < 0.011, `agreement ${camera.summary.agreement}, ${direct.summary.agreement} without the camera`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
