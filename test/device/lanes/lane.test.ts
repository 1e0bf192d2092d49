import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMicros } from "../../../device/base/time.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { USUAL_CODES } from "../../../device/contract/codes.ts";
import type { Decision } from "../../../device/grade/verdict.ts";
import { Lane } from "../../../device/lanes/lane.ts";
import { ProductMap } from "../../../device/lanes/products.ts";
import { draftVerdict } from "../../../device/lanes/verdict.ts";
import type { DecidedItem, Judge } from "../../../device/recipes/decided-item.ts";
import type { ItemPassed, ViewSeen } from "../../../device/vision/follower.ts";

const CONFIG = configSchema.shape.lanes.element.parse({
  id: "a",
  camera: "c",
  mmPerPx: 1,
  gateMm: 100,
  conveyor: { kind: "belt", speedMmPerS: 500 },
});
const T0 = 1_800_000_000_000_000;
const BY = { recipe: null, modelHash: "ab".repeat(32), galleryHash: "cd".repeat(32) };
const GRADED: Decision = { outcome: "graded", grade: "sound", margin: 0.5, grades: [] };

function view(item: number, mark: number): ViewSeen {
  const box = { x: 0, y: 0, w: 1, h: 1 };
  return { kind: "view", item, seq: mark, exposedAt: T0 + mark, box, crop: Uint8Array.of(mark) };
}

function passed(item: number, views: number, changes: Partial<ItemPassed> = {}): ItemPassed {
  const presence = views > 0 ? "fruit" : "no-image";
  return {
    kind: "item",
    item,
    presence,
    views,
    exposedAt: T0,
    gateAt: T0 + 1e6,
    sizeMm: 70,
    cup: undefined,
    ...changes,
  };
}

/** A lane whose embeddings come when and as the test says; an embedding is the crop's mark, twice. */
class Bench {
  readonly waiting = new Map<number, PromiseWithResolvers<Float32Array>>();
  readonly decided: DecidedItem[] = [];
  readonly graded: { values: number[]; count: number }[] = [];
  readonly failures: unknown[] = [];
  readonly lane: Lane;
  judge: Judge;
  lot: string | undefined;
  /** Items that began, less those that are done. */
  held = 0;

  constructor(changes: Partial<Judge> = {}) {
    this.judge = {
      dimension: 2,
      by: BY,
      embed: (crop) => {
        const wanted = Promise.withResolvers<Float32Array>();
        this.waiting.set(crop[0]!, wanted);
        return wanted.promise;
      },
      grade: (embeddings, count) => {
        this.graded.push({ values: [...embeddings.subarray(0, count * 2)], count });
        return GRADED;
      },
      begun: () => void this.held++,
      done: () => void this.held--,
      ...changes,
    };
    this.lane = new Lane(CONFIG, {
      run: "run",
      judge: () => this.judge,
      lot: () => this.lot,
      decided: async (item) => void this.decided.push(item),
      embedFailed: (error) => this.failures.push(error),
    });
  }

  embed(mark: number): void {
    this.waiting.get(mark)!.resolve(Float32Array.of(mark, mark));
  }
}

test("an item is decided once, when it has passed and its last embedding is there, in whatever order they come", async () => {
  const bench = new Bench();
  const seen = bench.lane.see([view(1, 10), view(1, 11), passed(1, 2), view(2, 20)]);
  bench.embed(11);
  const later = bench.lane.see([passed(2, 1)]);
  bench.embed(20);
  await later;
  assert.deepEqual(
    bench.decided.map(({ id }) => id),
    ["a-run-0-2"],
  );
  bench.embed(10);
  await seen;
  assert.deepEqual(
    bench.decided.map(({ id }) => id),
    ["a-run-0-2", "a-run-0-1"],
  );
  assert.deepEqual(bench.graded.at(-1), { values: [11, 11, 10, 10], count: 2 });
  const item = bench.decided[1]!;
  assert.deepEqual([...item.embeddings], [11, 11, 10, 10]);
  assert.deepEqual(
    item.crops.map((crop) => crop[0]),
    [10, 11],
  );
  assert.equal(bench.lane.openItems, 0);
});

test("a view that cannot be embedded is told, and the item is graded by the others", async () => {
  const bench = new Bench();
  const seen = bench.lane.see([view(1, 10), view(1, 11), passed(1, 2)]);
  const broken = new Error("broken");
  bench.waiting.get(11)!.reject(broken);
  bench.embed(10);
  await seen;
  assert.deepEqual(bench.failures, [broken]);
  assert.deepEqual(bench.graded, [{ values: [10, 10], count: 1 }]);
  assert.equal(bench.decided[0]!.decision.outcome, "graded");
});

