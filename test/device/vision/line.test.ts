import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import type { LineConfig } from "../../../device/config/schema.ts";
import type { TruthItem } from "../../../device/simulation/world.ts";
import { type LineRun, lineConfig, runLine, truthMicros } from "../../support/vision-line.ts";

/** The simulated line at half the usual resolution: a quarter of the pixels to draw. */
const SMALL: Partial<LineConfig> = { widthPx: 640, heightPx: 180, mmPerPx: 1.16 };
const BELT: Partial<LineConfig> = { ...SMALL, touching: 0.35, lightDrift: 0.2, strangers: 0.15, speedMmPerS: 700 };
const CUPS: Partial<LineConfig> = { ...SMALL, conveyor: "cups", spacingMm: 105, emptyCups: 0.3, strangers: 0.15 };

/** Loses about one frame in eight and leaves as many incomplete. */
function lossy(salt: number): (frame: Frame) => Frame | undefined {
  return (frame) => {
    const dice = (Math.imul(frame.seq * 31 + salt, 2654435761) >>> 24) / 256;
    if (dice < 0.125) return undefined;
    return dice < 0.25 ? { ...frame, status: "incomplete" } : frame;
  };
}

function flip(frame: Frame): Frame {
  const { widthPx, heightPx } = frame;
  const data = new Uint8Array(frame.data.length);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const from = (y * widthPx + x) * 3;
      data.set(frame.data.subarray(from, from + 3), (y * widthPx + widthPx - 1 - x) * 3);
    }
  }
  return { ...frame, data };
}

/** Pairs items with the truth by the time at the gate: each item one fruit, each fruit one item. */
function assertEachOnce(run: LineRun, truth: readonly TruthItem[]): Map<number, TruthItem> {
  const inOrder = [...run.items].sort((a, b) => a.gateAt - b.gateAt);
  assert.equal(inOrder.length, truth.length);
  const sorted = [...truth].sort((a, b) => a.gateAtS - b.gateAtS);
  const pairs = new Map<number, TruthItem>();
  for (const [i, item] of inOrder.entries()) {
    const error = item.gateAt - truthMicros(sorted[i]!.gateAtS);
    assert.ok(Math.abs(error) < 15_000, `item ${item.item} is off by ${error} us from ${sorted[i]!.id}`);
    assert.equal(item.presence, "fruit");
    pairs.set(item.item, sorted[i]!);
  }
  return pairs;
}

function assertSizes(run: LineRun, pairs: ReadonlyMap<number, TruthItem>): void {
  for (const [number, { id, kind, diameterMm, heightMm }] of pairs) {
    const { sizeMm } = run.items.find((item) => item.item === number)!;
    const error = sizeMm! / Math.max(diameterMm, heightMm) - 1;
    assert.ok(Math.abs(error) < 0.03, `${id}, ${kind}: ${(error * 100).toFixed(1)} %`);
  }
}

for (const seed of [1, 2, 3]) {
  test(`60 fruit on a belt with touching ones and drifting light are each one item of the right size, seed ${seed}`, async () => {
    const run = await runLine(lineConfig({ ...BELT, seed, items: 60 }));
    assertSizes(run, assertEachOnce(run, run.truth));
    const lastViews = run.items.map(({ item }) => run.views.findLast((view) => view.item === item)!.seq);
    const late = run.toldAt.filter((seq, i) => seq > lastViews[i]! + 1);
    assert.equal(late.length, 0, "told more than a frame after the last view");
  });
}

test("60 fruit are each one item where a quarter of the frames is lost or incomplete", async () => {
  const run = await runLine(lineConfig({ ...BELT, seed: 4, items: 60 }), { frame: lossy(4) });
  assertEachOnce(run, run.truth);
});

test("a belt that runs to the left is followed alike", async () => {
  const run = await runLine(lineConfig({ ...BELT, seed: 5, items: 25 }), { frame: flip, lane: { direction: "left" } });
  assertEachOnce(run, run.truth);
});

test("started in the middle of the run, what comes in from then on and what is in view is each one item", async () => {
  const config = lineConfig({ ...BELT, seed: 6, items: 40 });
  const from = 150;
  const run = await runLine(config, { from });
  // What the exit edge already cut off in the first frame had passed before.
  const lengthS = (config.widthPx * config.mmPerPx) / config.speedMmPerS;
  const truth = run.truth.filter((item) => item.enterAtS + lengthS > from / config.fps);
  assertEachOnce(run, truth);
});

for (const seed of [1, 2, 3]) {
  test(`60 cups keep their numbers and their contents though frames are lost, seed ${seed}`, async () => {
    const run = await runLine(lineConfig({ ...CUPS, seed, items: 60 }), { frame: lossy(seed) });
    for (const { cup, grade } of run.truth) {
      const items = run.items.filter((item) => item.cup === cup);
      assert.equal(items.length, 1, `cup ${cup}`);
      if (items[0]!.presence !== "no-image") {
        assert.equal(items[0]!.presence, grade === null ? "empty" : "fruit", `cup ${cup}`);
      }
    }
    const fruit = run.items.filter((item) => item.presence === "fruit");
    const truth = run.truth.filter((item) => item.grade !== null);
    assert.ok(truth.length - fruit.length <= 2, `${fruit.length} of ${truth.length} with an image`);
    const cups = run.items.map((item) => item.cup!);
    assert.deepEqual(
      cups,
      [...cups].sort((a, b) => a - b),
    );
  });
}
