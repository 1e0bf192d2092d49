import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { createFollower } from "../../../device/vision/create-follower.ts";
import { CROP, laneOf, lineConfig } from "../../support/vision-line.ts";

/** The frame as seen in a mirror: fruit move to the left. */
function mirrored(frame: Frame): Frame {
  const { widthPx, heightPx, data } = frame;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const from = (y * widthPx + x) * 3;
      out.set(data.subarray(from, from + 3), (y * widthPx + widthPx - 1 - x) * 3);
    }
  }
  return { ...frame, data: out };
}

for (const [conveyor, direction] of [
  ["belt", "right"],
  ["belt", "left"],
  ["cups", "right"],
] as const) {
  test(`marks lie on the fruit that are seen, with their sizes: ${conveyor}, to the ${direction}`, async () => {
    const config = lineConfig({ conveyor, items: 8, seed: 5 });
    const source = await openLine(config);
    const follower = createFollower(laneOf(config, { direction }), CROP, source);
    let checked = 0;
    for await (const drawn of source.frames()) {
      const frame = direction === "right" ? drawn : mirrored(drawn);
      const seen = follower.step(frame);
      const marks = follower.marks();
      const passed = new Set(seen.flatMap((each) => (each.kind === "item" ? [each.item] : [])));
      for (const { item } of marks) assert.ok(!passed.has(item), `item ${item} has passed and is marked`);
      for (const view of seen) {
        if (view.kind !== "view" || view.exposedAt !== frame.exposedAt || passed.has(view.item)) continue;
        const mark = marks.find(({ item }) => item === view.item);
        assert.ok(mark !== undefined, `item ${view.item} has no mark`);
        const { x, y, w, h } = view.box;
        const [dx, dy] = [mark.box.x + mark.box.w / 2 - x - w / 2, mark.box.y + mark.box.h / 2 - y - h / 2];
        assert.ok(Math.hypot(dx, dy) < w / 4, `frame ${frame.seq}: ${dx.toFixed(0)}, ${dy.toFixed(0)} px beside`);
        assert.ok(mark.box.w > w / 2 && mark.box.w < w * 2, `${mark.box.w} wide, the fruit ${w}`);
        assert.ok(mark.sizeMm !== undefined && mark.sizeMm > 40 && mark.sizeMm < 120, `${mark.sizeMm} mm`);
        checked++;
      }
    }
    await source.close();
    assert.ok(checked >= 16, `${checked} views`);
  });
}
