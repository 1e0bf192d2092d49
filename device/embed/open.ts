import type { Config } from "../base/config.ts";
import { GradelineError } from "../base/errors.ts";
import type { Embedder } from "./embedder.ts";
import { checkGolden } from "./golden.ts";
import { type LoadedModel, loadModel } from "./model.ts";
import { NodeEmbedder, type NodeProvider } from "./node.ts";

/**
 * Loads a model, makes a session for it and holds it against the golden vectors that ship with the model.
 *
 * @param path of the model's JSON description
 * @throws {GradelineError} MODEL, MODEL_SHAPE, PROVIDER, INFERENCE
 */
export async function openEmbedder(path: string, config: Config["embedder"]): Promise<Embedder> {
  const model = await loadModel(path);
  const embedder = await openSession(model, config);
  try {
    if (model.golden !== undefined) await checkGolden(embedder, model.golden);
  } catch (error) {
    await embedder.close();
    throw error;
  }
  return embedder;
}

/** `auto` takes the first that can be had; anything else is that or an error, never something slower in silence. */
async function openSession(model: LoadedModel, config: Config["embedder"]): Promise<Embedder> {
  const { threads, maxBatch } = config;
  const wanted: NodeProvider[] = config.provider === "auto" ? ["cuda", "cpu"] : [config.provider];
  for (const provider of wanted) {
    try {
      return await NodeEmbedder.open(model, { provider, threads, maxBatch });
    } catch (error) {
      const absent = error instanceof GradelineError && error.code === "PROVIDER";
      if (!absent || provider === wanted.at(-1)) throw error;
    }
  }
  throw new GradelineError("INTERNAL", "no provider was tried");
}
