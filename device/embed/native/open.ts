import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { GradelineError } from "../../base/errors.ts";
import { checkTensors, type LoadedModel, loadModel } from "../model.ts";
import { NativeEmbedder } from "./embedder.ts";
import { dropEngines, type EngineCache, type EngineKey, openEngineCache, sealEngineCache } from "./engine.ts";
import { describeGpu, hasNvidiaGpu, tensorrtVersion } from "./gpu.ts";
import { Library } from "./library.ts";
import { cudaCopier } from "./memory.ts";
import { type Progress, telling } from "./progress.ts";
import {
  type Comparison,
  checkComparison,
  checkNodes,
  compare,
  type GoldenSource,
  median,
  type Proof,
  patternViews,
  worse,
} from "./proof.ts";
import { appends, candidates, type NativeProvider, type Precision, providers, type Wanted } from "./providers.ts";
import { findLibraries, knownPlaces } from "./search.ts";
import { asRefusal, Session } from "./session.ts";

export interface NativeOptions {
  readonly provider: Wanted;
  /** TensorRT alone makes half precision out of a model; `auto` takes fp16 there and fp32 elsewhere. */
  readonly precision: Precision | "auto";
  readonly threads: number;
  readonly maxBatch: number;
  /** `libonnxruntime.so`, or the folder that holds it; looked for where absent. */
  readonly library?: string | undefined;
  /** Number of the GPU. */
  readonly device?: number | undefined;
  /** Batch sizes that a GPU gets sessions for; smaller batches are padded up to the next. */
  readonly batches?: readonly number[] | undefined;
  /** Folder of TensorRT engines. */
  readonly engineCache?: string | undefined;
  /** Record each shape's run once and replay it. */
  readonly cudaGraph?: boolean | undefined;
  readonly tell?: ((progress: Progress) => void) | undefined;
}

const GPU_BATCHES = [1, 4, 16, 64, 256];
const GOLDEN_TOLERANCE = 1e-4;
const PATTERN_VIEWS = 2;
const WARM_RUNS = 3;
const TIMED_RUNS = 15;

/**
 * Opens a model through ONNX Runtime's C API and proves where it runs: the library's fallback is refused, the nodes'
 * providers are read back, the golden embeddings are compared, and a session on the CPU runs beside it.
 *
 * @param from path of the model's description, or the model that was loaded from it
 * @throws {GradelineError} PROVIDER when no library or none of the wanted providers can be used, with every reason;
 *   MODEL and MODEL_SHAPE when the model is at fault
 */
export async function openNative(from: string | LoadedModel, options: NativeOptions): Promise<NativeEmbedder> {
  const model = typeof from === "string" ? await loadModel(from) : from;
  const library = await openLibrary(options);
  const refused: { provider: NativeProvider; reason: string }[] = [];
  for (const provider of candidates(options.provider)) {
    try {
      return await openProvider(library, model, provider, options, refused);
    } catch (error) {
      if (!(error instanceof GradelineError) || error.code !== "PROVIDER") throw error;
      refused.push({ provider, reason: error.message });
    }
  }
  throw new GradelineError(
    "PROVIDER",
    `${options.provider} was asked for and cannot be used: ${refused.map(({ reason }) => reason).join("; ")}`,
    { hint: "gradeline-calibrate doctor says what was found and what to run; provider `auto` may end on the CPU" },
  );
}

