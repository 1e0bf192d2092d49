import { loadForGood } from "../../device/base/ffi.ts";

/** The GPU's memory as CUDA's runtime tells it. */
export interface CudaMemory {
  readonly free: number;
  readonly used: number;
  /** Takes so many bytes for as long as the process lives; returns how many it got. */
  take(bytes: number): number;
}

const RUNTIMES = ["libcudart.so.13", "libcudart.so.12", "libcudart.so"];

/** Undefined where no CUDA runtime is loaded or it finds no GPU. */
export function cudaMemory(): CudaMemory | undefined {
  for (const name of RUNTIMES) {
    try {
      const runtime = loadForGood(name);
      const free = new BigUint64Array(1);
      const total = new BigUint64Array(1);
      if (runtime.func("int cudaMemGetInfo(void *free, void *total)")(free, total) !== 0) return undefined;
      const allocate = runtime.func("int cudaMalloc(void *out, size_t bytes)");
      return {
        free: Number(free[0]),
        used: Number(total[0]! - free[0]!),
        take: (bytes) => {
          const address = new BigUint64Array(1);
          // The last megabytes may lie in pieces: ask for less until it is given.
          for (let want = bytes; want > 1 << 20; want = Math.floor(want * 0.99)) {
            if (allocate(address, want) === 0) return want;
          }
          return 0;
        },
      };
    } catch {
      // Another version may be there, or this one lacks the function.
    }
  }
  return undefined;
}
