import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../base/config.ts";
import { GradelineError } from "../base/errors.ts";
import type { Embedder } from "./embedder.ts";
import { checkGolden } from "./golden.ts";
import { type LoadedModel, loadModel } from "./model.ts";
import type { Progress } from "./native/progress.ts";
import { knownPlaces, packagedLibrary, prefersNative } from "./native/search.ts";
import { NodeEmbedder, type NodeProvider } from "./node.ts";

type EmbedderConfig = Config["embedder"];

export interface OpenListener {
  /** What takes long: making a session, building an engine. */
  progress?(progress: Progress): void;
  /** Where the model runs and how that was shown, in one line. */
  proven?(line: string): void;
}

/**
 * Loads a model, makes a session for it and holds it against the golden vectors that ship with the model.
 *
 * @param path of the model's JSON description
 * @throws {GradelineError} MODEL, MODEL_SHAPE, PROVIDER, INFERENCE
 */
export async function openEmbedder(
  path: string,
  config: EmbedderConfig,
  listener: OpenListener = {},
): Promise<Embedder> {
  const model = await loadModel(path);
  if (wantsNative(config)) {
    // Loaded only here: most boards need one backend, and this one brings a library of its own.
    const { openNative } = await import("./native/open.ts");
    const { describeProof } = await import("./native/proof.ts");
    const embedder = await openNative(model, { ...config, tell: (progress) => listener.progress?.(progress) });
    listener.proven?.(describeProof(embedder.proof));
    return embedder;
  }
  const embedder = await openNode(model, config);
  try {
    if (model.golden !== undefined) await checkGolden(embedder, model.golden);
  } catch (error) {
    await embedder.close();
    throw error;
  }
  listener.proven?.(
    `${embedder.provider} by onnxruntime-node${model.golden === undefined ? "" : ", golden vectors equal"}`,
  );
  return embedder;
}

function wantsNative({ backend, library, provider }: EmbedderConfig): boolean {
  if (backend !== "auto") return backend === "native";
  if (provider === "tensorrt") return true;
  return prefersNative({ configured: library, environment: process.env, known: knownPlaces(process.env) });
}

/** `auto` takes the first that can be had; anything else is that or an error, never something slower in silence. */
async function openNode(model: LoadedModel, config: EmbedderConfig): Promise<Embedder> {
  const { threads, maxBatch } = config;
  for (const provider of nodeProviders(config.provider)) {
    try {
      return await NodeEmbedder.open(model, { provider, threads, maxBatch });
    } catch (error) {
      const absent = error instanceof GradelineError && error.code === "PROVIDER";
      if (!absent || config.provider !== "auto" || provider === "cpu") throw error;
    }
  }
  throw new GradelineError("INTERNAL", "no provider was tried");
}

function nodeProviders(wanted: EmbedderConfig["provider"]): readonly NodeProvider[] {
  switch (wanted) {
    case "auto":
      // Where the files are not there, trying them only makes the library print what it misses.
      return packageHasCuda() ? ["cuda", "cpu"] : ["cpu"];
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
  return library !== undefined && existsSync(join(dirname(library), "libonnxruntime_providers_cuda.so"));
}
