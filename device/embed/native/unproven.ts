import { GradelineError } from "../../base/errors.ts";
import { checkTensors, type LoadedModel } from "../model.ts";
import type { Proof } from "../proof.ts";
import type { Precision, Wanted } from "../providers.ts";
import { NativeEmbedder } from "./embedder.ts";
import type { Library } from "./library.ts";
import type { Progress } from "./progress.ts";
import { Session } from "./session.ts";

export interface NativeOptions {
  readonly provider: Wanted;
  readonly precision: Precision | "auto";
  /** `auto` may take WebGPU after TensorRT and CUDA. */
  readonly webgpu?: boolean | undefined;
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
  /** Build TensorRT engines anew, also where the cache holds them. */
  readonly rebuildEngines?: boolean | undefined;
  /** Record each shape's run once and replay it. */
  readonly cudaGraph?: boolean | undefined;
  readonly tell?: ((progress: Progress) => void) | undefined;
}

/** An embedder that is not proven yet, with the facts about how it was made. */
export interface UnprovenEmbedder {
  readonly embedder: NativeEmbedder;
  readonly sessions: readonly Session[];
  readonly options: Proof["options"];
  readonly precision: Precision;
  /** Batch sizes of the sessions; empty if one session takes any size. */
  readonly batches: readonly number[];
  readonly engine: Proof["engine"];
}

/**
 * One session of free batch size on the CPU.
 *
 * @throws {GradelineError} MODEL when the library refuses the model, MODEL_SHAPE when its tensors do not fit
 */
export async function openCpu(
  library: Library,
  model: LoadedModel,
  { threads, maxBatch }: Pick<NativeOptions, "threads" | "maxBatch">,
): Promise<UnprovenEmbedder> {
  const session = await Session.create(library, {
    bytes: model.bytes,
    threads,
    appends: [],
    refuseCpu: false,
    recordNodes: true,
  }).catch((error: unknown) => {
    throw new GradelineError("MODEL", `the inference library refuses the model: ${(error as Error).message}`, {
      hint: "export the model again, or take a newer ONNX Runtime where this one does not know its version",
      cause: error,
    });
  });
  const bySize = new Map([[maxBatch, session]]);
  const embedder = new NativeEmbedder(model, {
    provider: "cpu",
    bySize,
    free: true,
    copier: undefined,
    device: 0,
    pipelined: true,
  });
  try {
    checkTensors(model, session.inputs, session.outputs);
    embedder.prepare();
  } catch (error) {
    await embedder.close();
    throw error;
  }
  return { embedder, sessions: [session], options: {}, precision: model.precision, batches: [], engine: null };
}

/** Name of the free batch axis, which a session of fixed shapes overrides. */
export function batchAxis(cpu: UnprovenEmbedder): string | undefined {
  const axis = cpu.sessions[0]!.inputs[0]?.shape[0];
  return typeof axis === "string" ? axis : undefined;
}
