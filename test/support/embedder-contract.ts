import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Embedder } from "../../device/embed/embedder.ts";

export interface EmbedderContractOptions {
  /** Reason why the backend cannot be opened here. */
  readonly skip?: string | undefined;
  /** Largest difference of one component between two ways to the same row. */
  readonly tolerance?: number;
}

/**
 * What every backend promises, whatever library and device are behind it.
 *
 * @param open opens it anew, proven and ready; the suite closes it. `maxBatch` is best small and no power of two
 */
export function embedderContract(name: string, open: () => Promise<Embedder>, options: EmbedderContractOptions = {}) {
  const { tolerance = 1e-5 } = options;
  describe(`${name} as an embedder`, options.skip === undefined ? {} : { skip: options.skip }, () => {
    let embedder: Embedder;
    let views: Uint8Array;
    /** (maxBatch, dimension) of `views`, each embedded alone. */
    let rows: Float32Array;

    before(async () => {
      embedder = await open();
      const { maxBatch, model } = embedder;
      assert.ok(maxBatch >= 2, "a contract over batches wants batches");
      views = paintViews(maxBatch, model.sizePx);
      rows = new Float32Array(maxBatch * model.dimension);
      for (let view = 0; view < maxBatch; view++) {
        await embedder.embed(viewsOf(view, 1), 1, rowsOf(rows, view, 1));
      }
    });
    after(() => embedder.close());

    const viewsOf = (from: number, count: number): Uint8Array => {
      const bytes = embedder.model.sizePx ** 2 * 3;
      return views.subarray(from * bytes, (from + count) * bytes);
    };
    const rowsOf = (of: Float32Array, from: number, count: number): Float32Array => {
      const { dimension } = embedder.model;
      return of.subarray(from * dimension, (from + count) * dimension);
    };
    const assertRows = (found: Float32Array, from: number, count: number, what: string): void => {
      const difference = largestDifference(found, rowsOf(rows, from, count));
      assert.ok(difference <= tolerance, `${what}: off by ${difference}`);
    };

    test("rows have unit length, and different views have different rows", () => {
      const { dimension } = embedder.model;
      for (let view = 0; view < embedder.maxBatch; view++) {
        const length = Math.hypot(...rowsOf(rows, view, 1));
        assert.ok(Math.abs(length - 1) < 1e-3, `row ${view} has length ${length}`);
        for (let other = 0; other < view; other++) {
          const difference = largestDifference(rowsOf(rows, view, 1), rowsOf(rows, other, 1));
          assert.ok(difference > 100 * tolerance, `rows ${other} and ${view} of ${dimension} values are the same`);
        }
      }
    });

    test("a view has the same row in a batch of every size", async () => {
      for (let count = 1; count <= embedder.maxBatch; count++) {
        const from = embedder.maxBatch - count;
        const out = new Float32Array(count * embedder.model.dimension);
        await embedder.embed(viewsOf(from, count), count, out);
        assertRows(out, from, count, `batch of ${count}`);
      }
    });

    test("calls that overlap get their own rows", async () => {
      const { maxBatch, model } = embedder;
      const calls = Array.from({ length: 24 }, (_, call) => {
        const count = 1 + (call % maxBatch);
        const from = (call * 5) % (maxBatch - count + 1);
        return { from, count, out: new Float32Array(count * model.dimension) };
      });
      await Promise.all(calls.map(({ from, count, out }) => embedder.embed(viewsOf(from, count), count, out)));
      for (const [call, { from, count, out }] of calls.entries()) assertRows(out, from, count, `call ${call}`);
    });

    test("a buffer may be used again once its call has settled", async () => {
      const again = viewsOf(0, 1).slice();
      const out = new Float32Array(embedder.model.dimension);
      await embedder.embed(again, 1, out);
      again.set(viewsOf(1, 1));
      await embedder.embed(again, 1, out);
      assertRows(out, 1, 1, "second use");
    });

    test("longer buffers are read and written for the views alone", async () => {
      const { dimension } = embedder.model;
      const out = new Float32Array(2 * dimension).fill(7);
      await embedder.embed(viewsOf(0, 2), 1, out);
      assertRows(out.subarray(0, dimension), 0, 1, "first row");
      assert.deepEqual(out.subarray(dimension), new Float32Array(dimension).fill(7));
    });

    test("buffers that it lends are used in place, also two at once, and other buffers go on working", async () => {
      const [one, two] = [embedder.lend?.(), embedder.lend?.()];
      if (one === undefined || two === undefined) return assert.equal(embedder.lend?.(), undefined);
      const { maxBatch } = embedder;
      one.views.set(views);
      two.views.set(viewsOf(1, maxBatch - 1));
      const own = new Float32Array(rows.length);
      await Promise.all([
        embedder.embed(one.views, maxBatch, one.out),
        embedder.embed(views, maxBatch, own),
        embedder.embed(two.views, maxBatch - 1, two.out),
      ]);
      assertRows(one.out.slice(), 0, maxBatch, "the first lent");
      assertRows(own, 0, maxBatch, "its own");
      assertRows(rowsOf(two.out.slice(), 0, maxBatch - 1), 1, maxBatch - 1, "the second lent");
      two.views.set(viewsOf(0, 1));
      await embedder.embed(two.views, 1, own);
      assertRows(rowsOf(own, 0, 1), 0, 1, "lent views, own rows");
    });

    test("a count that is no batch is refused, and the next call works", async () => {
      const { maxBatch, model } = embedder;
      const tooMany = new Uint8Array((maxBatch + 1) * model.sizePx ** 2 * 3);
      const out = new Float32Array((maxBatch + 1) * model.dimension);
      for (const count of [0, -1, 1.5, Number.NaN, maxBatch + 1]) {
        await assert.rejects(embedder.embed(tooMany, count, out), { code: "INFERENCE" }, `count ${count}`);
      }
      await embedder.embed(viewsOf(0, 1), 1, out);
      assertRows(rowsOf(out, 0, 1), 0, 1, "the call after");
    });

    test("buffers that are too short are refused, and the next call works", async () => {
      const { dimension } = embedder.model;
      const out = new Float32Array(2 * dimension);
      await assert.rejects(embedder.embed(viewsOf(0, 2).subarray(1), 2, out), { code: "INFERENCE" });
      await assert.rejects(embedder.embed(viewsOf(0, 2), 2, out.subarray(1)), { code: "INFERENCE" });
      await embedder.embed(viewsOf(0, 2), 2, out);
      assertRows(out, 0, 2, "the call after");
    });

    test("closing lets running calls end, refuses later ones and may be done twice", async () => {
      const other = await open();
      const { maxBatch, model } = other;
      const outs = Array.from({ length: 5 }, () => new Float32Array(maxBatch * model.dimension));
      const settled: string[] = [];
      const calls = outs.map((out) => other.embed(views, maxBatch, out).then(() => settled.push("call")));
      const closing = other.close().then(() => settled.push("close"));
      await assert.rejects(other.embed(views, 1, new Float32Array(model.dimension)), { code: "CLOSED" });
      await Promise.all([...calls, closing]);
      assert.deepEqual(settled, [...outs.map(() => "call"), "close"]);
      for (const out of outs) assertRows(out, 0, maxBatch, "a call that was running");
      await other.close();
      await assert.rejects(other.embed(views, 1, new Float32Array(model.dimension)), { code: "CLOSED" });
    });

    test("a batch does not run on the thread that asks for it", async () => {
      let ended = false;
      const call = embedder.embed(views, embedder.maxBatch, new Float32Array(rows.length)).then(() => {
        ended = true;
      });
      // Whatever comes from another thread comes through the event loop, which does not turn for promises.
      for (let turn = 0; turn < 100; turn++) await Promise.resolve();
      assert.equal(ended, false);
      await call;
    });
  });
}

/** Views that differ in colour, light and texture: (count, sizePx, sizePx, 3). */
export function paintViews(count: number, sizePx: number): Uint8Array {
  const views = new Uint8Array(count * sizePx * sizePx * 3);
  let at = 0;
  for (let view = 0; view < count; view++) {
    for (let y = 0; y < sizePx; y++) {
      for (let x = 0; x < sizePx; x++) {
        const inside = Math.hypot(x - sizePx / 2, y - sizePx / 2) < sizePx * 0.45;
        for (let c = 0; c < 3; c++) {
          const light = 0.5 + 0.5 * Math.cos((x * (1 + view) + y * (2 + c)) / sizePx);
          views[at++] = inside ? Math.round(30 + 200 * light * (((view * 37 + c * 91) % 100) / 100)) : 118;
        }
      }
    }
  }
  return views;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    largest = Number.isFinite(difference) ? Math.max(largest, difference) : Number.POSITIVE_INFINITY;
  }
  return largest;
}
