import koffi, { type LibraryHandle } from "koffi";
import { GradelineError } from "../../base/errors.ts";
import { loadForGood } from "../../base/ffi.ts";
import type { Provider } from "../providers.ts";
import type { Handle } from "./library.ts";
import type { Session } from "./session.ts";

/** What goes in and comes out. */
export interface Layout {
  readonly inputName: string;
  readonly outputName: string;
  readonly sizePx: number;
  readonly dimension: number;
}

/** Host memory for one batch in flight; on a GPU, pinned memory. */
export interface Host {
  readonly input: Handle;
  readonly output: Handle;
  /** (size, sizePx, sizePx, 3). */
  readonly views: Uint8Array;
  /** (size, dimension). */
  readonly embeddings: Float32Array;
}

/** Where a session's tensors lie, taken once for its largest batch. */
export interface Memory {
  /** OrtMemoryInfo of the tensors. */
  readonly info: Handle;
  readonly input: Handle;
  readonly output: Handle;
  /** Written before `upload`, read after `download`. */
  readonly host: Host;
  upload(bytes: number): void;
  download(bytes: number): void;
  /** Whether the library copies an input at the moment at which it is bound, so that it must be bound for each run. */
  readonly rebind: boolean;
}

/** Copies between host and device, finished on return. */
export interface Copier {
  /** Name of the device's memory as the library knows it, and of host memory that the device reads directly. */
  readonly memory: string;
  readonly pinned: string;
  toDevice(device: Handle, host: Handle, bytes: number): void;
  toHost(host: Handle, device: Handle, bytes: number): void;
}

export const UINT8 = 2;
export const FLOAT32 = 1;
const DEVICE_ALLOCATOR = 0;
const MEM_DEFAULT = 0;
const MEM_CPU_OUTPUT = -1;

export function viewShape(layout: Layout, count: number): BigInt64Array {
  const side = BigInt(layout.sizePx);
  return BigInt64Array.of(BigInt(count), side, side, 3n);
}

export function embeddingShape(layout: Layout, count: number): BigInt64Array {
  return BigInt64Array.of(BigInt(count), BigInt(layout.dimension));
}

/**
 * Takes memory of the host from the library's own allocators; the session frees it.
 *
 * @param size largest batch
 * @param copier for providers whose tensors lie in a GPU's memory
 * @param device number of the GPU
 */
export function takeHost(
  session: Session,
  layout: Layout,
  size: number,
  copier: Copier | undefined,
  device: number,
): Host {
  const { library } = session;
  const allocator =
    copier === undefined ? library.make("GetAllocatorWithDefaultOptions") : pinnedAllocator(session, copier, device);
  const input = storage(session, allocator, viewShape(layout, size), UINT8);
  const output = storage(session, allocator, embeddingShape(layout, size), FLOAT32);
  const views = new Uint8Array(koffi.view(input, size * layout.sizePx ** 2 * 3));
  const embeddings = new Float32Array(koffi.view(output, size * layout.dimension * 4));
  return { input, output, views, embeddings };
}

/**
 * Takes what a session's tensors need besides memory of the host; the session frees it.
 *
 * @param size largest batch of this session
 * @param copier for providers whose tensors lie in a GPU's memory; without one the tensors lie on the host, and the
 *   library copies
 * @param device number of the GPU
 */
export function takeMemory(
  session: Session,
  provider: Provider,
  layout: Layout,
  size: number,
  host: Host,
  copier: Copier | undefined,
  device: number,
): Memory {
  if (copier === undefined) return hostMemory(session, host, provider !== "cpu");
  return deviceMemory(session, layout, size, host, copier, device);
}

function hostMemory(session: Session, host: Host, rebind: boolean): Memory {
  const { library } = session;
  const info = session.own(
    library.make("CreateMemoryInfo", "Cpu", DEVICE_ALLOCATOR, 0, MEM_DEFAULT),
    "ReleaseMemoryInfo",
  );
  return { info, input: host.input, output: host.output, host, upload: () => {}, download: () => {}, rebind };
}

function deviceMemory(
  session: Session,
  layout: Layout,
  size: number,
  host: Host,
  copier: Copier,
  device: number,
): Memory {
  const { library } = session;
  const info = session.own(
    library.make("CreateMemoryInfo", copier.memory, DEVICE_ALLOCATOR, device, MEM_DEFAULT),
    "ReleaseMemoryInfo",
  );
  const allocator = session.own(library.make("CreateAllocator", session.handle, info), "ReleaseAllocator");
  const input = storage(session, allocator, viewShape(layout, size), UINT8);
  const output = storage(session, allocator, embeddingShape(layout, size), FLOAT32);
  return {
    info,
    input,
    output,
    host,
    upload: (bytes) => copier.toDevice(input, host.input, bytes),
    download: (bytes) => copier.toHost(host.output, output, bytes),
    rebind: false,
  };
}

/** Pinned host memory if the library offers it; plain memory is slower, not wrong. */
function pinnedAllocator(session: Session, copier: Copier, device: number): Handle {
  const { library } = session;
  try {
    const info = session.own(
      library.make("CreateMemoryInfo", copier.pinned, DEVICE_ALLOCATOR, device, MEM_CPU_OUTPUT),
      "ReleaseMemoryInfo",
    );
    return session.own(library.make("CreateAllocator", session.handle, info), "ReleaseAllocator");
  } catch {
    return library.make("GetAllocatorWithDefaultOptions");
  }
}

/** Address of memory for a tensor, freed with the session. */
function storage(session: Session, allocator: Handle, shape: BigInt64Array, type: number): Handle {
  const { library } = session;
  const value = session.own(
    library.make("CreateTensorAsOrtValue", allocator, shape, shape.length, type),
    "ReleaseValue",
  );
  return library.make("GetTensorMutableData", value);
}

const RUNTIMES = ["libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so"];
const HOST_TO_DEVICE = 1;
const DEVICE_TO_HOST = 2;

/**
 * Copies through the CUDA runtime that the library's provider has loaded.
 *
 * @throws {GradelineError} PROVIDER if no CUDA runtime is found or the device cannot be selected
 */
export function cudaCopier(device: number): Copier {
  const runtime = openRuntime();
  const copy = runtime.func("int cudaMemcpy(void *to, void *from, size_t bytes, int kind)");
  const finish = runtime.func("int cudaStreamSynchronize(void *stream)");
  const explain = runtime.func("const char *cudaGetErrorString(int code)");
  const check = (what: string, code: number): void => {
    if (code !== 0) throw new GradelineError("INFERENCE", `CUDA: ${what} failed: ${explain(code)} (${code})`);
  };
  check("cudaSetDevice", runtime.func("int cudaSetDevice(int device)")(device));
  return {
    memory: "Cuda",
    pinned: "CudaPinned",
    toDevice: (to, from, bytes) => {
      check("copying views", copy(to, from, bytes, HOST_TO_DEVICE));
      // A copy from memory that is not pinned may be on its way yet, and the library's own stream does not wait for it.
      check("copying views", finish(null));
    },
    toHost: (to, from, bytes) => check("copying embeddings", copy(to, from, bytes, DEVICE_TO_HOST)),
  };
}

function openRuntime(): LibraryHandle {
  const failures: string[] = [];
  for (const name of RUNTIMES) {
    try {
      return loadForGood(name);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new GradelineError("PROVIDER", `no CUDA runtime found: ${failures.join("; ")}`, {
    hint: "install the CUDA libraries that this build of ONNX Runtime was made for",
  });
}
