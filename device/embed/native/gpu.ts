import { loadForGood } from "../../base/ffi.ts";

/** An NVIDIA GPU as its driver describes it. */
export interface Gpu {
  readonly name: string;
  /** CUDA version that the driver speaks, e.g. `12.6`. */
  readonly driver: string;
  /** Compute capability, e.g. `8.7` for Orin. */
  readonly capability: string;
}

const NAME_BYTES = 256;
const CAPABILITY_MAJOR = 75;
const CAPABILITY_MINOR = 76;

/**
 * Asks the driver.
 *
 * @param device number of the GPU
 * @returns the GPU, or why there is none
 */
export function describeGpu(device: number): Gpu | { readonly absent: string } {
  try {
    const driver = loadForGood("libcuda.so.1");
    const ask = (what: string, code: number): void => {
      if (code !== 0) throw new Error(`${what} answers ${code}`);
    };
    ask("cuInit", driver.func("int cuInit(unsigned int flags)")(0));
    const number = new Int32Array(1);
    const attribute = driver.func("int cuDeviceGetAttribute(void *out, int attribute, int device)");
    const value = (which: number): number => {
      ask("cuDeviceGetAttribute", attribute(number, which, device));
      return number[0]!;
    };
    const name = Buffer.alloc(NAME_BYTES);
    ask(
      "cuDeviceGetName",
      driver.func("int cuDeviceGetName(void *name, int bytes, int device)")(name, NAME_BYTES, device),
    );
    ask("cuDriverGetVersion", driver.func("int cuDriverGetVersion(void *out)")(number));
    const version = number[0]!;
    return {
      name: name.toString("utf8", 0, name.indexOf(0)),
      driver: `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`,
      capability: `${value(CAPABILITY_MAJOR)}.${value(CAPABILITY_MINOR)}`,
    };
  } catch (error) {
    return { absent: `libcuda.so.1: ${(error as Error).message}` };
  }
}

/** Version number of the TensorRT that the loader finds, as TensorRT writes it; undefined where there is none. */
export function tensorrtVersion(): string | undefined {
  for (const name of ["libnvinfer.so.11", "libnvinfer.so.10", "libnvinfer.so.8", "libnvinfer.so"]) {
    try {
      return `${loadForGood(name).func("int getInferLibVersion()")()}`;
    } catch {
      // The next name may be there.
    }
  }
  return undefined;
}
