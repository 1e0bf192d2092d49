import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { lineSchema } from "../../../device/config/schema.ts";
import { attitude, contactMm, outline } from "../../../device/simulation/body.ts";
import { apply } from "../../../device/simulation/rotation.ts";
import { listSequences } from "../../../device/simulation/sequences.ts";
import { LineWorld, lineTruth } from "../../../device/simulation/world.ts";

const apples = "../shared/data/dev/apples";

function config(more: object = {}): ReturnType<typeof lineSchema.parse> {
  return lineSchema.parse({ kind: "line", lanes: 2, ...more });
}

describe("the truth of the line", () => {
  test("is the same every time, in order, with unique ids, different on each lane", () => {
    const first = [...lineTruth(config(), 0, { count: 200 })];
    assert.deepEqual([...lineTruth(config(), 0, { count: 200 })], first);
    assert.equal(new Set(first.map(({ id }) => id)).size, 200);
    for (let i = 1; i < first.length; i++) assert.ok(first[i]!.gateAtS > first[i - 1]!.gateAtS);
    const second = [...lineTruth(config(), 1, { count: 200 })];
    assert.notDeepEqual(
      second.map(({ grade }) => grade),
      first.map(({ grade }) => grade),
    );
  });

  test("ends with `items`, with a count, or with a time", () => {
    assert.equal([...lineTruth(config({ items: 12 }), 0)].length, 12);
    assert.equal([...lineTruth(config({ items: 12 }), 0, { count: 5 })].length, 5);
    const early = [...lineTruth(config(), 0, { untilS: 10 })];
    assert.ok(early.every(({ enterAtS }) => enterAtS < 10));
    assert.ok(Math.abs(early.length - (10 * 800) / 150) < 10, `${early.length} in 10 s`);
  });

  test("every fruit enters from outside, crosses the frame at the belt's speed, and reaches the gate behind it", () => {
    for (const item of lineTruth(config({ gateMm: 300, speedMmPerS: 600 }), 0, { count: 100 })) {
      assert.ok(item.enterAtS > 0);
      const reachMm = Math.max(item.diameterMm, item.heightMm) / 2;
      assert.ok(Math.abs((item.exitAtS - item.enterAtS) * 600 - (1280 * 0.58 + 2 * reachMm)) < 1e-6);
      assert.ok(Math.abs((item.gateAtS - item.exitAtS) * 600 - (300 - reachMm)) < 1e-6);
    }
  });

  test("shares of strangers, empty cups and grades are about what was asked for", () => {
    const items = [...lineTruth(config({ conveyor: "cups", strangers: 0.2, emptyCups: 0.3 }), 0, { count: 3000 })];
    const share = (grade: string | null): number => items.filter((item) => item.grade === grade).length / items.length;
    assert.ok(Math.abs(share(null) - 0.3) < 0.04);
    assert.ok(Math.abs(share("unknown") - 0.7 * 0.2) < 0.03);
    assert.ok(share("sound") > share("second") && share("second") > 0.08 && share("reject") > 0.08);
    for (const item of items) {
      assert.equal(item.fault !== null, item.grade === "second" || item.grade === "reject");
      if (item.grade === null) assert.equal(item.diameterMm, 0);
      else assert.ok(item.diameterMm >= 46 && item.diameterMm <= 80);
    }
  });

  test("cups begin with empty ones, are numbered by the frame that shows them first, and pass one pitch apart", () => {
    const items = [...lineTruth(config({ conveyor: "cups", items: 20 }), 0)];
    const { leadCups, windows } = new LineWorld(config({ conveyor: "cups" })).geometry;
    assert.equal(items.length, 20 + leadCups);
    assert.equal(windows, 5);
    assert.ok(items.slice(0, leadCups).every(({ grade }) => grade === null));
    for (const [i, item] of items.entries()) {
      assert.equal(item.cup, i);
      // Frame i is exposed at i * pitch / speed, with cup i at half a pitch from the entry edge.
      const gateAtS = (i * 150 + 1280 * 0.58 + 400 - 75) / 800;
      assert.ok(Math.abs(item.gateAtS - gateAtS) <= 2 / 800 + 1e-9);
    }
  });

  test("fruit that go round are the same on every lane and in every round, turned otherwise, with their faults", () => {
    for (const conveyor of ["belt", "cups"]) {
      const circling = config({ conveyor, circulate: 7 });
      const world = new LineWorld(circling);
      const { leadCups } = world.geometry;
      for (let index = leadCups; index < leadCups + 7; index++) {
        const first = world.placed(0, index)?.fruit;
        for (const other of [world.placed(0, index + 14)?.fruit, world.placed(1, index + 7)?.fruit]) {
          const { roll, lateralMm, ...same } = { ...first! };
          const { roll: otherRoll, lateralMm: otherLateral, ...otherwise } = { ...other! };
          assert.deepEqual(otherwise, same);
          if (first === undefined) continue;
          assert.notDeepEqual(otherRoll, roll);
          assert.notEqual(otherLateral, lateralMm);
        }
      }
    }
  });

  test("only named varieties run", () => {
    const items = [...lineTruth(config({ strangers: 0, varieties: ["gala", "pink"] }), 0, { count: 100 })];
    assert.deepEqual([...new Set(items.map(({ kind }) => kind))].sort(), ["gala", "pink"]);
  });

  test("real sequences are drawn from their folders", {
    skip: existsSync(apples) ? false : `${apples} is not here`,
  }, () => {
    const items = [...lineTruth(config({ fruit: apples, strangers: 0.3 }), 0, { count: 400 })];
    assert.deepEqual([...new Set(items.map(({ grade }) => grade))].sort(), ["reject", "second", "sound", "unknown"]);
    assert.ok(items.some(({ grade, kind }) => grade === "reject" && kind === "Apple_18"));
    assert.ok(items.every(({ fault, diameterMm }) => fault === null && diameterMm >= 66 && diameterMm <= 80));
  });
});

