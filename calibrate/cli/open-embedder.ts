import { availableParallelism } from "node:os";
import { configSchema } from "../../device/config/schema.ts";
import type { Embedder } from "../../device/embed/embedder.ts";
import { openEmbedder } from "../../device/embed/open-embedder.ts";
import type { Context } from "./context.ts";
import { Stages } from "./stages.ts";

/**
 * The model as the daemon runs it, so that references are embedded as fruit will be; without a configuration on the CPU.
 * On all cores: nobody waits for a fruit here.
 */
export async function openForWork({ scope, model, embedder, precision }: Context): Promise<Embedder> {
  const settings = configSchema.shape.embedder.parse({
    // A GPU keeps the daemon's batch sizes: other ones would be other engines.
    ...(embedder ?? { provider: "cpu", maxBatch: 32 }),
    threads: Math.min(8, availableParallelism()),
    ...(precision === undefined ? {} : { precision }),
  });
  const stages = new Stages();
  const opened = await openEmbedder(model, settings, { progress: stages.tell }).finally(() => stages.stop());
  return scope.add(opened);
}
