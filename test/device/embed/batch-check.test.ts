import assert from "node:assert/strict";
import { test } from "node:test";
import { batchProblem } from "../../../device/embed/batch-check.ts";
import type { Embedder } from "../../../device/embed/embedder.ts";
import { nodesByProfile } from "../../../device/embed/profile.ts";
import { MADE_MODEL } from "../../support/gallery-made.ts";

const { sizePx, dimension } = MADE_MODEL;
const embedder = { model: MADE_MODEL, maxBatch: 4 } as unknown as Embedder;

function problem(count: number, bytes = count * sizePx * sizePx * 3, values = count * dimension): string | undefined {
  const views = new Uint8Array(Math.max(0, Math.ceil(bytes) || 0));
  return batchProblem(embedder, views, count, new Float32Array(Math.max(0, Math.ceil(values) || 0)))?.message;
}

test("a batch has one to as many views as the model takes", () => {
  for (const count of [1, 4]) assert.equal(problem(count), undefined);
  for (const count of [0, 5, -1, 1.5, Number.NaN]) {
    assert.equal(problem(count), `a batch of ${count} views, wanted 1 to 4`);
  }
});

test("its buffers hold at least its views and their embeddings", () => {
  const bytes = 2 * sizePx * sizePx * 3;
  assert.equal(problem(2, bytes + 9, 2 * dimension + 3), undefined);
  assert.match(problem(2, bytes - 1)!, /buffers of 383 bytes and 12 values for 2 views/);
  assert.match(problem(2, bytes, 2 * dimension - 1)!, /384 bytes and 11 values/);
});

test("a node of the model counts once by where it ran, however often, and what is no node not at all", () => {
  const event = (name: string, provider?: string, cat = "Node", node = "1") => ({
    cat,
    name,
    args: { provider, node_index: node },
  });
  const profile = [
    event("conv_kernel_time", "CUDAExecutionProvider"),
    event("conv_kernel_time", "CUDAExecutionProvider"),
    event("conv_fence_before", "CUDAExecutionProvider"),
    event("conv_fence_after", "CUDAExecutionProvider"),
    event("conv_kernel_time", "CUDAExecutionProvider", "Node", "2"),
    event("add_kernel_time", "CPUExecutionProvider"),
    event("session", "CPUExecutionProvider", "Session"),
    event("odd_kernel_time"),
    event("empty_kernel_time", ""),
    { cat: "Node" },
  ];
  assert.deepEqual(nodesByProfile(JSON.stringify(profile)), { CUDAExecutionProvider: 2, CPUExecutionProvider: 1 });
});