test("the even and the odd individuals of a folder are different ones, together all", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-individuals-"));
  for (const item of ["a1", "a2", "a10"]) {
    await mkdir(join(folder, "sound", item), { recursive: true });
    await writeFile(join(folder, "sound", item, "v1.jpg"), "");
  }
  const items = (individuals: "all" | "even" | "odd"): string[] =>
    listSequences(folder, individuals).sequences.map(({ item }) => item);
  assert.deepEqual(items("all"), ["a1", "a2", "a10"]);
  assert.deepEqual(items("even"), ["a1", "a10"]);
  assert.deepEqual(items("odd"), ["a2"]);
  await rm(folder, { recursive: true });
});

describe("the simulated world", () => {
  test("fruit never overlap, and about the share asked for touches the one ahead", () => {
    const world = new LineWorld(config({ touching: 0.4 }));
    let touching = 0;
    const count = 400;
    for (let index = 1; index < count; index++) {
      const ahead = world.placed(0, index - 1)!;
      const item = world.placed(0, index)!;
      const apartMm = item.offsetMm - ahead.offsetMm;
      let gapMm = Number.POSITIVE_INFINITY;
      for (let x = -40; x < 1280 * 0.58 + 40; x += 10) {
        const mid = (1280 * 0.58) / 2;
        const a = outline(attitude(item.fruit.roll, x - mid), item.fruit.radiusMm, item.fruit.halfHeightMm);
        const xAhead = x + apartMm - mid;
        const b = outline(attitude(ahead.fruit.roll, xAhead), ahead.fruit.radiusMm, ahead.fruit.halfHeightMm);
        gapMm = Math.min(gapMm, apartMm - contactMm(a, b, ahead.fruit.lateralMm - item.fruit.lateralMm));
      }
      assert.ok(gapMm > -0.4, `${index} overlaps by ${-gapMm} mm`);
      if (gapMm < 1) touching++;
    }
    assert.ok(Math.abs(touching / count - 0.4 * (7 / 8)) < 0.08, `${touching} of ${count} touch`);
  });

  test("what is in view is what its times say, far from the start too", () => {
    const world = new LineWorld(config({ touching: 0.5 }));
    for (const timeS of [3, 100, 7200]) {
      const seen = new Set(world.inView(0, timeS).map(({ index }) => index));
      const around = Math.floor((timeS * 800) / 150);
      for (let index = Math.max(0, around - 40); index < around + 20; index++) {
        const { enterAtS, exitAtS } = world.truth(0, index);
        if (enterAtS < timeS && timeS < exitAtS) assert.ok(seen.has(index), `${index} at ${timeS} s`);
      }
      assert.ok(seen.size < 14);
    }
  });

  for (const conveyor of ["belt", "cups"] as const) {
    test(`on ${conveyor} a fault turns to the camera in at least three views`, () => {
      const world = new LineWorld(config({ conveyor, strangers: 0, emptyCups: 0 }));
      let faulty = 0;
      for (let index = world.geometry.leadCups; index < 300; index++) {
        const { fruit, offsetMm } = world.placed(0, index)!;
        const fault = fruit.faults[0];
        if (fault === undefined) continue;
        faulty++;
        let views = 0;
        const reachMm = Math.max(fruit.radiusMm, fruit.halfHeightMm);
        for (let k = 0; k < world.truth(0, index).exitAtS * world.geometry.fps; k++) {
          const x = 800 * world.frameAtS(k) - offsetMm;
          if (x < reachMm || x > world.geometry.widthMm - reachMm) continue;
          const towards = apply(attitude(fruit.roll, x - world.geometry.widthMm / 2), fault.at)[2];
          if (towards > Math.cos(1.3)) views++;
        }
        assert.ok(views >= 3, `item ${index} shows its ${fault.name} in ${views} views`);
      }
      assert.ok(faulty > 60);
    });
  }
});
