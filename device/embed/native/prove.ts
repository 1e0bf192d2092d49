import { compareGolden, warmMedianMs } from "../measure.ts";
import type { LoadedModel } from "../model.ts";
import { hasNvidiaGpu } from "../nvidia.ts";
import { type Comparison, checkComparison, checkNodes, degradedReason, type Proof, worse } from "../proof.ts";
import { describeGpu } from "./gpu.ts";
import type { Target } from "./open-gpu.ts";
import { hasGpuProviders } from "./search.ts";
import type { UnprovenEmbedder } from "./unproven.ts";

/**
 * Shows where the sessions run: golden embeddings in every batch size, providers of the nodes, time beside the CPU's.
 *
 * @param cpu sessions on the CPU, for a GPU
 * @throws {GradelineError} PROVIDER when a GPU computes something else or nodes run elsewhere, MODEL when the CPU's
 *   golden embeddings differ
 */
export async function prove(
  opened: UnprovenEmbedder,
  cpu: UnprovenEmbedder | undefined,
  { library, model, provider, options }: Target,
  refused: Proof["refused"],
): Promise<Proof> {
  const golden = await compareAll(opened, model, options.maxBatch);
  // After a run: what did not run does not stand in a profile. Before the timing: a profile costs time.
  let nodes: Proof["nodes"] = null;
  for (const session of opened.sessions) {
    const found = await session.nodes();
    checkNodes(found, provider);
    nodes = found[0] ?? null;
  }
  const nvidia = provider === "tensorrt" || provider === "cuda";
  const gpu = nvidia ? describeGpu(options.device ?? 0) : undefined;
  return {
    backend: "native",
    library: { name: "ONNX Runtime", version: library.version, path: library.path },
    provider,
    precision: opened.precision,
    options: opened.options,
    fallbackRefused: provider !== "cpu",
    nodes,
    golden,
    p50Ms: await warmMedianMs(opened.embedder),
    cpuP50Ms: cpu === undefined ? null : await warmMedianMs(cpu.embedder),
    batches: [...opened.batches],
    cudaGraph: nvidia && (options.cudaGraph ?? false),
    engine: opened.engine,
    gpu: gpu === undefined || "absent" in gpu ? null : gpu,
    refused,
    // If a GPU build is installed, a missing driver is an error.
    degraded: degradedReason(
      provider,
      refused,
      hasNvidiaGpu() || hasGpuProviders(library.path) || options.webgpu === true,
    ),
  };
}

/** Every batch size of a GPU is a session, and an engine, of its own: each is compared, the worst one counts. */
async function compareAll(
  opened: UnprovenEmbedder,
  { golden }: LoadedModel,
  maxBatch: number,
): Promise<Proof["golden"]> {
  let worst: Comparison = { difference: 0, cosine: 1 };
  for (const size of opened.batches.length === 0 ? [maxBatch] : opened.batches) {
    const result = await compareGolden(opened.embedder, golden, size);
    checkComparison(result, opened.embedder.provider, opened.precision, golden.tolerance);
    worst = worse(worst, result);
  }
  return { ...worst, from: "model", views: golden.count };
}
