import { globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { loadForGood } from "../../base/ffi.ts";
import type { Library } from "./library.ts";
import type { FunctionName } from "./table.ts";

/** Providers for NVIDIA are libraries of their own, and each has a struct of options. */
export const structured = {
  tensorrt: {
    create: "CreateTensorRTProviderOptions",
    update: "UpdateTensorRTProviderOptions",
    append: "SessionOptionsAppendExecutionProvider_TensorRT_V2",
    release: "ReleaseTensorRTProviderOptions",
  },
  cuda: {
    create: "CreateCUDAProviderOptions",
    update: "UpdateCUDAProviderOptions",
    append: "SessionOptionsAppendExecutionProvider_CUDA_V2",
    release: "ReleaseCUDAProviderOptions",
  },
} as const satisfies Record<string, Record<string, FunctionName>>;

const MISSING = /(lib[\w.+-]+\.so(?:\.\d+)*): cannot open shared object file/;
/** Loaded by the providers when an operator first needs them, by these names. */
const ON_DEMAND = /^lib(?:cudnn|cufft|nvrtc|nvJitLink)\.so\.\d+$/;

/** Name of the missing library in a loader's message; undefined if the message is about something else. */
export function missingLibrary(message: string): string | undefined {
  return MISSING.exec(message)?.[1];
}

/**
 * Whether the library of a provider loads with all that it needs. What is missing is looked for in NVIDIA's wheels beside an
 * installed wheel of ONNX Runtime: no loader searches there, Python's package of it does the same.
 *
 * @param device number of the GPU
 * @returns the library's reason; undefined if it loads and there is a GPU
 */
export function providerProblem(
  library: Library,
  provider: keyof typeof structured,
  device: number,
): string | undefined {
  const places = companions(library.path);
  for (const path of places) if (ON_DEMAND.test(basename(path))) loadCompanion(path, places);
  for (const tried = new Set<string>(); ; ) {
    try {
      setOptions(library, provider, device);
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      const missing = missingLibrary(message);
      const path = places.find((place) => basename(place) === missing);
      if (path === undefined || tried.has(path) || !loadCompanion(path, places)) return message;
      tried.add(path);
    }
  }
}

/** The library of a provider is loaded when its options are first set. */
function setOptions(library: Library, provider: keyof typeof structured, device: number): void {
  const { create, update, release } = structured[provider];
  const options = library.make(create);
  try {
    library.call(update, options, ["device_id"], [`${device}`], 1);
  } finally {
    library.call(release, options);
  }
}

/** Libraries in NVIDIA's wheels beside an installed wheel; none elsewhere. */
function companions(path: string): string[] {
  const wheel = dirname(dirname(path));
  if (basename(dirname(path)) !== "capi" || basename(wheel) !== "onnxruntime") return [];
  const packages = dirname(wheel);
  return ["nvidia/*/lib", "tensorrt_libs"].flatMap((folder) => globSync(join(packages, folder, "lib*.so*"))).sort();
}

/** Loads a library after its dependencies; false if it does not load. */
function loadCompanion(path: string, places: readonly string[], asking: readonly string[] = []): boolean {
  try {
    loadForGood(path);
    return true;
  } catch (error) {
    const missing = missingLibrary((error as Error).message);
    const needed = places.find((place) => basename(place) === missing);
    if (needed === undefined || needed === path || asking.includes(needed)) return false;
    return loadCompanion(needed, places, [...asking, path]) && loadCompanion(path, places, [...asking, path, needed]);
  }
}
