import type { Log } from "./log.ts";

/**
 * The one rule for what is thrown where nobody can catch it, in a callback of the broker's client, a web server, a thread
 * or a timer: it is logged with its place, and the process goes on. What such an error stops, the watchdog sees: frames,
 * inference and acknowledgements must advance.
 *
 * @returns ends the rule
 */
export function outliveCallbacks(log: Log): () => void {
  const told = (error: unknown): void => {
    const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
    log.error({ code: "INTERNAL", stack }, `thrown in a callback, the daemon goes on: ${message}`);
  };
  process.on("uncaughtException", told);
  process.on("unhandledRejection", told);
  return () => {
    process.off("uncaughtException", told);
    process.off("unhandledRejection", told);
  };
}

/**
 * Does what a library's callback is for. What it throws goes the way of all that nobody catches once the library has
 * finished its own work: thrown through it, it would be left in the middle of that.
 */
export function throwLater(work: () => void): void {
  try {
    work();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
