import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { telling } from "../../../device/embed/native/progress.ts";
import { nodesByProfile } from "../../../device/embed/profile.ts";
import {
  checkComparison,
  checkNodes,
  compare,
  degradedReason,
  describeProof,
  type Proof,
  worse,
} from "../../../device/embed/proof.ts";
import { allowedNodes, appends, candidates, runningOn } from "../../../device/embed/providers.ts";

describe("golden embeddings", () => {
  const wanted = Float32Array.of(1, 0, 0, 1);

  test("are compared by the largest difference and the smallest cosine of all rows", () => {
    assert.deepEqual(compare(wanted, wanted, 2), { difference: 0, cosine: 1 });
    const { difference, cosine } = compare(Float32Array.of(1, 0, 0.6, 0.8), wanted, 2);
    assert.ok(Math.abs(difference - 0.6) < 1e-6);
    assert.ok(Math.abs(cosine - 0.8) < 1e-6);
  });

  test("that are no numbers are as wrong as can be", () => {
    assert.deepEqual(compare(Float32Array.of(Number.NaN, 0, 0, 1), wanted, 2), { difference: 2, cosine: -1 });
    assert.deepEqual(compare(new Float32Array(4), wanted, 2).cosine, -1, "nothing has no direction");
  });

  test("hold in single precision by difference, in half precision by direction", () => {
    checkComparison({ difference: 9e-5, cosine: 1 }, "cuda", "fp32", 1e-4);
    checkComparison({ difference: 0.02, cosine: 0.9995 }, "tensorrt", "fp16", 1e-4);
    const off = { difference: 0.02, cosine: 0.9985 };
    assert.throws(() => checkComparison(off, "tensorrt", "fp16", 1e-4), {
      code: "PROVIDER",
      message: /cosine 0\.998500/,
    });
    assert.throws(() => checkComparison(off, "cuda", "fp32", 1e-4), { code: "PROVIDER" });
    assert.throws(() => checkComparison(off, "cpu", "fp32", 1e-4), { code: "MODEL" }, "no other provider would help");
  });

  test("the worse of two comparisons counts", () => {
    assert.deepEqual(worse({ difference: 1, cosine: 1 }, { difference: 0, cosine: 0.5 }), {
      difference: 1,
      cosine: 0.5,
    });
  });
});

describe("providers of nodes", () => {
  const on = (counts: Record<string, number>) => [{ counts, from: "profile" as const }];

  test("all where they should be", () => {
    checkNodes(on({ CUDAExecutionProvider: 3 }), "cuda");
    checkNodes(on({ TensorrtExecutionProvider: 1, CUDAExecutionProvider: 2 }), "tensorrt");
    checkNodes([], "cpu");
  });

  test("one on the CPU, in whichever place it was read, is one too many", () => {
    const mixed = on({ CUDAExecutionProvider: 3, CPUExecutionProvider: 1 });
    for (const found of [mixed, [...on({ CUDAExecutionProvider: 9 }), ...mixed]]) {
      assert.throws(() => checkNodes(found, "cuda"), {
        code: "PROVIDER",
        message: /not all nodes.*CPUExecutionProvider/,
      });
    }
  });

  test("nothing read proves nothing, nor does TensorRT without a node", () => {
    for (const found of [[], on({}), on({ CUDAExecutionProvider: 4 })]) {
      assert.throws(() => checkNodes(found, "tensorrt"), { code: "PROVIDER", message: /nothing shows/ });
    }
  });

  test("are counted once in a profile, however often they ran", () => {
    const event = (name: string, provider: string, index: string) => ({
      cat: "Node",
      name: `${name}_kernel_time`,
      args: { provider, node_index: index },
    });
    const text = JSON.stringify([
      { cat: "Session", name: "model_run", args: {} },
      event("Conv", "CUDAExecutionProvider", "1"),
      event("Conv", "CUDAExecutionProvider", "1"),
      event("Conv", "CUDAExecutionProvider", "2"),
      event("Cast", "CPUExecutionProvider", "3"),
      { cat: "Node", name: "Cast_fence_before", args: { op_name: "Cast" } },
    ]);
    assert.deepEqual(nodesByProfile(text), { CUDAExecutionProvider: 2, CPUExecutionProvider: 1 });
  });
});

