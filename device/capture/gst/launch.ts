import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import koffi from "koffi";

/**
 * Stands in for gst-launch-1.0 where the pipeline holds a secret: what stands among a program's arguments can be read by
 * everybody on the board. The pipeline's words come on standard input, as a JSON array; messages and exit codes are
 * those of gst-launch-1.0.
 */
const MESSAGE_EOS = 1;
const MESSAGE_ERROR = 2;
const STATE_NULL = 1;
const STATE_PLAYING = 4;
/** Longest that a signal waits. */
const POLL_NS = 50_000_000;

const gError = koffi.struct("LaunchError", { domain: "uint32", code: "int", message: "const char *" });
/** The head of a GstMessage, from gstmessage.h and gstminiobject.h. */
const TYPE_AT = 64;
const SRC_AT = 80;

const gst = koffi.load("libgstreamer-1.0.so.0");
const init = gst.func("void gst_init(void *argc, void *argv)");
const parse = gst.func("void *gst_parse_launchv(const char **words, _Out_ void **error)");
const setState = gst.func("int gst_element_set_state(void *element, int state)");
const getBus = gst.func("void *gst_element_get_bus(void *element)");
const pop = gst.func("void *gst_bus_timed_pop_filtered(void *bus, uint64 ns, int types)");
const parseError = gst.func("void gst_message_parse_error(void *message, _Out_ void **error, _Out_ void **debug)");
const pathOf = gst.func("const char *gst_object_get_path_string(void *object)");

const words = JSON.parse(await text(process.stdin)) as string[];
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    stopped = true;
  });
}

init(null, null);
process.exit(await play());

async function play(): Promise<number> {
  const error: [bigint | null] = [null];
  const pipeline = parse([...words, null], error) as bigint | null;
  if (error[0] !== null || pipeline === null) {
    process.stderr.write(`WARNING: erroneous pipeline: ${said(error[0])}\n`);
    return 1;
  }
  const bus = getBus(pipeline);
  setState(pipeline, STATE_PLAYING);
  try {
    while (!stopped) {
      const message = pop(bus, POLL_NS, MESSAGE_EOS | MESSAGE_ERROR) as bigint | null;
      if (message !== null) return finish(message);
      await turn();
    }
    return 0;
  } finally {
    setState(pipeline, STATE_NULL);
  }
}

function finish(message: bigint): number {
  if (koffi.decode(message, TYPE_AT, "int") === MESSAGE_EOS) return 0;
  const error: [bigint | null] = [null];
  const debug: [bigint | null] = [null];
  parseError(message, error, debug);
  const source = pathOf(koffi.decode(message, SRC_AT, "void *"));
  process.stderr.write(`ERROR: from element ${source}: ${said(error[0])}\n`);
  if (debug[0] !== null) {
    process.stderr.write(`Additional debug info:\n${koffi.decode(debug[0], "char", -1)}\n`);
  }
  return 1;
}

function said(error: bigint | null): string {
  return error === null ? "unknown" : (koffi.decode(error, gError) as { message: string }).message;
}
