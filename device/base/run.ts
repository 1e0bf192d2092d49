import { asGradelineError } from "./errors.ts";
import { Scope } from "./lifecycle.ts";
import { journalLines, logForm } from "./log.ts";

type Body = (scope: Scope, stop: AbortSignal) => Promise<number>;

/**
 * Runs a program: opens its parts in a scope, hands it a signal that SIGINT and SIGTERM abort, closes everything in
 * reverse order, prints what went wrong and sets the exit code. A second signal ends the process at once.
 *
 * @param body returns the exit code
 * @param stopMs longest time from the signal to the end, milliseconds: what is still open then is left as it is
 */
export async function run(body: Body, stopMs?: number): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    stop.abort(signal);
    if (stopMs !== undefined) setTimeout(() => void endNow(stopMs), stopMs).unref();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const scope = new Scope();
  try {
    process.exitCode = await body(scope, stop.signal);
  } catch (error) {
    process.exitCode = report(error);
  }
  try {
    await scope.close();
  } catch (error) {
    process.exitCode = report(error);
  }
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}

/**
 * Ends the process without what usually runs at its end: an inference library that is in the middle of something aborts
 * there. Verdicts are on the disk before anyone hears of them, so none is lost.
 */
async function endNow(stopMs: number): Promise<void> {
  const text = `not everything came to its end within ${stopMs / 1000} s: the rest is cut off`;
  process.stderr.write(logForm() === "journal" ? journalLines(text, "warn") : `warning: ${text}\n`);
  try {
    const { loadForGood } = await import("./ffi.ts");
    loadForGood("libc.so.6").func("void _exit(int code)")(process.exitCode ?? 0);
  } finally {
    process.kill(process.pid, "SIGKILL");
  }
}

/** Prints an error as users read it; returns the exit code: 2 for wrong use, 1 for the rest. */
export function report(error: unknown): number {
  const known = asGradelineError(error);
  const lines = [`error: ${known.message}`];
  if (known.hint !== undefined) lines.push(`hint: ${known.hint}`);
  // A defect of ours is of no use without the place where it happened.
  if (known.code === "INTERNAL" && error instanceof Error) lines.push(String(error.stack));
  const text = lines.join("\n");
  process.stderr.write(logForm() === "journal" ? journalLines(text, "error") : `${text}\n`);
  return known.code === "USAGE" || known.code === "CONFIG" ? 2 : 1;
}
