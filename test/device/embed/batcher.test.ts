import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Batcher, batchingOn } from "../../../device/embed/batcher.ts";
import type { Embedder, Model } from "../../../device/embed/embedder.ts";
import { paintViews } from "../../support/embedder-contract.ts";
import { openTiny } from "../../support/embedder-tiny.ts";

const VIEW_BYTES = 12;

/** Runs end when the test says so; the row of a view is its first byte. */
class HeldEmbedder implements Embedder {
  readonly model = { sizePx: 2, dimension: 1 } as Model;
  readonly provider = "held";
  readonly maxBatch = 4;
  /** Of each run that was begun, the first bytes of its views. */
  readonly begun: number[][] = [];
  readonly #ends: ((error?: Error) => void)[] = [];

  embed(views: Uint8Array, count: number, out: Float32Array): Promise<void> {
    const ids = Array.from({ length: count }, (_, view) => views[view * VIEW_BYTES]!);
    this.begun.push(ids);
    return new Promise((resolve, reject) => {
      this.#ends.push((error) => {
        if (error !== undefined) return reject(error);
        out.set(ids);
        resolve();
      });
    });
  }

  /** Ends the run that was begun first. */
  async end(error?: Error): Promise<void> {
    const end = this.#ends.shift();
    assert.ok(end !== undefined, "nothing runs");
    end(error);
    await settle();
  }

  async close(): Promise<void> {}
}

let nowMs: number;
let embedder: HeldEmbedder;

beforeEach(() => {
  nowMs = 1000;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => nowMs);
  embedder = new HeldEmbedder();
});
afterEach(() => {
  mock.restoreAll();
  mock.timers.reset();
});

function pass(ms: number): void {
  nowMs += ms;
  mock.timers.tick(ms);
}

/** Lets everything that is settled reach whoever waits for it. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

function crop(id: number): Uint8Array {
  return new Uint8Array(VIEW_BYTES).fill(id);
}

/** Adds views; what becomes of them is told in `told`. */
function add(batcher: Batcher, ids: readonly number[], told: string[] = []): void {
  for (const id of ids) {
    batcher.add(crop(id)).then(
      ([row]) => told.push(`${id}=${row}`),
      (error: Error) => told.push(`${id}: ${error.message}`),
    );
  }
}

test("a view that stays alone leaves when it has waited as long as it may, not before", () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  add(batcher, [1]);
  pass(4);
  assert.deepEqual(embedder.begun, []);
  pass(1);
  assert.deepEqual(embedder.begun, [[1]]);
});

test("company does not prolong the wait of the oldest view", () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  add(batcher, [1]);
  pass(3);
  add(batcher, [2]);
  pass(2);
  assert.deepEqual(embedder.begun, [[1, 2]]);
});

test("a full batch leaves at once", () => {
  const sent: number[] = [];
  const batcher = new Batcher(embedder, { maxDelayMs: 5, sent: (count) => sent.push(count) });
  add(batcher, [1, 2, 3, 4]);
  assert.deepEqual(embedder.begun, [[1, 2, 3, 4]]);
  assert.deepEqual(sent, [4]);
});

test("while a batch runs views gather, and leave together when it ends", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  add(batcher, [1]);
  pass(5);
  add(batcher, [2]);
  pass(5);
  add(batcher, [3]);
  assert.deepEqual(embedder.begun, [[1]]);
  await embedder.end();
  assert.deepEqual(embedder.begun, [[1], [2, 3]]);
});

test("what came just before the end of a run still waits for company", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  add(batcher, [1]);
  pass(5);
  add(batcher, [2]);
  pass(2);
  await embedder.end();
  assert.deepEqual(embedder.begun, [[1]]);
  pass(3);
  assert.deepEqual(embedder.begun, [[1], [2]]);
});