/** The first library that loads; what was named is the only one. */
async function openLibrary(options: NativeOptions): Promise<Library> {
  const failures: GradelineError[] = [];
  const places = { configured: options.library, environment: process.env, known: knownPlaces(process.env) };
  for (const { path } of findLibraries(places)) {
    try {
      return await Library.load(path);
    } catch (error) {
      if (!(error instanceof GradelineError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  throw new GradelineError("PROVIDER", failures.map((error) => error.message).join("; "), {
    hint: "name the libonnxruntime.so of this board in embedder.library",
  });
}

async function openProvider(
  library: Library,
  model: LoadedModel,
  provider: NativeProvider,
  options: NativeOptions,
  refused: Proof["refused"],
): Promise<NativeEmbedder> {
  if (!library.providers().includes(providers[provider])) {
    throw new GradelineError(
      "PROVIDER",
      `${library.path} (${library.version}) was built without ${provider}, it has ${library.providers().join(", ")}`,
    );
  }
  const cpu = await openCpu(library, model, options);
  if (provider === "cpu") return await proven(cpu, undefined, { library, model, provider, options, refused });
  let gpu: Opened | undefined;
  try {
    gpu = await openGpu(library, model, provider, options, batchName(cpu));
    return await proven(gpu, cpu, { library, model, provider, options, refused });
  } finally {
    await cpu.embedder.close();
  }
}

/** An embedder and what is known about how it was made. */
interface Opened {
  readonly embedder: NativeEmbedder;
  readonly sessions: readonly Session[];
  readonly options: Proof["options"];
  readonly precision: Precision;
  readonly batches: readonly number[];
  readonly engine: Proof["engine"];
}

async function openCpu(library: Library, model: LoadedModel, options: NativeOptions): Promise<Opened> {
  const { threads, maxBatch } = options;
  const session = await Session.create(library, {
    bytes: model.bytes,
    threads,
    appends: [],
    refuseCpu: false,
    recordNodes: true,
  }).catch((error: unknown) => {
    throw new GradelineError("MODEL", `the inference library refuses the model: ${(error as Error).message}`, {
      hint: "export the model again",
      cause: error,
    });
  });
  const bySize = new Map([[maxBatch, session]]);
  const embedder = new NativeEmbedder(model, { provider: "cpu", bySize, free: true, copier: undefined, device: 0 });
  try {
    checkTensors(model, session.inputs, session.outputs);
    embedder.prepare();
  } catch (error) {
    await embedder.close();
    throw error;
  }
  return { embedder, sessions: [session], options: {}, precision: "fp32", batches: [], engine: undefined };
}

/** Name of the free batch axis, which a session of fixed shapes overrides. */
function batchName(cpu: Opened): string | undefined {
  const axis = cpu.sessions[0]!.inputs[0]?.shape[0];
  return typeof axis === "string" ? axis : undefined;
}

async function openGpu(
  library: Library,
  model: LoadedModel,
  provider: NativeProvider,
  options: NativeOptions,
  batch: string | undefined,
): Promise<Opened> {
  const precision = options.precision === "auto" ? (provider === "tensorrt" ? "fp16" : "fp32") : options.precision;
  const device = options.device ?? 0;
  const batches = batchSizes(options);
  const root = options.engineCache ?? defaultEngineCache(process.env);
  const key = engineKey(library, model, precision, batches, device);
  let cache = provider === "tensorrt" ? await openEngineCache(root, key) : undefined;
  const since = performance.now();
  const make = async (): Promise<Made> =>
    await makeSessions(library, model, provider, { options, precision, batches, device, batch, cache });
  const made = await make().catch(async (error: unknown) => {
    // A cached engine that reads back whole may still be refused, by a driver that was exchanged under its old name.
    if (cache?.state !== "hit") throw asRefusal(error, provider);
    cache = await dropEngines(cache);
    return await make().catch((second: unknown) => {
      throw asRefusal(second, provider);
    });
  });
  const buildMs = performance.now() - since;
  try {
    const copier = provider === "webgpu" ? undefined : cudaCopier(device);
    const embedder = new NativeEmbedder(model, { provider, bySize: made.bySize, free: false, copier, device });
    embedder.prepare();
    if (cache !== undefined && cache.state !== "hit") await sealEngineCache(root, cache, key);
    return {
      embedder,
      sessions: [...made.bySize.values()],
      options: made.options,
      precision,
      batches,
      engine: cache === undefined ? undefined : { cache: cache.state, folder: cache.folder, buildMs },
    };
  } catch (error) {
    for (const session of made.bySize.values()) await session.release();
    throw asRefusal(error, provider);
  }
}

interface Made {
  readonly bySize: Map<number, Session>;
  readonly options: Proof["options"];
}

interface Making {
  readonly options: NativeOptions;
  readonly precision: Precision;
  readonly batches: readonly number[];
  readonly device: number;
  readonly batch: string | undefined;
  readonly cache: EngineCache | undefined;
}

/** One session of fixed shapes per batch size: nothing is decided at run time, and no node has a reason to be on the CPU. */
async function makeSessions(
  library: Library,
  model: LoadedModel,
  provider: NativeProvider,
  { options, precision, batches, device, batch, cache }: Making,
): Promise<Made> {
  const bySize = new Map<number, Session>();
  let used: Proof["options"] = {};
  try {
    for (const [at, size] of batches.entries()) {
      const engineFolder = cache === undefined ? undefined : join(cache.folder, `batch-${size}`);
      if (engineFolder !== undefined) await mkdir(engineFolder, { recursive: true, mode: 0o750 });
      const settings = { device, precision, engineFolder, cudaGraph: options.cudaGraph ?? false };
      const appended = appends(provider, settings);
      used = Object.fromEntries(appended.map((append) => [append.provider, append.options]));
      const building = cache !== undefined && cache.state !== "hit";
      const detail = `${provider} ${building ? "engine" : "session"} for ${size} views, ${at + 1} of ${batches.length}`;
      const session = await telling(options.tell, building ? "engine" : "session", detail, () =>
        Session.create(library, {
          bytes: model.bytes,
          threads: options.threads,
          appends: appended,
          refuseCpu: true,
          ...(batch === undefined ? {} : { dimensions: { [batch]: size } }),
          recordNodes: true,
        }),
      );
      bySize.set(size, session);
    }
    return { bySize, options: used };
  } catch (error) {
    for (const session of bySize.values()) await session.release();
    throw error;
  }
}

interface Context {
  readonly library: Library;
  readonly model: LoadedModel;
  readonly provider: NativeProvider;
  readonly options: NativeOptions;
  readonly refused: Proof["refused"];
}

/** Proves the embedder, or closes it and says why not. */
async function proven(opened: Opened, cpu: Opened | undefined, context: Context): Promise<NativeEmbedder> {
  const { embedder } = opened;
  try {
    embedder.proof = await telling(context.options.tell, "proof", `${context.provider} proven`, () =>
      prove(opened, cpu, context),
    );
    return embedder;
  } catch (error) {
    await embedder.close();
    throw error;
  }
}

async function prove(opened: Opened, cpu: Opened | undefined, context: Context): Promise<Proof> {
  const { library, model, provider, options, refused } = context;
  const golden = model.golden ?? (cpu === undefined ? undefined : await goldenOf(cpu.embedder));
  let comparison: Proof["golden"];
  if (golden !== undefined) {
    const source = model.golden === undefined ? "cpu session" : "model";
    // Every batch size of a GPU is a session, and an engine, of its own.
    for (const size of opened.batches.length === 0 ? [options.maxBatch] : opened.batches) {
      const result = await compareGolden(opened.embedder, golden, size);
      checkComparison(result, provider, opened.precision, golden.tolerance);
      comparison =
        comparison === undefined ? { ...result, from: source, views: golden.count } : worse(comparison, result);
    }
  }
  const p50Ms = await warmMedianMs(opened.embedder);
  // After the runs: where nodes are read from a profile, only what ran stands in it.
  let nodes: Proof["nodes"];
  for (const session of opened.sessions) {
    nodes = await session.nodes();
    checkNodes(nodes, provider);
  }
  const gpu = provider === "cpu" || provider === "webgpu" ? undefined : describeGpu(options.device ?? 0);
  return {
    backend: "native",
    library: { path: library.path, version: library.version, apiVersion: library.apiVersion },
    provider,
    precision: opened.precision,
    options: opened.options,
    fallbackRefused: provider !== "cpu",
    nodes,
    golden: comparison,
    p50Ms,
    cpuP50Ms: cpu === undefined ? undefined : await warmMedianMs(cpu.embedder),
    batches: opened.batches,
    cudaGraph: provider !== "cpu" && provider !== "webgpu" && (options.cudaGraph ?? false),
    engine: opened.engine,
    gpu: gpu === undefined || "absent" in gpu ? undefined : gpu,
    refused,
    degraded: degradedReason(provider, refused),
  };
}

/** A machine without a GPU lacks nothing on the CPU; one with a GPU does. */
function degradedReason(provider: NativeProvider, refused: Proof["refused"]): string | undefined {
  if (provider !== "cpu" || refused.length === 0 || !hasNvidiaGpu()) return undefined;
  return `the model runs on the CPU, although there is a GPU: ${refused.map(({ reason }) => reason).join("; ")}`;
}

async function goldenOf(cpu: NativeEmbedder): Promise<GoldenSource> {
  const { sizePx, dimension } = cpu.model;
  const count = Math.min(PATTERN_VIEWS, cpu.maxBatch);
  const views = patternViews(count, sizePx);
  const embeddings = new Float32Array(count * dimension);
  await cpu.embed(views, count, embeddings);
  return { views, count, embeddings, tolerance: GOLDEN_TOLERANCE };
}

/** Embeds the golden views in batches of one size, beginning again with the first where they do not fill it. */
async function compareGolden(embedder: NativeEmbedder, golden: GoldenSource, size: number): Promise<Comparison> {
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
  for (let run = 0; run < WARM_RUNS + TIMED_RUNS; run++) {
    const since = performance.now();
    await embedder.embed(views, 1, out);
    if (run >= WARM_RUNS) times.push(performance.now() - since);
  }
  return median(times);
}

function batchSizes({ batches, maxBatch }: NativeOptions): number[] {
  const sizes = (batches ?? GPU_BATCHES).filter((size) => size < maxBatch);
  return [...new Set([...sizes, maxBatch])].sort((a, b) => a - b);
}

function engineKey(
  library: Library,
  model: LoadedModel,
  precision: Precision,
  batches: readonly number[],
  device: number,
): EngineKey {
  const gpu = describeGpu(device);
  const found = "absent" in gpu ? { name: "none", driver: "none", capability: "none" } : gpu;
  return {
    model: model.model.hash,
    library: library.version,
    tensorrt: tensorrtVersion() ?? "none",
    driver: found.driver,
    gpu: found.name,
    capability: found.capability,
    precision,
    batches,
    sizePx: model.model.sizePx,
  };
}

/** The service's own cache folder where systemd gives one, else the user's. */
export function defaultEngineCache(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment["CACHE_DIRECTORY"]?.split(":")[0];
  const base = given || join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "gradeline");
  return join(base, "engines");
}
