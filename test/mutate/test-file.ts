import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Outcome {
  readonly passed: boolean;
  readonly timedOut: boolean;
  readonly ms: number;
  /** Used by it and by what it started and waited for: the same on a machine that has other work. */
  readonly processorMs: number;
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
  const usedBefore = processorMsOfChildren();
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
  return {
    passed: code === 0,
    timedOut,
    ms: performance.now() - began,
    processorMs: processorMsOfChildren() - usedBefore,
    output,
  };
}

/** Of all children that have ended, and theirs; 0 without /proc. */
function processorMsOfChildren(): number {
  try {
    // cutime and cstime of proc(5), in hundredths of a second; the program's name stands in brackets.
    const fields = readFileSync("/proc/self/stat", "latin1").split(") ").at(-1)!.split(" ");
    return 10 * (Number(fields[13]) + Number(fields[14]));
  } catch {
    return 0;
  }
}
