import { GradelineError } from "../../base/errors.ts";

/** Providers by the short names used in configuration. */
export const providers = {
  tensorrt: "TensorrtExecutionProvider",
  cuda: "CUDAExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cpu: "CPUExecutionProvider",
} as const;

export type NativeProvider = keyof typeof providers;
export type Precision = "fp32" | "fp16";

/** `auto` ends on the CPU where no GPU can be had; `gpu` never does. */
export type Wanted = NativeProvider | "auto" | "gpu";

/**
 * Providers to try, the fastest first. WebGPU runs only where it was asked for: on a board it would take the place of
 * a proper driver.
 */
export function candidates(wanted: Wanted): NativeProvider[] {
  if (wanted === "auto") return ["tensorrt", "cuda", "cpu"];
  if (wanted === "gpu") return ["tensorrt", "cuda"];
  return [wanted];
}

/** Providers that nodes of a session may run on: what TensorRT cannot take, CUDA does; the CPU never steps in. */
export function allowedNodes(provider: NativeProvider): readonly string[] {
  return provider === "tensorrt" ? [providers.tensorrt, providers.cuda] : [providers[provider]];
}

export interface ProviderSettings {
  /** Number of the GPU. */
  readonly device: number;
  readonly precision: Precision;
  /** Folder of this session's TensorRT engine and timing cache. */
  readonly engineFolder: string | undefined;
  /** Record the run once and replay it; shapes and addresses must never change. */
  readonly cudaGraph: boolean;
}

/** What is appended to the session's options, in this order: a provider and its options by the library's names. */
export interface Append {
  readonly provider: NativeProvider;
  readonly options: Readonly<Record<string, string>>;
}

/**
 * Options of each provider.
 *
 * @throws {GradelineError} PROVIDER for a precision that the provider does not make by itself
 * @see ONNX Runtime, "TensorRT Execution Provider" and "CUDA Execution Provider", configuration options
 */
export function appends(provider: NativeProvider, settings: ProviderSettings): Append[] {
  if (provider === "tensorrt")
    return [
      { provider, options: tensorrt(settings) },
      { provider: "cuda", options: cuda(settings, false) },
    ];
  if (settings.precision !== "fp32") {
    throw new GradelineError(
      "PROVIDER",
      `precision ${settings.precision} was asked for on ${provider}, which runs the model as it is`,
      {
        hint: "set embedder.precision to fp32, or use tensorrt",
      },
    );
  }
  if (provider === "cuda") return [{ provider, options: cuda(settings, settings.cudaGraph) }];
  if (provider === "webgpu") return [{ provider, options: {} }];
  return [];
}

function tensorrt({ device, precision, engineFolder, cudaGraph }: ProviderSettings): Record<string, string> {
  return {
    device_id: `${device}`,
    trt_fp16_enable: precision === "fp16" ? "1" : "0",
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
    // The board has other work for its memory, and the shapes are fixed: take what is needed, once.
    arena_extend_strategy: "kSameAsRequested",
    cudnn_conv_algo_search: "EXHAUSTIVE",
    // TF32 keeps ten bits of the mantissa: that is not single precision.
    use_tf32: "0",
    enable_cuda_graph: graph ? "1" : "0",
  };
}
