import koffi from "koffi";

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

/** Whether calls of the inference library have room; where not, why. */
export function stackProblem(): string | undefined {
  return failure?.message;
}
