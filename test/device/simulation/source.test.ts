import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Frame } from "../../../device/base/frame.ts";
import { lineSchema } from "../../../device/config/schema.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { frameSourceContract } from "../../support/frame-source-contract.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const START = 1_700_000_000_000_000;
const apples = "../shared/data/dev/apples";
const noApples = existsSync(apples) ? undefined : `${apples} is not here: real turning sequences are not shown`;

function config(more: object = {}): ReturnType<typeof lineSchema.parse> {
  return lineSchema.parse({
    kind: "line",
    widthPx: 256,
    heightPx: 80,
    mmPerPx: 1.6,
    fps: 20,
    startAt: START,
    pace: "fast",
    ...more,
  });
}

function sha(frame: Frame): string {
  return createHash("sha256").update(frame.data).digest("hex");
}

/** Hashes of the frames with these numbers, from one source that is read in fast pace. */
async function hashes(more: object, wanted: readonly number[]): Promise<string[]> {
  const source = await openLine(config(more));
  const found: string[] = [];
  const last = Math.max(...wanted);
  for await (const frame of source.frames()) {
    if (wanted.includes(frame.seq)) found.push(sha(frame));
    if (frame.seq === last) break;
  }
  await source.close();
  return found;
}

for (const conveyor of ["belt", "cups"] as const) {
  frameSourceContract(`a simulated line of ${conveyor}`, {
    open: () => openLine(config({ conveyor, items: 3 })),
    openPaced: (clock) => openLine(config({ conveyor, startAt: 0, pace: "real" }), clock),
  });
}

frameSourceContract("a simulated line of real fruit", {
  open: () => openLine(config({ fruit: apples, items: 2 })),
  openPaced: (clock) => openLine(config({ fruit: apples, startAt: 0, pace: "real" }), clock),
  skip: noApples,
});

describe("the simulated line as a source", () => {
  test("the same seed and configuration give the same pixels, another seed others", async () => {
    const wanted = [0, 30, 47, 60];
    const first = await hashes({ seed: 7 }, wanted);
    assert.deepEqual(await hashes({ seed: 7 }, wanted), first);
    assert.equal(new Set(first).size, wanted.length);
    const other = await hashes({ seed: 8 }, wanted);
    assert.ok(other.every((hash, i) => hash !== first[i]));
  });

  test("a source opened late starts with the newest frame then due, and its pixels are those of an early one", async () => {
    const [wanted] = await hashes({ seed: 3 }, [97]);
    const clock = new ManualClock(START + 97.4 * 50_000);
    const source = await openLine(config({ seed: 3, pace: "real" }), clock);
    for await (const frame of source.frames()) {
      assert.equal(frame.seq, 97);
      assert.equal(frame.exposedAt, START + 97 * 50_000);
      assert.equal(sha(frame), wanted);
      break;
    }
    assert.deepEqual(source.counters, { seen: 1, dropped: 0, incomplete: 0 });
    await source.close();
  });

  test("a line that is over when it is opened ends at once", async () => {
    const clock = new ManualClock(START + 3600e6);
    const source = await openLine(config({ items: 2, pace: "real" }), clock);
    assert.equal((await source.frames().next()).done, true);
    await source.close();
  });

  test("pixels do not depend on which frames were taken before", async () => {
    const [wanted] = await hashes({ seed: 3 }, [80]);
    const clock = new ManualClock(START);
    const source = await openLine(config({ seed: 3, pace: "real" }), clock);
    for await (const frame of source.frames()) {
      if (frame.seq === 80) assert.equal(sha(frame), wanted);
      if (frame.seq >= 80) break;
      clock.advance(20 * 50_000 - 1);
    }
    assert.ok(source.counters.dropped > 60);
    await source.close();
  });

  test("cups are triggered once per pitch", async () => {
    const source = await openLine(config({ conveyor: "cups", spacingMm: 100, speedMmPerS: 500, emptyCups: 0 }));
    let last: number | undefined;
    for await (const { seq, exposedAt } of source.frames()) {
      if (last !== undefined) assert.equal(exposedAt - last, 200_000);
      last = exposedAt;
      if (seq === 4) break;
    }
    await source.close();
  });

  test("a width that is no multiple of four is drawn as well", async () => {
    const [even] = await hashes({ widthPx: 256 }, [0]);
    const [odd] = await hashes({ widthPx: 255 }, [0]);
    assert.notEqual(odd, even);
    const source = await openLine(config({ widthPx: 255, heightPx: 81 }));
    for await (const { data, seq } of source.frames()) {
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      assert.ok(mean > 60 && mean < 110, `the empty belt has a mean of ${mean}`);
      if (seq === 2) break;
    }
    await source.close();
  });

  test("lamp drift changes the brightness by about its share", async () => {
    const means: number[] = [];
    const source = await openLine(config({ lightDrift: 0.3, fps: 1, items: 1, speedMmPerS: 4 }));
    for await (const { data } of source.frames()) {
      means.push(data.reduce((sum, value) => sum + value, 0) / data.length);
      if (means.length === 90) break;
    }
    const [low, high] = [Math.min(...means), Math.max(...means)];
    assert.ok(high / low > 1.6 && high / low < 2.1, `${low} to ${high}`);
    await source.close();
  });

  for (const [what, more, wanted] of [
    ["lanes too narrow for fruit", { lanes: 2 }, /64 mm across each lane; fruit need .* 96 mm/],
    ["fruit too close", { spacingMm: 60 }, /spacingMm is 60/],
    ["an unknown variety", { varieties: ["gala", "quince"] }, /`quince` is no variety; there are gala/],
  ] as const) {
    test(`${what} cannot be opened`, async () => {
      await assert.rejects(openLine(config(more)), { code: "CONFIG", message: wanted });
    });
  }

  test("a folder of fruit that is absent or without sequences cannot be opened", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gradeline-fruit-"));
    await assert.rejects(openLine(config({ fruit: folder })), { code: "SOURCE_EMPTY" });
    await rm(folder, { recursive: true });
    await assert.rejects(openLine(config({ fruit: folder })), { code: "SOURCE" });
  });
});
