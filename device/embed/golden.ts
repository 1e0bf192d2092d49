import { GradelineError } from "../base/errors.ts";
import type { Embedder } from "./embedder.ts";
import type { Golden } from "./model.ts";

/**
 * Embeds the golden views and compares with the golden embeddings.
 *
 * @returns largest difference of one component, 0..2
 */
export async function goldenDifference(embedder: Embedder, golden: Golden): Promise<number> {
  const { sizePx, dimension } = embedder.model;
  const viewBytes = sizePx * sizePx * 3;
  const out = new Float32Array(golden.count * dimension);
  for (let from = 0; from < golden.count; from += embedder.maxBatch) {
    const count = Math.min(embedder.maxBatch, golden.count - from);
    await embedder.embed(
      golden.views.subarray(from * viewBytes, (from + count) * viewBytes),
      count,
      out.subarray(from * dimension, (from + count) * dimension),
    );
  }
  let largest = 0;
  for (let i = 0; i < out.length; i++) {
    const difference = Math.abs(out[i]! - golden.embeddings[i]!);
    // Not a number is as wrong as can be.
    largest = Number.isFinite(difference) ? Math.max(largest, difference) : 2;
  }
  return largest;
}

/**
 * @throws {GradelineError} MODEL when the embeddings are not those that the model shipped with
 */
export async function checkGolden(embedder: Embedder, golden: Golden): Promise<void> {
  const difference = await goldenDifference(embedder, golden);
  if (difference <= golden.tolerance) return;
  throw new GradelineError(
    "MODEL",
    `on ${embedder.provider} the golden embeddings are off by ${difference.toExponential(2)}, allowed ${golden.tolerance}`,
    { hint: "this build of the inference library computes something else: set embedder.provider to cpu" },
  );
}