test("two full batches may be under way, a third waits for the first to end", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  const told: string[] = [];
  add(batcher, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], told);
  assert.deepEqual(embedder.begun, [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [9, 10, 11, 12]);
  pass(100);
  // The last one would take the place of a fuller batch.
  assert.equal(embedder.begun.length, 3);
  await embedder.end();
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [13]);
  await embedder.end();
  assert.deepEqual(
    told,
    Array.from({ length: 13 }, (_, i) => `${i + 1}=${i + 1}`),
  );
});

test("a crop may be used again as soon as it was added", () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  const buffer = crop(1);
  void batcher.add(buffer);
  buffer.fill(99);
  pass(5);
  assert.deepEqual(embedder.begun, [[1]]);
});

test("an embedding stays what it was when later batches use the buffers again", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 0 });
  const first = batcher.add(crop(1));
  await settle();
  await embedder.end();
  const second = batcher.add(crop(2));
  await settle();
  await embedder.end();
  assert.deepEqual([...(await first), ...(await second)], [1, 2]);
});

test("a run that fails rejects the views of its batch and no others", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  const told: string[] = [];
  add(batcher, [1, 2, 3, 4, 5, 6, 7, 8, 9], told);
  await embedder.end(new Error("no memory"));
  assert.deepEqual(told, ["1: no memory", "2: no memory", "3: no memory", "4: no memory"]);
  await embedder.end();
  pass(5);
  await embedder.end();
  assert.deepEqual(told.slice(4), ["5=5", "6=6", "7=7", "8=8", "9=9"]);
});

test("closing embeds what waits at once, tells when all is done and refuses what comes later", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 1000 });
  const told: string[] = [];
  add(batcher, [1, 2, 3, 4, 5, 6, 7, 8, 9], told);
  const closing = batcher.close().then(() => told.push("closed"));
  await assert.rejects(batcher.add(crop(10)), { code: "CLOSED" });
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [9]);
  await embedder.end();
  assert.equal(told.length, 8);
  await embedder.end();
  await closing;
  assert.deepEqual(told.slice(7), ["8=8", "9=9", "closed"]);
});

test("closing waits for a run that fails too", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 0 });
  const told: string[] = [];
  add(batcher, [1], told);
  const closing = batcher.close();
  await embedder.end(new Error("gone"));
  await closing;
  assert.deepEqual(told, ["1: gone"]);
});

test("closing twice, also while it drains, ends both", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 0 });
  add(batcher, [1]);
  const both = Promise.all([batcher.close(), batcher.close()]);
  await embedder.end();
  await both;
  await batcher.close();
});

test("closing with nothing under way is done at once, and leaves no timer", async () => {
  await new Batcher(embedder, { maxDelayMs: 5 }).close();
  assert.deepEqual(embedder.begun, []);
});

test("a crop of another size is a defect of the caller, and takes nobody's place", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  await assert.rejects(batcher.add(new Uint8Array(VIEW_BYTES + 1)), { code: "INTERNAL" });
  add(batcher, [1]);
  pass(5);
  assert.deepEqual(embedder.begun, [[1]]);
});

test("views of three lanes through the library each get their own embedding", async () => {
  mock.timers.reset();
  mock.restoreAll();
  const real = await openTiny(5);
  const { sizePx, dimension } = real.model;
  const bytes = sizePx ** 2 * 3;
  const views = paintViews(90, sizePx);
  const viewOf = (view: number): Uint8Array => views.subarray(view * bytes, (view + 1) * bytes);
  const sizes: number[] = [];
  const batcher = new Batcher(real, { maxDelayMs: 1, sent: (count) => sizes.push(count) });
  const found: Float32Array[] = [];
  await Promise.all(
    [0, 1, 2].map(async (lane) => {
      for (let n = 0; n < 30; n++) {
        const view = n * 3 + lane;
        found[view] = await batcher.add(viewOf(view));
      }
    }),
  );
  for (let view = 0; view < 90; view++) {
    const alone = new Float32Array(dimension);
    await real.embed(viewOf(view), 1, alone);
    for (let i = 0; i < dimension; i++) assert.ok(Math.abs(found[view]![i]! - alone[i]!) < 1e-5, `view ${view}`);
  }
  assert.ok(sizes.length < 90, "no two views ever shared a batch");
  await batcher.close();
  await real.close();
});

