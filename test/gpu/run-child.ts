import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Said } from "../support/child.ts";
import type { Task } from "./child.ts";

export interface ChildOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Called with each line; may end the child. */
  readonly heard?: (said: Said, child: { endInput(): void; kill(): void }) => void;
}

/**
 * Runs a deed of `child.ts` to its end.
 *
 * @returns what it said
 * @throws {Error} when it dies of a signal or takes longer than it may
 */
export async function runChild(deed: string, task: Task, options: ChildOptions): Promise<Said[]> {
  const { environment, timeoutMs, heard } = options;
  const child = spawn(process.execPath, ["--expose-gc", "test/gpu/child.ts", deed, JSON.stringify(task)], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said: Said[] = [];
  let errors = "";
  child.stdin.on("error", () => {});
  child.stderr.on("data", (data: Buffer) => {
    errors = `${errors}${data}`.slice(-2000);
  });
  const controls = { endInput: () => child.stdin.end(), kill: () => child.kill("SIGKILL") };
  createInterface({ input: child.stdout }).on("line", (line) => {
    // Libraries write to standard output, too.
    if (!line.startsWith('{"event"')) return;
    const one = JSON.parse(line) as Said;
    said.push(one);
    heard?.(one, controls);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  if (ended.signal !== null)
    throw new Error(
      `${deed} died of ${ended.signal} after ${said.length > 0 ? JSON.stringify(said.at(-1)) : errors.trim().slice(-300)}`,
    );
  if (said.length === 0)
    throw new Error(`${deed} said nothing, exit code ${ended.code}: ${errors.trim().split("\n").at(-1)}`);
  return [...said, { event: "exit", code: ended.code }];
}
