import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { measureRanges } from "../../../calibrate/cli/ranges.ts";
import { loadModel } from "../../../device/embed/model.ts";
import { withAllOutputs } from "../../../device/embed/onnx-outputs.ts";
import { paintViews } from "../../support/embedder-contract.ts";
import { tinyModel } from "../../support/ort-onnx.ts";

test("every tensor between the nodes becomes an output, and the model's own stays what it was", async () => {
  const model = await loadModel("models/embedder.json");
  const { bytes, names } = withAllOutputs(model.bytes);
  assert.ok(names.length > 20 && !names.includes("embedding"));
  const { sizePx } = model.model;
  const views = new ort.Tensor("uint8", paintViews(2, sizePx), [2, sizePx, sizePx, 3]);
  const [plain, open] = await Promise.all([model.bytes, bytes].map((file) => ort.InferenceSession.create(file)));
  const [wanted, found] = [await plain!.run({ views }), await open!.run({ views })];
  const [a, b] = [wanted.embedding!.data as Float32Array, found.embedding!.data as Float32Array];
  // Other operators are joined where their tensors must be kept.
  for (const [i, value] of a.entries()) assert.ok(Math.abs(value - b[i]!) < 1e-5);
  assert.deepEqual(new Set(Object.keys(found)), new Set(["embedding", ...names]));
  await Promise.all([plain!.release(), open!.release()]);
});

test("ranges are the largest magnitudes over all views", async () => {
  const views = [7, 100, 250, 31, 9].map((level) => new Uint8Array(8 * 8 * 3).fill(level));
  const done: number[] = [];
  const ranges = await measureRanges(tinyModel(), views, new AbortController().signal, (count) => done.push(count));
  assert.equal(ranges.get("pixels"), 250);
  assert.ok(Math.abs(ranges.get("used")! - Math.sqrt(250)) < 1e-5);
  assert.ok(Math.abs(ranges.get("mean")! - Math.sqrt(250)) < 1e-5);
  assert.deepEqual(done, [4, 5]);
});

test("what is no model is refused", () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0x3a, 0x7f), new Uint8Array(64).fill(0xff)]) {
    assert.throws(() => withAllOutputs(bytes), { code: "MODEL" });
  }
});
