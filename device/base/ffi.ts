import koffi, { type LibraryHandle } from "koffi";

/** What a thread of the system has: shader compilers and TensorRT's builder go deep. */
const STACK_BYTES = 8 * 1024 * 1024;

// koffi runs each call on a stack of its own, 128 KiB by default for those on other threads; compiling a shader or an
// engine overruns that and ends the process. The size can be set only before the first library is loaded, so it is set
// when this module is; memory is taken only as far as a call really goes down.
const failure = grow();

function grow(): Error | undefined {
  try {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Why calls of the inference library have too little stack; undefined where they have enough. */
export function stackProblem(): string | undefined {
  return failure?.message;
}

const RTLD_NOW_NODELETE = 0x1002;
/** Before glibc 2.34 `dlopen` was in the second one. */
const LOADERS = ["libc.so.6", "libdl.so.2"];

/** koffi unloads a library when its handle is collected, also while addresses inside it are in use. */
const kept = new Map<string, LibraryHandle>();

/**
 * Loads a shared library for as long as the process lives: also while it ends. The library's GPU providers call it
 * from their exit handlers, long after the JavaScript world, and all that it held, is gone.
 *
 * @throws {Error} with the loader's message
 */
export function loadForGood(path: string): LibraryHandle {
  let handle = kept.get(path);
  if (handle === undefined) {
    handle = koffi.load(path);
    kept.set(path, handle);
    pin(path);
  }
  return handle;
}

function pin(path: string): void {
  for (const name of LOADERS) {
    try {
      koffi.load(name).func("void *dlopen(const char *name, int flags)")(path, RTLD_NOW_NODELETE);
      return;
    } catch {
      // The other one has it.
    }
  }
}