test("an item of which no view could be embedded has the outcome no-image and is not graded", async () => {
  const bench = new Bench();
  const seen = bench.lane.see([view(1, 10), passed(1, 1)]);
  bench.waiting.get(10)!.reject(new Error("broken"));
  await seen;
  assert.deepEqual(
    bench.decided.map(({ decision }) => decision.outcome),
    ["no-image"],
  );
  assert.deepEqual(bench.graded, []);
});

test("an empty cup and a fruit without a usable frame are verdicts of their own", async () => {
  const bench = new Bench();
  await bench.lane.see([passed(1, 0, { presence: "empty", cup: 7, sizeMm: undefined }), passed(2, 0, { cup: 8 })]);
  assert.deepEqual(
    bench.decided.map(({ decision, passed: { cup } }) => [decision.outcome, decision.grade, cup]),
    [
      ["empty", null, 7],
      ["no-image", null, 8],
    ],
  );
});

test("an item of before a restart is decided under its own name, and one of the same number after it under another", async () => {
  const bench = new Bench();
  const before = bench.lane.see([view(1, 10), passed(1, 1)]);
  bench.lane.restart();
  const after = bench.lane.see([view(1, 20), passed(1, 1)]);
  bench.embed(20);
  await after;
  bench.embed(10);
  await before;
  assert.deepEqual(
    bench.decided.map(({ id, embeddings }) => [id, embeddings[0]]),
    [
      ["a-run-1-1", 20],
      ["a-run-0-1", 10],
    ],
  );
  assert.equal(bench.lane.openItems, 0);
});

test("an item left open by a restart is forgotten, views that come late for it change nothing", async () => {
  const bench = new Bench();
  const left = bench.lane.see([view(1, 10)]);
  bench.lane.restart();
  assert.equal(bench.lane.openItems, 0);
  const after = bench.lane.see([passed(1, 0)]);
  bench.embed(10);
  await Promise.all([left, after]);
  assert.deepEqual(
    bench.decided.map(({ id, decision }) => [id, decision.outcome]),
    [["a-run-1-1", "no-image"]],
  );
  assert.equal(bench.held, 0);
});

test("a fruit that stands in view forever does not grow without end, nor do fruit that never pass", async () => {
  const bench = new Bench({ embed: async (crop) => Float32Array.of(crop[0]!, 0) });
  for (let i = 0; i < 400; i++) await bench.lane.see([view(1, i % 256)]);
  await bench.lane.see([passed(1, 400)]);
  assert.equal(bench.graded[0]!.count, 128);
  assert.equal(bench.decided[0]!.crops.length, 128);
  for (let item = 2; item < 1002; item++) await bench.lane.see([view(item, 1)]);
  assert.equal(bench.lane.openItems, 256);
  assert.equal(bench.held, 256);
});

test("an item in view stays with the judge that it began with, whatever comes after; the next one has the new one", async () => {
  const bench = new Bench();
  const first = bench.judge;
  const seen = bench.lane.see([view(1, 10)]);
  const asked: number[] = [];
  let held = 0;
  bench.judge = {
    ...first,
    dimension: 1,
    by: { ...BY, recipe: "apples-2" },
    embed: async (crop) => {
      asked.push(crop[0]!);
      return Float32Array.of(crop[0]!);
    },
    begun: () => void held++,
    done: () => void held--,
  };
  const later = bench.lane.see([view(1, 11), view(2, 20)]);
  bench.embed(10);
  bench.embed(11);
  await Promise.all([seen, later]);
  assert.deepEqual([bench.held, held], [1, 1]);
  await bench.lane.see([passed(1, 2), passed(2, 1)]);
  assert.deepEqual(asked, [20]);
  assert.deepEqual(
    bench.decided.map(({ id, by, embeddings }) => [id, by.recipe, [...embeddings]]),
    [
      ["a-run-0-1", null, [10, 10, 11, 11]],
      ["a-run-0-2", "apples-2", [20]],
    ],
  );
  assert.deepEqual([bench.held, held], [0, 0]);
});

