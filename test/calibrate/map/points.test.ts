import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { queuePoints } from "../../../calibrate/map/points.ts";
import { createLog } from "../../../device/base/log.ts";
import { UnknownQueue } from "../../../device/teach/queue.ts";
import { openTiny } from "../../support/embedder-tiny.ts";
import { madeCrops } from "../../support/gallery-made.ts";
import { queueItem } from "../../support/queue-items.ts";

test("what waits on the line is a point each with one of its views; views of another size are left out", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-points-"));
  const embedder = await openTiny();
  try {
    const { sizePx } = embedder.model;
    const queue = await UnknownQueue.open(folder, { maxItems: 10, maxBytes: 1e8 }, 118, createLog("silent"));
    for (const [n, size] of [
      [1, sizePx],
      [2, 8],
      [3, sizePx],
    ] as const) {
      queue.offer(queueItem(n, 3, size));
    }
    await queue.settled();
    const points = await queuePoints(folder, embedder, { eachView: false });
    assert.deepEqual(
      points.map(({ name, kind, grade }) => [name, kind, grade]),
      [
        ["a-run-3", "queue", undefined],
        ["a-run-1", "queue", undefined],
      ],
    );
    const crop = await points[1]!.crop();
    assert.ok(madeCrops(1, 3, sizePx).some((own) => Buffer.compare(own, crop!) === 0));
    assert.equal((await queuePoints(folder, embedder, { eachView: true })).length, 6);
    assert.deepEqual(await queuePoints(join(folder, "absent"), embedder, { eachView: false }), []);
  } finally {
    await embedder.close();
    await rm(folder, { recursive: true });
  }
});
