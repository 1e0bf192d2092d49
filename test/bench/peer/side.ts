import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

/** One run of one side on the same frames, and what it cost by the system's own account. */

export interface SideTask {
  readonly frames: readonly string[];
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fps: number;
  readonly pace: "real" | "fast";
  readonly lanesPerCamera: number;
  readonly laneHeightPx: number;
  readonly mmPerPx: number;
  readonly mmPerS: number;
  /** Frames until fruit fill the belt. */
  readonly lead: number;
  /** The network's ONNX file, and its description. */
  readonly model: string;
  readonly description: string;
  readonly gallery: string;
  readonly broker: string;
  readonly journal: string;
  readonly out: string;
}

export interface SideFigures {
  readonly itemsPerS: number;
  readonly itemsPerCpuS: number;
  readonly viewsPerS: number;
  readonly cpuMsPerView: number;
  /** Exposure of an item's last view to the broker's acknowledgement. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Proportional set size of all its processes, the most that was seen. */
  readonly pssMb: number;
  readonly droppedShare: number;
}

interface Done {
  readonly acks: readonly [number, number][];
  readonly items: readonly number[];
  readonly batches: readonly [number, number][];
  readonly frames: { readonly seen: number; readonly dropped: number };
}

const TICKS_PER_S = 100;
const MEMORY_EVERY_MS = 500;

export interface SideOptions {
  /** Program and arguments; the task comes last. */
  readonly command: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly task: Omit<SideTask, "out" | "journal">;
  readonly folder: string;
  readonly warmUpS: number;
  readonly seconds: number;
}

/** @throws {Error} where it does not become ready, with what it said */
export async function runSide({ command, env, task, folder, warmUpS, seconds }: SideOptions): Promise<SideFigures> {
  const own = mkdtempSync(join(folder, "side-"));
  const whole: SideTask = { ...task, out: join(own, "out.json"), journal: join(own, "journal.sqlite") };
  const [program, ...args] = command;
  const child = spawn(program, [...args, JSON.stringify(whole)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    await ready(child);
    await pause(warmUpS * 1000);
    const before = { at: Date.now() / 1000, cpu: cpuOf(processesOf(child.pid!)) };
    let pssMb = 0;
    while (Date.now() / 1000 - before.at < seconds) {
      await pause(MEMORY_EVERY_MS);
      pssMb = Math.max(pssMb, pssOf(processesOf(child.pid!)));
    }
    const after = { at: Date.now() / 1000, cpu: cpuOf(processesOf(child.pid!)) };
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    const done = JSON.parse(readFileSync(whole.out, "utf8")) as Done;
    return figuresOf(done, before, after, pssMb);
  } finally {
    child.kill("SIGKILL");
    rmSync(own, { recursive: true, force: true });
  }
}

interface Moment {
  /** Seconds since 1970. */
  readonly at: number;
  /** Seconds of processor time until then. */
  readonly cpu: number;
}

function figuresOf({ acks, items, batches, frames }: Done, from: Moment, to: Moment, pssMb: number): SideFigures {
  const inside = (at: number): boolean => at >= from.at && at < to.at;
  const seconds = to.at - from.at;
  const cpu = to.cpu - from.cpu;
  const count = items.filter(inside).length;
  const views = batches.reduce((sum, [at, number]) => sum + (inside(at) ? number : 0), 0);
  const delays = acks.filter(([at]) => inside(at)).map(([at, exposed]) => (at - exposed) * 1000);
  delays.sort((a, b) => a - b);
  const quantile = (share: number): number => delays[Math.max(0, Math.ceil(share * delays.length) - 1)] ?? Number.NaN;
  return {
    itemsPerS: count / seconds,
    itemsPerCpuS: count / cpu,
    viewsPerS: views / seconds,
    cpuMsPerView: (cpu * 1000) / Math.max(1, views),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    pssMb,
    droppedShare: frames.seen === 0 ? 0 : frames.dropped / frames.seen,
  };
}

async function ready(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  child.stderr!.on("data", (chunk: Buffer) => said.push(chunk.toString("utf8")));
  for await (const line of createInterface({ input: child.stdout! })) if (line === "READY") return;
  throw new Error(`${child.spawnargs[0]} did not become ready:\n${said.join("").slice(-2000)}`);
}

/** A process and all that it has started. */
function processesOf(pid: number): number[] {
  const found = [pid];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean);
      for (const child of children) found.push(...processesOf(Number(child)));
    }
  } catch {
    // It has ended meanwhile.
  }
  return found;
}

function cpuOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / TICKS_PER_S;
}

function pssOf(pids: readonly number[]): number {
  let kb = 0;
  for (const pid of pids) kb += Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kb / 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
