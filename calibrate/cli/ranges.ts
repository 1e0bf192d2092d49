import * as ort from "onnxruntime-node";
import type { LoadedModel } from "../../device/embed/model.ts";
import { withAllOutputs } from "../../device/embed/onnx-outputs.ts";
import { forbidTelemetry } from "../../device/embed/telemetry.ts";

/** Views at once: every tensor of the model is kept for each of them. */
const BATCH = 4;

/**
 * The largest magnitude of every tensor of a model over views: what eight bits have to span.
 *
 * @param views each (sizePx, sizePx, 3)
 * @param signal ends it between two batches
 * @param onView called with the count of views done
 * @returns by the tensors' names; floating point ones only
 * @throws {GradelineError} MODEL when the model cannot be read
 */
export async function measureRanges(
  model: LoadedModel,
  views: readonly Uint8Array[],
  signal: AbortSignal,
  onView: (done: number) => void,
): Promise<Map<string, number>> {
  const { sizePx } = model.model;
  forbidTelemetry();
  const session = await ort.InferenceSession.create(withAllOutputs(model.bytes).bytes, {
    executionProviders: ["cpu"],
    logSeverityLevel: 4,
  });
  const wanted = session.outputMetadata
    .filter((value) => value.isTensor && value.type === "float32")
    .map(({ name }) => name);
  const ranges = new Map<string, number>();
  try {
    for (let from = 0; from < views.length; from += BATCH) {
      signal.throwIfAborted();
      const part = views.slice(from, from + BATCH);
      const input = new ort.Tensor("uint8", Buffer.concat(part), [part.length, sizePx, sizePx, 3]);
      const outputs = await session.run({ [model.inputName]: input }, wanted);
      for (const name of wanted) {
        const largest = largestMagnitude(outputs[name]!.data as Float32Array);
        ranges.set(name, Math.max(ranges.get(name) ?? 0, largest));
      }
      onView(from + part.length);
    }
    return ranges;
  } finally {
    await session.release();
  }
}

function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (const value of values) {
    const magnitude = Math.abs(value);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}