describe("providers to try", () => {
  test("the fastest first, the CPU only where it may be, WebGPU only where it was asked for", () => {
    assert.deepEqual(candidates("auto"), ["tensorrt", "cuda", "cpu"]);
    assert.deepEqual(candidates("gpu"), ["tensorrt", "cuda"]);
    assert.deepEqual(candidates("auto", true), ["tensorrt", "cuda", "webgpu", "cpu"]);
    assert.deepEqual(candidates("webgpu"), ["webgpu"]);
    for (const provider of ["tensorrt", "cuda", "webgpu"] as const) {
      assert.ok(!allowedNodes(provider).includes("CPUExecutionProvider"), provider);
    }
  });

  test("TensorRT gets its caches and CUDA behind it, CUDA computes in true single precision", () => {
    const settings = { device: 1, precision: "fp16", engineFolder: "/cache/x", cudaGraph: true } as const;
    const [first, second] = appends("tensorrt", settings);
    assert.equal(first?.options.trt_fp16_enable, "1");
    assert.equal(first.options.trt_engine_cache_path, "/cache/x");
    assert.equal(first.options.trt_timing_cache_enable, "1");
    assert.equal(first.options.trt_cuda_graph_enable, "1");
    assert.deepEqual([second?.provider, second?.options.enable_cuda_graph], ["cuda", "0"]);
    const [cuda] = appends("cuda", { ...settings, precision: "fp32" });
    assert.deepEqual([cuda?.options.use_tf32, cuda?.options.device_id], ["0", "1"]);
  });

  test("fp16 is TensorRT's own and a file for CUDA, int8 a file for the CPU; what cannot be is refused", () => {
    assert.deepEqual(runningOn("tensorrt", "auto"), { precision: "fp16", variant: undefined });
    assert.deepEqual(runningOn("cuda", "auto"), { precision: "fp32", variant: undefined });
    assert.deepEqual(runningOn("cuda", "fp16"), { precision: "fp16", variant: "fp16" });
    assert.deepEqual(runningOn("cpu", "int8"), { precision: "int8", variant: "int8" });
    assert.throws(() => runningOn("cpu", "fp16"), {
      code: "PROVIDER",
      message: /fp16 .* cpu, which has fp32 and int8/,
    });
    assert.deepEqual(runningOn("cpu", "fp16", true).precision, "fp32", "auto may end on the CPU");
    assert.throws(() => runningOn("cuda", "int8", true), { code: "PROVIDER" });
  });

  test("the CPU is a step down where there is a GPU, and nothing to say where there is none", () => {
    const refused = [{ provider: "cuda", reason: "no libcublas" }];
    assert.match(degradedReason("cpu", refused, true) ?? "", /although there should be a GPU: no libcublas/);
    assert.equal(degradedReason("cpu", refused, false), null);
    assert.equal(degradedReason("cpu", [], true), null, "the CPU was asked for");
    assert.equal(degradedReason("cuda", refused, true), null);
  });
});

test("a proof reads as one line", () => {
  const proof: Proof = {
    backend: "native",
    library: { name: "ONNX Runtime", version: "1.23.2", path: "/opt/ort/libonnxruntime.so" },
    provider: "tensorrt",
    precision: "fp16",
    options: {},
    fallbackRefused: true,
    nodes: { counts: { TensorrtExecutionProvider: 1 }, from: "profile" },
    golden: { difference: 0.003, cosine: 0.99998, from: "model", views: 8 },
    p50Ms: 0.42,
    cpuP50Ms: 2,
    batches: [1, 4],
    cudaGraph: false,
    engine: { cache: "absent", reason: null, key: "0123", folder: "/cache", buildMs: 61_000 },
    gpu: { name: "Orin", driver: "12.6", capability: "8.7" },
    refused: [],
    degraded: null,
  };
  assert.equal(
    describeProof(proof),
    'tensorrt fp16 by ONNX Runtime 1.23.2 (/opt/ort/libonnxruntime.so); Orin, driver 12.6; nodes {"TensorrtExecutionProvider":1} by profile; golden cosine 0.999980; p50 0.42 ms, on the CPU 2.00 ms; engine 0123 built in 61 s',
  );
});

test("progress is told when a stage begins and each second while it lasts", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const told: string[] = [];
  let finish = (): void => {};
  const work = telling(
    ({ stage, detail }) => told.push(`${stage} ${detail}`),
    "engine",
    "1 of 3",
    () => new Promise<void>((resolve) => (finish = resolve)),
  );
  t.mock.timers.tick(2500);
  finish();
  await work;
  t.mock.timers.tick(5000);
  assert.deepEqual(told, ["engine 1 of 3", "engine 1 of 3", "engine 1 of 3"]);
});
