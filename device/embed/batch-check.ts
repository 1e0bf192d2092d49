import { GradelineError } from "../base/errors.ts";
import type { Embedder } from "./embedder.ts";

/**
 * What every backend asks of a call before it takes it.
 *
 * @param views RGB8, at least (count, sizePx, sizePx, 3)
 * @param out at least (count, dimension)
 * @returns the refusal, INFERENCE; undefined for a batch that can be embedded
 */
export function batchProblem(
  { model: { sizePx, dimension }, maxBatch }: Embedder,
  views: Uint8Array,
  count: number,
  out: Float32Array,
): GradelineError | undefined {
  if (!Number.isInteger(count) || count < 1 || count > maxBatch) {
    return new GradelineError("INFERENCE", `a batch of ${count} views, wanted 1 to ${maxBatch}`);
  }
  if (views.length < count * sizePx * sizePx * 3 || out.length < count * dimension) {
    return new GradelineError(
      "INFERENCE",
      `buffers of ${views.length} bytes and ${out.length} values for ${count} views`,
    );
  }
  return undefined;
}
