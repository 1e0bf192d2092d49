import { availableParallelism } from "node:os";
import { configSchema } from "../device/base/config.ts";
import type { Embedder } from "../device/embed/embedder.ts";
import { openEmbedder } from "../device/embed/open.ts";
import type { Context } from "./main.ts";

/** The model on all cores: nobody waits for a fruit here. */
export async function openForWork({ scope, model }: Context): Promise<Embedder> {
  const settings = configSchema.shape.embedder.parse({ threads: Math.min(8, availableParallelism()), maxBatch: 32 });
  return scope.add(await openEmbedder(model, settings));
}