test("an item decided after its time at the gate is late; its times are told to the microsecond", async () => {
  const bench = new Bench();
  await bench.lane.see([passed(1, 0, { presence: "empty", exposedAt: T0 + 1, gateAt: T0 + 2 })]);
  const item = bench.decided[0]!;
  assert.ok(item.ms.vision >= 0 && item.ms.embed === 0 && item.ms.grade >= 0);
  const early = draftVerdict("board", USUAL_CODES, { ...item, decidedAt: T0 + 2 });
  assert.deepEqual([parseMicros(early.exposedAt), parseMicros(early.gateAt), early.late], [T0 + 1, T0 + 2, false]);
  assert.equal(draftVerdict("board", USUAL_CODES, { ...item, decidedAt: T0 + 3 }).late, true);
});

test("the view of an item that passes with it is urgent, those of the others are not", () => {
  const urgent: [number, boolean][] = [];
  const bench = new Bench({
    embed: (crop, hurry) => {
      urgent.push([crop[0]!, hurry]);
      return new Promise(() => {});
    },
  });
  void bench.lane.see([view(1, 10), view(2, 20)]);
  void bench.lane.see([view(1, 11), view(2, 21), passed(1, 2)]);
  assert.deepEqual(urgent, [
    [10, false],
    [20, false],
    [11, true],
    [21, false],
  ]);
});

test("a lot changes between two fruit: items in view keep theirs, also when they are decided later", async () => {
  const bench = new Bench();
  bench.lot = "1";
  const seen = bench.lane.see([view(1, 10)]);
  bench.lot = "2";
  const later = bench.lane.see([view(2, 20), view(1, 11), passed(2, 1), passed(1, 2)]);
  bench.lot = undefined;
  const last = bench.lane.see([view(3, 30), passed(3, 1)]);
  for (const mark of [30, 20, 11, 10]) bench.embed(mark);
  await Promise.all([seen, later, last]);
  const lots = bench.decided.map((item) => [item.id, draftVerdict("board", USUAL_CODES, item).lot]);
  assert.deepEqual(lots.toSorted(), [
    ["a-run-0-1", "1"],
    ["a-run-0-2", "2"],
    ["a-run-0-3", undefined],
  ]);
});

test("a verdict has the product and outlet of the first rule that fits, and is late by that outlet's gate", async () => {
  const outlets = [
    { id: "packing", gateMm: 100 },
    { id: "juice", gateMm: 350 },
  ];
  const config = configSchema.shape.products.parse({
    outlets,
    rules: [
      { grade: ["sound"], sizeMm: { from: 65 }, product: "table", outlet: "packing" },
      { outcome: ["graded"], product: "juice", outlet: "juice" },
      { product: "rest", outlet: "juice" },
    ],
  });
  const products = new ProductMap({ products: config });
  const bench = new Bench();
  const small = passed(2, 1, { sizeMm: 64.9 });
  const seen = bench.lane.see([view(1, 10), passed(1, 1), view(2, 20), small, passed(3, 0)]);
  bench.embed(10);
  bench.embed(20);
  await seen;
  const said = (n: number, changes: Partial<DecidedItem> = {}) => {
    const item = bench.decided.find(({ id }) => id === `a-run-0-${n}`)!;
    const { product, outlet, gateAt, late } = draftVerdict("b", USUAL_CODES, { ...item, ...changes }, products);
    return [product, outlet, Math.round(parseMicros(gateAt) - T0) / 1000, late];
  };
  const before = { decidedAt: T0 };
  assert.deepEqual(said(1, before), ["table", "packing", 1000, false]);
  // 250 mm further on at 500 mm/s.
  assert.deepEqual(said(2, before), ["juice", "juice", 1500, false]);
  assert.deepEqual(said(3, before), ["rest", "juice", 1500, false]);
  assert.deepEqual(said(1, { decidedAt: T0 + 1.2e6 })[3], true);
  assert.deepEqual(said(2, { decidedAt: T0 + 1.2e6 })[3], false);

  assert.deepEqual([...products.reasons()], []);
  products.set("packing", "full");
  assert.deepEqual(said(1, before), ["juice", "juice", 1500, false]);
  assert.deepEqual(
    [...products.reasons()].map(({ code, message }) => [code, message]),
    [["outlet-closed", "outlet packing is full"]],
  );
  products.set("juice", "stopped");
  assert.deepEqual(said(1, before), ["table", undefined, 1000, false]);
  products.set("packing", "open");
  assert.deepEqual(said(1, before), ["table", "packing", 1000, false]);
  assert.throws(() => products.set("roof", "full"), /no outlet "roof", wanted one of: packing, juice/);
});
