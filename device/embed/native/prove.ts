import type { LoadedModel } from "../model.ts";
import type { NativeEmbedder } from "./embedder.ts";
import { describeGpu, hasNvidiaGpu } from "./gpu.ts";
import type { Target } from "./open-gpu.ts";
import type { Opened } from "./opened.ts";
import {
  type Comparison,
  checkComparison,
  checkNodes,
  compare,
  degradedReason,
  median,
  type Proof,
  patternViews,
  worse,
} from "./proof.ts";

type Golden = NonNullable<LoadedModel["golden"]>;

const GOLDEN_TOLERANCE = 1e-4;
const PATTERN_VIEWS = 2;
const WARM_RUNS = 3;
const TIMED_RUNS = 15;
/** A slow device is not timed longer than that. */
const TIMED_MS = 1000;

/**
 * Shows where the sessions run: golden embeddings in every batch size, providers of the nodes, time beside the CPU's.
 *
 * @param cpu sessions on the CPU, for a GPU
 * @throws {GradelineError} PROVIDER when a GPU computes something else or nodes run elsewhere, MODEL when the CPU's
 *   golden embeddings differ
 */
export async function prove(
  opened: Opened,
  cpu: Opened | undefined,
  { library, model, provider, options }: Target,
  refused: Proof["refused"],
): Promise<Proof> {
  const golden = await compareAll(opened, cpu, model, options.maxBatch);
  if (golden === undefined) await goldenOf(opened.embedder);
  // After a run: what did not run does not stand in a profile. Before the timing: a profile costs time.
  let nodes: Proof["nodes"];
  for (const session of opened.sessions) {
    const found = await session.nodes();
    checkNodes(found, provider);
    nodes = found[0];
  }
  const nvidia = provider === "tensorrt" || provider === "cuda";
  const gpu = nvidia ? describeGpu(options.device ?? 0) : undefined;
  return {
    backend: "native",
    library: { path: library.path, version: library.version, apiVersion: library.apiVersion },
    provider,
    precision: opened.precision,
    options: opened.options,
    fallbackRefused: provider !== "cpu",
    nodes,
    golden,
    p50Ms: await warmMedianMs(opened.embedder),
    cpuP50Ms: cpu === undefined ? undefined : await warmMedianMs(cpu.embedder),
    batches: opened.batches,
    cudaGraph: nvidia && (options.cudaGraph ?? false),
    engine: opened.engine,
    gpu: gpu === undefined || "absent" in gpu ? undefined : gpu,
    refused,
    degraded: degradedReason(provider, refused, hasNvidiaGpu()),
  };
}

/** Every batch size of a GPU is a session, and an engine, of its own: each is compared, the worst one counts. */
async function compareAll(
  opened: Opened,
  cpu: Opened | undefined,
  model: LoadedModel,
  maxBatch: number,
): Promise<Proof["golden"]> {
  const golden = model.golden ?? (cpu === undefined ? undefined : await goldenOf(cpu.embedder));
  if (golden === undefined) return undefined;
  let worst: Comparison = { difference: 0, cosine: 1 };
  for (const size of opened.batches.length === 0 ? [maxBatch] : opened.batches) {
    const result = await compareBatches(opened.embedder, golden, size);
    checkComparison(result, opened.embedder.provider, opened.precision, golden.tolerance);
    worst = worse(worst, result);
  }
  return { ...worst, from: model.golden === undefined ? "cpu session" : "model", views: golden.count };
}

/** What a session makes of views that need no file: golden vectors for a model that ships none, from the CPU. */
async function goldenOf(embedder: NativeEmbedder): Promise<Golden> {
  const { sizePx, dimension } = embedder.model;
  const count = Math.min(PATTERN_VIEWS, embedder.maxBatch);
  const views = patternViews(count, sizePx);
  const embeddings = new Float32Array(count * dimension);
  await embedder.embed(views, count, embeddings);
  return { views, count, embeddings, tolerance: GOLDEN_TOLERANCE };
}

/** Embeds the golden views in batches of one size, beginning again with the first where they do not fill it. */
async function compareBatches(embedder: NativeEmbedder, golden: Golden, size: number): Promise<Comparison> {
  const { sizePx, dimension } = embedder.model;
  const viewBytes = sizePx * sizePx * 3;
  const views = new Uint8Array(size * viewBytes);
  const found = new Float32Array(size * dimension);
  const wanted = new Float32Array(size * dimension);
  let worst: Comparison = { difference: 0, cosine: 1 };
  for (let from = 0; from < golden.count; from += size) {
    for (let row = 0; row < size; row++) {
      const of = (from + row) % golden.count;
      views.set(golden.views.subarray(of * viewBytes, (of + 1) * viewBytes), row * viewBytes);
      wanted.set(golden.embeddings.subarray(of * dimension, (of + 1) * dimension), row * dimension);
    }
    await embedder.embed(views, size, found);
    worst = worse(worst, compare(found, wanted, dimension));
  }
  return worst;
}

async function warmMedianMs(embedder: NativeEmbedder): Promise<number> {
  const views = patternViews(1, embedder.model.sizePx);
  const out = new Float32Array(embedder.model.dimension);
  const times: number[] = [];
  const until = performance.now() + TIMED_MS;
  for (let run = 0; times.length === 0 || (run < WARM_RUNS + TIMED_RUNS && performance.now() < until); run++) {
    const since = performance.now();
    await embedder.embed(views, 1, out);
    if (run >= WARM_RUNS) times.push(performance.now() - since);
  }
  return median(times);
}
