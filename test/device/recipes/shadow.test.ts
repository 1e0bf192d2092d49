import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { type Verdict, verdictSchema } from "../../../device/contract/messages.ts";
import type { Embedder } from "../../../device/embed/embedder.ts";
import type { Outcome } from "../../../device/grade/verdict.ts";
import type { DecidedItem } from "../../../device/recipes/decided-item.ts";
import type { Recipe } from "../../../device/recipes/load.ts";
import { Shadow, type ShadowParts } from "../../../device/recipes/shadow.ts";
import { MADE_MODEL } from "../../support/gallery-made.ts";

const OTHER = "cd".repeat(32);
const NOW = "2026-01-01T00:00:00.000000Z";

/** Says the grade whose number is the first value of the embeddings. */
const GRADES = ["sound", "second", "reject"];

function recipe(): Recipe {
  const grader = {
    grade: (embeddings: Float32Array) => {
      const grade = GRADES[embeddings[0]!] ?? null;
      const outcome: Outcome = grade === null ? "unknown" : "graded";
      return { outcome, grade, margin: null, grades: [] };
    },
  };
  return {
    name: "apples-4",
    installed: undefined,
    folder: "",
    grader: grader as unknown as Recipe["grader"],
    gallery: undefined,
    galleryHash: "ef".repeat(32),
    references: 3,
    grades: [],
    warning: undefined,
  };
}

function item(
  id: string,
  grade: string | null,
  value: number,
  changes: Partial<DecidedItem> = {},
): [Verdict, DecidedItem] {
  const verdict = verdictSchema.parse({
    v: 2,
    device: "board",
    epoch: "0123abcd",
    lane: "a",
    seq: 1,
    item: id,
    outcome: grade === null ? "unknown" : "graded",
    outcomeCode: grade === null ? 2 : 1,
    grade,
    gradeCode: grade === null ? 0 : 1,
    margin: null,
    grades: [],
    views: 1,
    sizeMm: null,
    cup: null,
    exposedAt: NOW,
    decidedAt: NOW,
    gateAt: NOW,
    late: false,
    recipe: null,
    model: MADE_MODEL.hash.slice(0, 16),
    gallery: "0".repeat(16),
    ms: { vision: 0, embed: 0, grade: 0 },
  });
  const embeddings = new Float32Array(MADE_MODEL.dimension);
  embeddings[0] = value;
  const decided = {
    id,
    by: { recipe: null, modelHash: MADE_MODEL.hash, galleryHash: "" },
    embeddings,
    embedded: 1,
    crops: [new Uint8Array(MADE_MODEL.sizePx ** 2 * 3).fill(value)],
    ...changes,
  };
  return [verdict, decided as unknown as DecidedItem];
}

/** An embedder whose embedding of a view is its first pixel. */
function embedder(begun: number[] = []): Embedder {
  return {
    model: { ...MADE_MODEL, hash: OTHER },
    provider: "cpu",
    maxBatch: 16,
    async embed(views, count, out) {
      begun.push(count);
      for (let view = 0; view < count; view++) {
        out[view * MADE_MODEL.dimension] = views[view * MADE_MODEL.sizePx ** 2 * 3]!;
      }
    },
    async close() {},
  };
}

function open(changes: Partial<ShadowParts> = {}) {
  const counted: string[] = [];
  let seen = (): void => {};
  const shadow = new Shadow({
    log: createLog("silent"),
    metrics: {
      item(result) {
        counted.push(result);
        seen();
      },
    },
    recipe: recipe(),
    modelHash: MADE_MODEL.hash,
    embedder: undefined,
    openEmbedder: async () => embedder(),
    idle: async () => {},
    ...changes,
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      seen = () => {
        if (counted.length >= count) resolve();
      };
      seen();
    });
  return { shadow, counted, until };
}

test("items are counted as the same or by what they were and would be, most first, with the last by name", async () => {
  const { shadow, until } = open();
  const items: [string | null, number][] = [
    ["sound", 0],
    ["sound", 2],
    [null, 9],
    [null, 1],
    ["sound", 2],
    ["reject", 9],
  ];
  for (const [index, [grade, value]] of items.entries()) shadow.offer(...item(`a-${index}`, grade, value));
  await until(items.length);
  const { items: both, same, different, skipped, pairs, last, recipe: name } = shadow.report;
  assert.deepEqual([name, both, same, different, skipped], ["apples-4", 6, 2, 4, 0]);
  assert.deepEqual(pairs, [
    { was: "sound", would: "reject", items: 2 },
    { was: "unknown", would: "second", items: 1 },
    { was: "reject", would: "unknown", items: 1 },
  ]);
  assert.deepEqual(
    last.map(({ item: id, would }) => [id, would]),
    [
      ["a-5", "unknown"],
      ["a-4", "reject"],
      ["a-3", "second"],
      ["a-1", "reject"],
    ],
  );
  await shadow.close();
});

test("with a model of its own it embeds the views again, a few at a time, whenever the line needs no model", async () => {
  const begun: number[] = [];
  let asked = 0;
  let rest = Promise.withResolvers<void>();
  const { shadow, counted, until } = open({
    modelHash: OTHER,
    embedder: embedder(begun),
    idle: () => {
      asked++;
      return rest.promise;
    },
  });
  const crops = Array.from({ length: 10 }, () => new Uint8Array(MADE_MODEL.sizePx ** 2 * 3).fill(2));
  shadow.offer(...item("a-1", "sound", 0, { crops, embedded: 10 }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([asked, begun, counted], [1, [], []], "the line goes first");
  rest.resolve();
  await until(1);
  assert.deepEqual([asked, begun], [3, [4, 4, 2]]);
  assert.deepEqual(shadow.report.pairs, [{ was: "sound", would: "reject", items: 1 }]);

  // A line that never rests: what does not fit into the queue is left out, and ending waits for nobody.
  await new Promise((resolve) => setImmediate(resolve));
  rest = Promise.withResolvers();
  for (let more = 0; more < 40; more++) shadow.offer(...item(`b-${more}`, "sound", 0));
  assert.equal(shadow.report.skipped, 40 - 32 - 1);
  await shadow.close();
  shadow.offer(...item("late", "sound", 0));
  assert.deepEqual([shadow.report.items, shadow.report.skipped], [1, 7]);
});

test("the line may change to another model meanwhile: then its own is opened, and one that cannot be opened is told", async () => {
  let opened = 0;
  let broken = true;
  const { shadow, until } = open({
    modelHash: OTHER,
    openEmbedder: async () => {
      opened++;
      if (broken) throw new Error("no room");
      return embedder();
    },
  });
  shadow.offer(...item("a-1", "sound", 0));
  await until(1);
  assert.deepEqual([shadow.report.skipped, shadow.report.problem], [1, "no room"]);
  broken = false;
  for (const id of ["a-2", "a-3"]) shadow.offer(...item(id, "sound", 0));
  await until(3);
  assert.deepEqual([opened, shadow.report.same, shadow.report.problem], [2, 2, null]);
  await shadow.close();
});

test("what is told stays small: so many pairs, so many of the last", async () => {
  const { shadow, until } = open();
  for (let n = 0; n < 300; n += 30) {
    for (let each = n; each < n + 30; each++) shadow.offer(...item(`a-${each}`, `grade ${each}`, 0));
    await until(n + 30);
  }
  assert.deepEqual([shadow.report.different, shadow.report.pairs.length, shadow.report.last.length], [300, 200, 20]);
  await shadow.close();
});
