import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Outcome {
  readonly passed: boolean;
  readonly timedOut: boolean;
  readonly ms: number;
  /** The end of what it wrote. */
  readonly output: string;
}

/**
 * Runs one test file in a process of its own and ends all that it started with it.
 *
 * @param coverage folder for what of the sources ran, as V8 counts it; without it the first test that fails ends the run
 */
export async function runTestFile(
  root: string,
  file: string,
  limits: { readonly timeoutMs: number; readonly coverage?: string },
): Promise<Outcome> {
  const temporary = mkdtempSync(join(root, "..", "run-"));
  const { coverage, timeoutMs } = limits;
  const reporter = ["--test-reporter=./test/mutate/stop-at-first.ts", "--test-reporter-destination=stdout"];
  const began = performance.now();
  const child = spawn(process.execPath, [...(coverage === undefined ? reporter : []), file], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: temporary, ...(coverage === undefined ? {} : { NODE_V8_COVERAGE: coverage }) },
  });
  let output = "";
  const hear = (chunk: Buffer) => {
    output = (output + String(chunk)).slice(-4000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  let timedOut = false;
  const end = () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // All of them have ended.
    }
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  // `exit`, not `close`: what the test left behind may hold its pipes.
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  clearTimeout(timer);
  end();
  rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
  return { passed: code === 0, timedOut, ms: performance.now() - began, output };
}
