import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gigeNeeds } from "../../../support/camera-gige.ts";
import { lacking } from "../../../support/camera-peers.ts";
import { goFirst } from "../../../support/go-first.ts";
import { enrollLine, gradeLine } from "../../../support/line-over-gige.ts";
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
    await enrollLine(folder);
    const direct = await gradeLine(folder, ITEMS, false);
    const camera = await gradeLine(folder, ITEMS, true);
    t.diagnostic(`direct: ${JSON.stringify(direct.summary)}`);
    t.diagnostic(`camera: ${JSON.stringify(camera.summary)}`);
    t.diagnostic(`camera: ${JSON.stringify(camera.counters)}, ${camera.late} pictures drawn too late`);
    for (const { summary } of [direct, camera]) {
      assert.deepEqual([summary.passed, summary.missed, summary.double], [ITEMS, 0, 0]);
    }
    // The same frames give the same grades. One passed over, or torn, on a busy machine takes a view from a fruit or two.
    const right = [direct, camera].map(({ summary }) => Math.round(summary.agreement * ITEMS));
    const apart = Math.abs(right[0]! - right[1]!);
    const { dropped, incomplete, lost = 0 } = camera.counters;
    const passedOver = dropped + incomplete + lost + camera.late;
    assert.ok(apart <= Math.min(2 * passedOver, 6), `${right} of ${ITEMS} agree, ${passedOver} frames passed over`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
