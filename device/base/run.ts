import { asGradelineError } from "./errors.ts";
import { Scope } from "./lifecycle.ts";

/**
 * Runs a program: opens its parts in a scope, hands it a signal that SIGINT and SIGTERM abort, closes everything in
 * reverse order, prints what went wrong and sets the exit code. A second signal ends the process at once.
 *
 * @param body returns the exit code
 */
export async function run(body: (scope: Scope, stop: AbortSignal) => Promise<number>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    stop.abort(signal);
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

/** Prints an error as users read it; returns the exit code: 2 for wrong use, 1 for the rest. */
export function report(error: unknown): number {
  const known = asGradelineError(error);
  process.stderr.write(`error: ${known.message}\n`);
  if (known.hint !== undefined) process.stderr.write(`hint: ${known.hint}\n`);
  // A defect of ours is of no use without the place where it happened.
  if (known.code === "INTERNAL" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return known.code === "USAGE" || known.code === "CONFIG" ? 2 : 1;
}
