import { GradelineError } from "../../base/errors.ts";
import type { EngineCache } from "./engine.ts";
import type { Gpu } from "./gpu.ts";
import { allowedNodes, type NativeProvider, type Precision, providers } from "./providers.ts";
import type { Nodes } from "./session.ts";

/** How the embeddings compare with those that they should be. */
export interface Comparison {
  /** Largest difference of one component, 0..2. */
  readonly difference: number;
  /** Smallest cosine between two rows, -1..1. */
  readonly cosine: number;
}

/** What shows that the model runs where it was asked to run; plain JSON, for the log and for `info`. */
export interface Proof {
  readonly backend: "native";
  readonly library: { readonly path: string; readonly version: string; readonly apiVersion: number };
  readonly provider: NativeProvider;
  readonly precision: Precision;
  /** Options of each provider that was appended, by the library's names. */
  readonly options: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Whether the library was forbidden to run nodes on the CPU. */
  readonly fallbackRefused: boolean;
  readonly nodes: Nodes | undefined;
  readonly golden: (Comparison & { readonly from: "model" | "cpu session"; readonly views: number }) | undefined;
  /** Median of warm runs of one view, milliseconds. */
  readonly p50Ms: number;
  /** The same of a session on the CPU, in the same process. */
  readonly cpuP50Ms: number | undefined;
  readonly batches: readonly number[];
  readonly cudaGraph: boolean;
  readonly engine:
    | { readonly cache: EngineCache["state"]; readonly folder: string; readonly buildMs: number }
    | undefined;
  readonly gpu: Gpu | undefined;
  /** Providers that were tried before and why they were not taken. */
  readonly refused: readonly { readonly provider: NativeProvider; readonly reason: string }[];
  /** Why this is less than the machine could do; undefined where nothing is missing. */
  readonly degraded: string | undefined;
}

/** Half precision moves single components; the direction of the vector must stay. */
const HALF_COSINE = 0.999;

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
  provider: NativeProvider,
  precision: Precision,
  tolerance: number,
): void {
  const holds = precision === "fp32" ? difference <= tolerance : cosine >= HALF_COSINE;
  if (holds) return;
  const wanted = precision === "fp32" ? `a difference of at most ${tolerance}` : `a cosine of at least ${HALF_COSINE}`;
  throw new GradelineError(
    provider === "cpu" ? "MODEL" : "PROVIDER",
    `on ${provider} in ${precision} the golden embeddings differ by ${difference.toExponential(2)}, cosine ${cosine.toFixed(6)}; wanted ${wanted}`,
    { hint: "this build of the inference library computes something else: choose another precision or provider" },
  );
}

/**
 * Holds the nodes' providers, from every place where they were read, against what was asked for.
 *
 * @throws {GradelineError} PROVIDER when a node runs elsewhere, or when nothing tells where the nodes run
 */
export function checkNodes(found: readonly Nodes[], provider: NativeProvider): void {
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

/** A machine without a GPU lacks nothing on the CPU; one with a GPU does. */
export function degradedReason(
  provider: NativeProvider,
  refused: Proof["refused"],
  gpuPresent: boolean,
): string | undefined {
  if (provider !== "cpu" || refused.length === 0 || !gpuPresent) return undefined;
  return `the model runs on the CPU although there is a GPU: ${refused.map(({ reason }) => reason).join("; ")}`;
}

/** Middle value, of an odd or even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The proof as one line for people. */
export function describeProof(proof: Proof): string {
  const { library, provider, precision, nodes, golden, p50Ms, cpuP50Ms, engine, gpu, degraded } = proof;
  return [
    `${provider} ${precision} by ONNX Runtime ${library.version} (${library.path})`,
    gpu === undefined ? "" : `${gpu.name}, driver ${gpu.driver}`,
    nodes === undefined ? "" : `nodes ${JSON.stringify(nodes.counts)} by ${nodes.from}`,
    golden === undefined ? "" : `golden cosine ${golden.cosine.toFixed(6)}`,
    `p50 ${p50Ms.toFixed(2)} ms${cpuP50Ms === undefined ? "" : `, on the CPU ${cpuP50Ms.toFixed(2)} ms`}`,
    engine === undefined
      ? ""
      : `engine ${engine.cache === "hit" ? "cached" : `built in ${Math.round(engine.buildMs / 1000)} s`}`,
    degraded === undefined ? "" : `degraded: ${degraded}`,
  ]
    .filter((part) => part !== "")
    .join("; ");
}