test("without a delay the views of one turn leave together, in batches of the size asked for", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 0, size: 3 });
  const told: string[] = [];
  add(batcher, [1, 2], told);
  assert.deepEqual(embedder.begun, []);
  await settle();
  assert.deepEqual(embedder.begun, [[1, 2]]);
  add(batcher, [3, 4, 5, 6]);
  await settle();
  assert.deepEqual(embedder.begun, [
    [1, 2],
    [3, 4, 5],
  ]);
  await embedder.end();
  assert.deepEqual(told, ["1=1", "2=2"]);
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [6]);
  await embedder.end();
});

test("a batch asked for is never larger than the embedder's", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 0, size: 100 });
  add(batcher, [1, 2, 3, 4, 5]);
  assert.deepEqual(embedder.begun, [[1, 2, 3, 4]]);
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [5]);
  await embedder.end();
});

test("a processor gets small batches at once, a GPU what is configured", () => {
  assert.deepEqual(batchingOn("cpu", { maxBatch: 16, maxDelayMs: 3 }), { size: 4, maxDelayMs: 0 });
  assert.deepEqual(batchingOn("cpu", { maxBatch: 2, maxDelayMs: 3 }), { size: 2, maxDelayMs: 0 });
  assert.deepEqual(batchingOn("cuda", { maxBatch: 16, maxDelayMs: 3 }), { size: 16, maxDelayMs: 3 });
});

test("with a backlog batches fill up to what the embedder takes, and the order stays", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5, size: 1 });
  const ids = Array.from({ length: 15 }, (_, i) => i + 1);
  add(batcher, ids);
  while (embedder.begun.flat().length < ids.length) await embedder.end();
  await embedder.end();
  assert.deepEqual(embedder.begun.flat(), ids);
  assert.deepEqual([...embedder.begun[0]!, ...embedder.begun[1]!], [1, 2]);
  assert.equal(Math.max(...embedder.begun.map((batch) => batch.length)), embedder.maxBatch);
});

test("an urgent view leaves before those that came earlier, alone where it must, and never waits for company", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  const told: string[] = [];
  add(batcher, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], told);
  const urgent = batcher.add(crop(99), true);
  await settle();
  assert.equal(embedder.begun.length, 2, "no place is free");
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [99]);
  await embedder.end();
  assert.deepEqual(embedder.begun.at(-1), [9, 10, 11, 12]);
  await embedder.end();
  assert.deepEqual([...(await urgent)], [99]);
  await embedder.end();
  const idle = batcher.add(crop(98), true);
  await settle();
  assert.deepEqual(embedder.begun.at(-1), [98], "it does not wait the five milliseconds");
  await embedder.end();
  assert.deepEqual([...(await idle)], [98]);
  await batcher.close();
});

test("closing embeds urgent views, too", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 1000 });
  const told: string[] = [];
  add(batcher, [1, 2], told);
  const urgent = batcher.add(crop(3), true).then(() => told.push("urgent"));
  const closing = batcher.close().then(() => told.push("closed"));
  await embedder.end();
  await embedder.end();
  await Promise.all([urgent, closing]);
  assert.equal(told.at(-1), "closed");
  assert.equal(told.length, 4);
});

test("who waits for rest is told when no view waits or runs, at once where that is so", async () => {
  const batcher = new Batcher(embedder, { maxDelayMs: 5 });
  await batcher.idle();
  const told: string[] = [];
  add(batcher, [1, 2, 3, 4, 5], told);
  const urgent = batcher.add(crop(9), true);
  void batcher.idle().then(() => told.push("idle"));
  await settle();
  await embedder.end();
  await embedder.end();
  assert.ok(!told.includes("idle"), "one waits for company");
  pass(5);
  await settle();
  await embedder.end();
  assert.deepEqual([...(await urgent)], [9]);
  await settle();
  assert.equal(told.at(-1), "idle");
  assert.equal(told.length, 6);
});
