import { GradelineError } from "../base/errors.ts";
import type { Variant } from "./model.ts";

/** Providers by the short names used in configuration. */
export const providers = {
  tensorrt: "TensorrtExecutionProvider",
  cuda: "CUDAExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cpu: "CPUExecutionProvider",
} as const;

export type Provider = keyof typeof providers;
export type Precision = "fp32" | "fp16" | "int8";

/** `auto` falls back to the CPU if there is no GPU; `gpu` never does. */
export type Wanted = Provider | "auto" | "gpu";

/**
 * Providers to try, the fastest first. WebGPU runs only where it was asked for: on a board it would take the place of
 * a proper driver.
 *
 * @param webgpu `auto` may take WebGPU, too
 */
export function candidates(wanted: Wanted, webgpu = false): Provider[] {
  if (wanted === "auto") return ["tensorrt", "cuda", ...(webgpu ? (["webgpu"] as const) : []), "cpu"];
  if (wanted === "gpu") return ["tensorrt", "cuda"];
  return [wanted];
}

/** Providers that nodes of a session may run on: what TensorRT cannot take, CUDA does; the CPU never steps in. */
export function allowedNodes(provider: Provider): readonly string[] {
  return provider === "tensorrt" ? [providers.tensorrt, providers.cuda] : [providers[provider]];
}

export interface ProviderSettings {
  /** Number of the GPU. */
  readonly device: number;
  readonly precision: Precision;
  /** Folder of this session's TensorRT engine and timing cache. */
  readonly engineFolder: string | undefined;
  /** Name of a calibration table in that folder, for int8 with TensorRT. */
  readonly calibrationTable?: string | undefined;
  /** Record the run once and replay it; shapes and addresses must never change. */
  readonly cudaGraph: boolean;
}

/** Execution providers appended to the session's options, in this order, with options by the library's names. */
export interface Append {
  readonly provider: Provider;
  readonly options: Readonly<Record<string, string>>;
}

/** In what precision a provider runs the model, and from which of its files. */
export interface Running {
  readonly precision: Precision;
  /** Single precision where absent. */
  readonly variant: Variant | undefined;
}

/** What each provider can do: TensorRT makes fewer bits of the single-precision file, the others need a file of them. */
const able: Readonly<Record<Provider, Readonly<Partial<Record<Precision, Running>>>>> = {
  tensorrt: {
    fp32: { precision: "fp32", variant: undefined },
    fp16: { precision: "fp16", variant: undefined },
    int8: { precision: "int8", variant: undefined },
  },
  cuda: { fp32: { precision: "fp32", variant: undefined }, fp16: { precision: "fp16", variant: "fp16" } },
  webgpu: { fp32: { precision: "fp32", variant: undefined } },
  cpu: { fp32: { precision: "fp32", variant: undefined }, int8: { precision: "int8", variant: "int8" } },
};

/**
 * @param wanted `auto`: fp16 with TensorRT, fp32 elsewhere. A CPU that `auto` ends on takes fp32 in the place of fp16,
 *   which reads the same galleries and would be slower there
 * @param provider that the precision is for
 * @param fallen the CPU was not asked for, `auto` ended there
 * @throws {GradelineError} PROVIDER for a precision that the provider does not have
 */
export function runningOn(provider: Provider, wanted: Precision | "auto", fallen = false): Running {
  if (wanted === "auto") return able[provider][provider === "tensorrt" ? "fp16" : "fp32"]!;
  const running = able[provider][wanted === "fp16" && provider === "cpu" && fallen ? "fp32" : wanted];
  if (running !== undefined) return running;
  const has = Object.keys(able[provider]).join(" and ");
  throw new GradelineError("PROVIDER", `precision ${wanted} was asked for on ${provider}, which has ${has}`, {
    hint: "set embedder.precision to auto",
  });
}

/**
 * Options of each provider.
 *
 * @see ONNX Runtime, "TensorRT Execution Provider" and "CUDA Execution Provider", configuration options
 */
export function appends(provider: Provider, settings: ProviderSettings): Append[] {
  if (provider === "tensorrt")
    return [
      { provider, options: tensorrt(settings) },
      { provider: "cuda", options: cuda(settings, false) },
    ];
  if (provider === "cuda") return [{ provider, options: cuda(settings, settings.cudaGraph) }];
  if (provider === "webgpu") return [{ provider, options: {} }];
  return [];
}

function tensorrt(settings: ProviderSettings): Record<string, string> {
  const { device, precision, engineFolder, calibrationTable, cudaGraph } = settings;
  return {
    device_id: `${device}`,
    // With int8, what has no range in the table runs in half precision.
    trt_fp16_enable: precision === "fp32" ? "0" : "1",
    ...(calibrationTable === undefined
      ? {}
      : {
          trt_int8_enable: "1",
          trt_int8_calibration_table_name: calibrationTable,
          trt_int8_use_native_calibration_table: "1",
        }),
    trt_cuda_graph_enable: cudaGraph ? "1" : "0",
    ...(engineFolder === undefined
      ? {}
      : {
          trt_engine_cache_enable: "1",
          trt_engine_cache_path: engineFolder,
          trt_timing_cache_enable: "1",
          trt_timing_cache_path: engineFolder,
        }),
  };
}

function cuda({ device }: ProviderSettings, graph: boolean): Record<string, string> {
  return {
    device_id: `${device}`,
    // The board needs its memory for other work, and shapes are fixed: allocate once, no more than needed.
    arena_extend_strategy: "kSameAsRequested",
    cudnn_conv_algo_search: "EXHAUSTIVE",
    // TF32 keeps ten bits of the mantissa: that is not single precision.
    use_tf32: "0",
    enable_cuda_graph: graph ? "1" : "0",
  };
}
