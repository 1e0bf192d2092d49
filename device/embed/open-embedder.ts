import { GradelineError } from "../base/errors.ts";
import type { Config } from "../config/schema.ts";
import type { ProvenEmbedder } from "./embedder.ts";
import { type LoadedModel, loadModel, loadVariant } from "./model.ts";
import type { Progress } from "./native/progress.ts";
import { hasGpuProviders, knownPlaces, packagedLibrary, prefersNative } from "./native/search.ts";
import { NodeEmbedder, type NodeProvider } from "./node.ts";
import { hasNvidiaGpu } from "./nvidia.ts";
import { describeProof, type Proof } from "./proof.ts";
import { proveNode } from "./prove-node.ts";
import { runningOn } from "./providers.ts";

export type { Progress } from "./native/progress.ts";

type EmbedderConfig = Config["embedder"];

export interface OpenListener {
  /** What takes long: making a session, building an engine. */
  progress?(progress: Progress): void;
  /** Where the model runs and how that was shown, and the same in one line. */
  proven?(line: string, proof: Proof): void;
}

/**
 * Loads a model, creates a session, and proves where it runs and that its results are right.
 *
 * @param path of the model's JSON description
 * @throws {GradelineError} MODEL, MODEL_SHAPE, PROVIDER, INFERENCE
 */
export async function openEmbedder(
  path: string,
  config: EmbedderConfig,
  listener: OpenListener = {},
): Promise<ProvenEmbedder> {
  const model = await loadModel(path);
  const embedder = wantsNative(config)
    ? // Loaded only here: most boards need one backend, and this one brings a library of its own.
      await (await import("./native/open-native.ts")).openNative(model, {
        ...config,
        tell: (progress) => listener.progress?.(progress),
      })
    : await openNode(model, config);
  listener.proven?.(describeProof(embedder.proof), embedder.proof);
  return embedder;
}

function wantsNative({ backend, library, provider }: EmbedderConfig): boolean {
  if (backend !== "auto") return backend === "native";
  if (provider === "tensorrt") return true;
  return prefersNative({ configured: library, environment: process.env, known: knownPlaces(process.env) });
}

/** `auto` takes the first that can be had and says why not a faster one; anything else is that or an error. */
async function openNode(model: LoadedModel, config: EmbedderConfig): Promise<ProvenEmbedder> {
  const refused: Proof["refused"] = [];
  for (const provider of nodeProviders(config)) {
    try {
      return await openProvider(model, provider, config, refused);
    } catch (error) {
      const absent = error instanceof GradelineError && error.code === "PROVIDER";
      if (!absent || config.provider !== "auto" || provider === "cpu") throw error;
      refused.push({ provider, reason: error.message });
    }
  }
  throw new GradelineError("INTERNAL", "no provider was tried");
}

async function openProvider(
  single: LoadedModel,
  provider: NodeProvider,
  config: EmbedderConfig,
  refused: Proof["refused"],
): Promise<ProvenEmbedder> {
  const { variant } = runningOn(provider, config.precision, config.provider === "auto");
  const model = variant === undefined ? single : await loadVariant(single, variant);
  const options = { provider, threads: config.threads, maxBatch: config.maxBatch };
  const embedder = await NodeEmbedder.open(model, options);
  try {
    const wanted = hasNvidiaGpu() || packageHasCuda() || config.webgpu;
    const proof = await proveNode(embedder, { model, single, options }, refused, wanted);
    return Object.assign(embedder, { proof });
  } catch (error) {
    await embedder.close();
    throw error;
  }
}

function nodeProviders({ provider: wanted, webgpu }: EmbedderConfig): readonly NodeProvider[] {
  switch (wanted) {
    case "auto":
      // Where neither files nor card are there, there is nothing to say about them.
      return [
        ...(packageHasCuda() || hasNvidiaGpu() ? (["cuda"] as const) : []),
        ...(webgpu ? (["webgpu"] as const) : []),
        "cpu",
      ];
    case "gpu":
      return ["cuda"];
    case "tensorrt":
      throw new GradelineError("PROVIDER", "tensorrt was asked for, the npm package cannot use it", {
        hint: "set embedder.backend to native",
      });
    default:
      return [wanted];
  }
}

function packageHasCuda(): boolean {
  const library = packagedLibrary();
  return library !== undefined && hasGpuProviders(library);
}
