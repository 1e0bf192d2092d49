import { compareGolden, warmMedianMs } from "./measure.ts";
import type { LoadedModel } from "./model.ts";
import { NodeEmbedder, type NodeOptions } from "./node.ts";
import { checkComparison, degradedReason, type Proof } from "./proof.ts";

/**
 * Shows what the npm package's session computes and where; on a GPU beside a session on the CPU.
 *
 * @param model that the embedder runs
 * @param single the same model in single precision, for the session on the CPU
 * @param refused providers that were tried before
 * @param gpuWanted there is a GPU here, or one was asked for
 * @throws {GradelineError} PROVIDER when a GPU computes something else, MODEL when the CPU does
 */
export async function proveNode(
  embedder: NodeEmbedder,
  { model, single, options }: { model: LoadedModel; single: LoadedModel; options: NodeOptions },
  refused: Proof["refused"],
  gpuWanted: boolean,
): Promise<Proof> {
  const { provider, precision } = { provider: embedder.provider, precision: model.precision };
  const cpu = provider === "cpu" ? undefined : await NodeEmbedder.open(single, { ...options, provider: "cpu" });
  try {
    const compared = await compareGolden(embedder, model.golden, embedder.maxBatch);
    checkComparison(compared, provider, precision, model.golden.tolerance);
    return {
      backend: "node",
      library: { name: "ONNX Runtime", version: embedder.version, path: null },
      provider,
      precision,
      options: provider === "cpu" ? {} : { [provider]: {} },
      fallbackRefused: provider !== "cpu",
      nodes: embedder.nodes,
      golden: { ...compared, from: "model", views: model.golden.count },
      p50Ms: await warmMedianMs(embedder),
      cpuP50Ms: cpu === undefined ? null : await warmMedianMs(cpu),
      batches: [],
      cudaGraph: false,
      engine: null,
      gpu: null,
      refused,
      degraded: degradedReason(provider, refused, gpuWanted),
    };
  } finally {
    await cpu?.close();
  }
}
