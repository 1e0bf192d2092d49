import { GradelineError } from "../base/errors.ts";
import type { Proof } from "../contract/proof-message.ts";
import { allowedNodes, type Precision, type Provider, providers } from "./providers.ts";

export type { Proof } from "../contract/proof-message.ts";

/** How the embeddings compare with those that they should be. */
export interface Comparison {
  /** Largest difference of one component, 0..2. */
  readonly difference: number;
  /** Smallest cosine between two rows, -1..1. */
  readonly cosine: number;
}

/** Count of nodes per provider, by the library's names, and where that was read. */
export type Nodes = NonNullable<Proof["nodes"]>;

/** Fewer bits move single components; the direction of the vector must stay. The shipped model: 0.9999998 and 0.9955. */
const COSINES: Readonly<Record<Exclude<Precision, "fp32">, number>> = { fp16: 0.999, int8: 0.98 };

/**
 * Compares embeddings row by row.
 *
 * @param found (n, dimension)
 * @param wanted (n, dimension)
 */
export function compare(found: Float32Array, wanted: Float32Array, dimension: number): Comparison {
  let difference = 0;
  let cosine = 1;
  for (let row = 0; row < wanted.length; row += dimension) {
    let dot = 0;
    let a = 0;
    let b = 0;
    for (let i = row; i < row + dimension; i++) {
      const x = found[i]!;
      const y = wanted[i]!;
      difference = Math.max(difference, Math.abs(x - y));
      dot += x * y;
      a += x * x;
      b += y * y;
    }
    cosine = Math.min(cosine, dot / Math.sqrt(a * b));
  }
  // Not a number is as wrong as can be.
  return { difference: Number.isNaN(difference) ? 2 : difference, cosine: Number.isNaN(cosine) ? -1 : cosine };
}

/** The worse of two comparisons, keeping what else the first says. */
export function worse<T extends Comparison>(a: T, b: Comparison): T {
  return { ...a, difference: Math.max(a.difference, b.difference), cosine: Math.min(a.cosine, b.cosine) };
}

/**
 * @param tolerance of the model's golden vectors, for single precision
 * @throws {GradelineError} PROVIDER when a GPU computes something else than the model, MODEL when the CPU does
 */
export function checkComparison(
  { difference, cosine }: Comparison,
  provider: Provider,
  precision: Precision,
  tolerance: number,
): void {
  const holds = precision === "fp32" ? difference <= tolerance : cosine >= COSINES[precision];
  if (holds) return;
  const wanted =
    precision === "fp32" ? `a difference of at most ${tolerance}` : `a cosine of at least ${COSINES[precision]}`;
  throw new GradelineError(
    provider === "cpu" ? "MODEL" : "PROVIDER",
    `on ${provider} in ${precision} the golden embeddings differ by ${difference.toExponential(2)}, cosine ${cosine.toFixed(6)}; wanted ${wanted}`,
    { hint: "this build of the inference library computes something else: choose another precision or provider" },
  );
}

/**
 * Compares the providers of all nodes, from every place that reports them, with the requested one.
 *
 * @throws {GradelineError} PROVIDER when a node runs elsewhere, or when nothing tells where the nodes run
 */
export function checkNodes(found: readonly Nodes[], provider: Provider): void {
  if (provider === "cpu") return;
  const allowed = allowedNodes(provider);
  const wrong = found.find(({ counts }) => Object.keys(counts).some((name) => !allowed.includes(name)));
  const there = found.some(({ counts }) => (counts[providers[provider]] ?? 0) > 0);
  if (wrong === undefined && there) return;
  throw new GradelineError(
    "PROVIDER",
    wrong === undefined
      ? `nothing shows that nodes of the model run on ${provider}`
      : `not all nodes of the model run on ${provider}: ${JSON.stringify(wrong.counts)}`,
    { hint: "set embedder.provider to another one, or to cpu" },
  );
}

/** Views that need no file: (count, sizePx, sizePx, 3). */
export function patternViews(count: number, sizePx: number): Uint8Array {
  // Smooth enough to look like a crop, different in every view.
  const views = new Uint8Array(count * sizePx * sizePx * 3);
  for (let i = 0; i < views.length; i++) {
    const x = Math.floor(i / 3) % sizePx;
    const y = Math.floor(i / (3 * sizePx));
    views[i] = 128 + 90 * Math.sin((x * (1 + (i % 3))) / 9 + y / 7);
  }
  return views;
}

/** On a machine without a GPU the CPU is no fallback; with a GPU, or if one was requested by name, it is. */
export function degradedReason(provider: Provider, refused: Proof["refused"], gpuWanted: boolean): string | null {
  if (provider !== "cpu" || refused.length === 0 || !gpuWanted) return null;
  return `the model runs on the CPU although there should be a GPU: ${refused.map(({ reason }) => reason).join("; ")}`;
}

/** The proof as one line for people. */
export function describeProof(proof: Proof): string {
  const { library, provider, precision, nodes, golden, p50Ms, cpuP50Ms, engine, gpu, degraded } = proof;
  return [
    `${provider} ${precision} by ${library.name} ${library.version} (${library.path ?? "onnxruntime-node"})`,
    gpu === null ? "" : `${gpu.name}, driver ${gpu.driver}`,
    nodes === null ? "" : `nodes ${JSON.stringify(nodes.counts)} by ${nodes.from}`,
    golden === null ? "" : `golden cosine ${golden.cosine.toFixed(6)}`,
    `p50 ${p50Ms.toFixed(2)} ms${cpuP50Ms === null ? "" : `, on the CPU ${cpuP50Ms.toFixed(2)} ms`}`,
    engine === null
      ? ""
      : `engine ${engine.key} ${engine.cache === "hit" ? "cached" : `built in ${Math.round(engine.buildMs / 1000)} s`}`,
    degraded === null ? "" : `degraded: ${degraded}`,
  ]
    .filter((part) => part !== "")
    .join("; ");
}
