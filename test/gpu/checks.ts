import { spawn } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, readdirSync, symlinkSync, truncateSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { packagedLibrary } from "../../device/embed/native/search.ts";
import { checkComparison, checkNodes, type Proof } from "../../device/embed/proof.ts";
import type { Precision } from "../../device/embed/providers.ts";
import type { Said } from "../support/child.ts";
import { type Bench, type Outcome, taskOf } from "./bench.ts";
import type { Task } from "./child.ts";
import { figures } from "./figures.ts";
import { runChild } from "./run-child.ts";

export interface Check {
  readonly name: string;
  run(bench: Bench, timeoutMs: number): Promise<Outcome>;
  /** What is lacking here; undefined where it can run. */
  needs?(bench: Bench): string | undefined;
}

const PRECISIONS: readonly Precision[] = ["fp32", "fp16"];
const SIZES = [1, 4, 16, 64];
const TOLERANCE = 1e-4;

const nvidia = ({ provider }: Bench): string | undefined =>
  provider === "webgpu" ? "webgpu has no CUDA libraries" : undefined;
const tensorrt = ({ provider }: Bench): string | undefined =>
  provider === "tensorrt" ? undefined : `${provider} builds no engines`;

export const checks: readonly Check[] = [
  { name: "gpu: the fastest provider is tried first", run: order, needs: nvidia },
  { name: "proof: all nodes run on the GPU", run: proof },
  ...PRECISIONS.map((precision) => ({
    name: `golden embeddings at 1, 4, 16, 64 in ${precision}`,
    run: (bench: Bench, timeoutMs: number) => golden(bench, timeoutMs, precision),
    needs: ({ provider }: Bench) =>
      provider === "webgpu" && precision !== "fp32" ? `webgpu has no ${precision}` : undefined,
  })),
  { name: "contract of an embedder", run: contract },
  { name: "refusal: the driver is hidden", run: driverHidden },
  { name: "refusal: the provider's library is hidden", run: libraryHidden, needs: nvidia },
  {
    name: "refusal: a library of another version",
    run: otherVersion,
    needs: (bench) =>
      nvidia(bench) ?? (packagedLibrary() === undefined ? "onnxruntime-node's own library is not here" : undefined),
  },
  {
    name: "refusal: the GPU's memory is full",
    run: memoryFull,
    needs: (bench) => nvidia(bench) ?? (bench.standIn ? "a stand-in has no memory to fill" : undefined),
  },
  { name: "engine: built, found again, stale, torn", run: engine, needs: tensorrt },
  {
    name: "sessions opened and closed",
    run: sessions,
    // Dawn, below the webgpu provider, keeps 0.6 MB of each device in software.
    needs: ({ provider }) => (provider === "webgpu" ? "the library's webgpu keeps memory of its own" : undefined),
  },
  { name: "a run cut off in the middle", run: cutOff },
  { name: "two processes at once", run: twoProcesses },
  { name: "CUDA graph and bound memory", run: graph, needs: nvidia },
  { name: "demo: 200 items graded on the GPU", run: demo, needs: (bench) => standInDemo(bench) },
  { name: "figures", run: figures },
];

function ok(detail: string): Outcome {
  return { state: "ok", detail };
}

function fail(said: readonly Said[], wanted: string): never {
  throw new Error(`wanted ${wanted}, got ${JSON.stringify(said.at(-2) ?? said.at(-1)).slice(0, 400)}`);
}

async function open(bench: Bench, timeoutMs: number, task: Task = {}, environment = {}): Promise<Said[]> {
  const options = { environment: { ...bench.environment, ...environment }, timeoutMs };
  return runChild("open", { ...taskOf(bench), ...task }, options);
}

async function order(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const said = await open(bench, timeoutMs, { provider: "gpu" });
  const found = said.find(({ event }) => event === "opened")?.proof as Proof | undefined;
  if (found === undefined) fail(said, "a GPU");
  if (found.provider !== bench.provider) fail(said, `${bench.provider} first`);
  return ok(`${found.provider} ${found.precision}, refused before it: ${found.refused.length}`);
}

async function proof(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const said = await open(bench, timeoutMs);
  const found = said.find(({ event }) => event === "opened")?.proof as Proof | undefined;
  if (found?.nodes == null || found.golden === null) fail(said, "nodes and golden embeddings");
  checkNodes([found.nodes], bench.provider);
  if (!found.fallbackRefused) fail(said, "the library's fallback to be refused");
  return ok(
    `${JSON.stringify(found.nodes.counts)} by ${found.nodes.from}; golden cosine ${found.golden.cosine.toFixed(6)}`,
  );
}

async function golden(bench: Bench, timeoutMs: number, precision: Precision): Promise<Outcome> {
  const task = { ...taskOf(bench), precision, sizes: SIZES };
  const said = await runChild("rows", task, { environment: bench.environment, timeoutMs });
  const rows = said.filter(({ event }) => event === "rows") as unknown as {
    size: number;
    difference: number;
    cosine: number;
  }[];
  if (rows.length !== SIZES.length) fail(said, `${SIZES.length} batch sizes`);
  for (const row of rows) checkComparison(row, bench.provider, precision, TOLERANCE);
  return ok(rows.map(({ size, difference }) => `${size}: ${difference.toExponential(1)}`).join(", "));
}

async function contract(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const environment = {
    GRADELINE_GPU_PROVIDER: bench.provider,
    GRADELINE_ENGINES: join(bench.work, "engines"),
    ...(taskOf(bench).tiny === true ? { GRADELINE_GPU_TINY: "1" } : {}),
  };
  const { code, output } = await program(bench, ["--test", "test/gpu/contract.ts"], timeoutMs, environment);
  const [, passed] = /^ℹ pass (\d+)$/m.exec(output) ?? [];
  if (code !== 0 || passed === undefined) throw new Error(output.trim().split("\n").slice(-12).join(" | "));
  return ok(`${passed} tests`);
}

/** @returns exit code and output of Node with these arguments */
async function program(
  bench: Bench,
  args: readonly string[],
  timeoutMs: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string; standard: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...bench.environment, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: Math.floor(timeoutMs),
    killSignal: "SIGKILL",
    signal: bench.stop,
  });
  let output = "";
  let standard = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data;
    standard += data;
  });
  child.stderr.on("data", (data: Buffer) => {
    output += data;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, output, standard };
}

async function refused(bench: Bench, timeoutMs: number, task: Task, environment = {}): Promise<Outcome> {
  const said = await open(bench, timeoutMs, { engineCache: join(bench.work, "refused"), ...task }, environment);
  const refusal = said.find(({ event }) => event === "refused");
  if (refusal === undefined || refusal.code !== "PROVIDER") fail(said, "a refusal with code PROVIDER");
  return ok(`${refusal.message}`.slice(0, 140));
}

function driverHidden(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const hidden =
    bench.provider === "webgpu"
      ? { VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json" }
      : { CUDA_VISIBLE_DEVICES: "-1", NVIDIA_VISIBLE_DEVICES: "none", STAND_IN_NEEDS: "libcuda.so.1000" };
  return refused(bench, timeoutMs, {}, hidden);
}

/** A folder with links to the library's files but for those that `leave` names. */
function copyOfLibrary(bench: Bench, leave: (name: string) => boolean): string {
  const library = bench.survey.libraries.find(({ beside }) => beside.length > 0)!;
  const folder = join(bench.work, `library-${readdirSync(bench.work).length}`);
  mkdirSync(folder);
  for (const path of globSync(join(dirname(library.path), "libonnxruntime*.so*"))) {
    // Copied, not linked: the library looks for its providers beside the file that a link leads to.
    if (!leave(basename(path))) copyFileSync(path, join(folder, basename(path)));
  }
  return folder;
}

function libraryHidden(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const library = copyOfLibrary(bench, (name) => name === "libonnxruntime_providers_cuda.so");
  return refused(bench, timeoutMs, { library });
}

function otherVersion(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const library = copyOfLibrary(bench, (name) => !name.includes("providers"));
  symlinkSync(packagedLibrary()!, join(library, "libonnxruntime.so"));
  return refused(bench, timeoutMs, { library });
}

async function memoryFull(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const task = { ...taskOf(bench), leave: 64 << 20 };
  const said = await runChild("memoryFull", task, { environment: bench.environment, timeoutMs });
  const refusal = said.find(({ event }) => event === "refused");
  if (refusal === undefined) fail(said, "a refusal");
  return ok(`${refusal.code}: ${refusal.message}`.slice(0, 140));
}

async function engine(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const engineCache = join(bench.work, "engine-check");
  const task = { engineCache, batches: [1, 4], maxBatch: 4 };
  const opened = async (more: Task = {}): Promise<NonNullable<Proof["engine"]>> => {
    const said = await open(bench, timeoutMs, { ...task, ...more });
    const found = (said.find(({ event }) => event === "opened")?.proof as Proof | undefined)?.engine;
    if (found == null) fail(said, "an engine");
    return found;
  };
  const built = await opened();
  const again = await opened();
  const stale = await opened({ batches: [1, 2], maxBatch: 4 });
  const file = globSync(join(again.folder, "**/*.engine"))[0];
  if (file === undefined) throw new Error(`no engine lies in ${again.folder}`);
  truncateSync(file, 100);
  const torn = await opened();
  const states = [built, again, stale, torn].map(({ cache }) => cache).join(", ");
  if (states !== "absent, hit, absent, torn") throw new Error(`wanted absent, hit, absent, torn; got ${states}`);
  const seconds = ({ buildMs }: { buildMs: number }): string => `${(buildMs / 1000).toFixed(1)} s`;
  return {
    ...ok(`built in ${seconds(built)}, found again in ${seconds(again)}, torn built anew in ${seconds(torn)}`),
    figures: { builtMs: built.buildMs, foundMs: again.buildMs },
  };
}

/** Bytes by which a thousand sessions may leave a process, or the GPU's memory, larger. */
const MOST_GROWTH = 64 << 20;

/** Memory may settle in the first third; after it nothing may grow with the sessions. */
async function sessions(bench: Bench, timeoutMs: number): Promise<Outcome> {
  // A stand-in on the processor makes sessions slowly; CUDA makes hundreds a second.
  const times = bench.quick ? 50 : bench.standIn ? 200 : 1000;
  const task = { provider: bench.provider, times, engineCache: join(bench.work, "small") };
  const said = await runChild("sessions", task, { environment: bench.environment, timeoutMs });
  const memory = said.filter(({ event }) => event === "memory") as unknown as {
    rss: number;
    files: number;
    gpuBytes: number | null;
  }[];
  if (memory.length < 10) fail(said, `${times} sessions`);
  const early = memory[2]!;
  const last = memory.at(-1)!;
  const perSession = (last.rss - early.rss) / (times * 0.7);
  const gpuGrowth = (last.gpuBytes ?? 0) - (early.gpuBytes ?? 0);
  if (last.files > early.files || gpuGrowth > MOST_GROWTH || last.rss - early.rss > MOST_GROWTH) {
    throw new Error(
      `grows: ${perSession.toFixed(0)} B a session, ${last.files - early.files} files, GPU ${gpuGrowth} B`,
    );
  }
  return ok(
    `${times} sessions, ${(perSession / 1024).toFixed(1)} KB of memory each, no file, GPU ${gpuGrowth} B in all`,
  );
}

async function cutOff(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const task = { ...taskOf(bench) };
  const said = await runChild("cutOff", task, { environment: bench.environment, timeoutMs });
  const exit = said.at(-1)!;
  if (exit.code !== 7) fail(said, "exit code 7, its own");
  const after = await open(bench, timeoutMs);
  if (!after.some(({ event }) => event === "opened")) fail(after, "the GPU to be there afterwards");
  return ok("ended at once, the GPU is free afterwards");
}

async function twoProcesses(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const task = { ...taskOf(bench) };
  let running = 0;
  const ends: (() => void)[] = [];
  const one = (): Promise<Said[]> =>
    runChild("embedOn", task, {
      environment: bench.environment,
      timeoutMs,
      heard: ({ event }, { endInput }) => {
        ends.push(endInput);
        // Both have run beside each other once the second one runs.
        if (event === "running" && ++running === 2) for (const end of ends) end();
        if (event === "refused") for (const end of ends) end();
      },
    });
  const both = await Promise.all([one(), one()]);
  const done = both.map((said) => said.find(({ event }) => event === "embedded"));
  for (const [at, each] of done.entries()) {
    if (each === undefined || (each.difference as number) > TOLERANCE) fail(both[at]!, "the same rows throughout");
  }
  return ok(`${done.map((each) => each!.views).join(" and ")} views beside each other, the same rows`);
}

async function graph(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const task = {
    provider: bench.provider,
    cudaGraph: true,
    precision: "fp32" as const,
    sizes: [1, 4],
    batches: [1, 4],
    maxBatch: 4,
    engineCache: join(bench.work, "graph"),
  };
  const said = await runChild("rows", task, { environment: bench.environment, timeoutMs });
  const rows = said.filter(({ event }) => event === "rows") as unknown as { difference: number; cosine: number }[];
  if (rows.length !== 2) fail(said, "two batch sizes");
  for (const row of rows) checkComparison(row, bench.provider, "fp32", TOLERANCE);
  return ok(`replayed, off by ${Math.max(...rows.map(({ difference }) => difference)).toExponential(1)}`);
}

function standInDemo({ standIn, provider }: Bench): string | undefined {
  return standIn && provider === "webgpu" ? "the demo takes webgpu only where a configuration asks for it" : undefined;
}

async function demo(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const items = bench.quick || bench.standIn ? 40 : 200;
  const state = join(bench.work, "demo");
  const args = ["device/demo/main.ts", "--items", `${items}`, "--json", "--fresh", "--state", state];
  const { code, output, standard } = await program(bench, args, timeoutMs, { XDG_CACHE_HOME: bench.work });
  const summary = JSON.parse(standard.slice(standard.indexOf("{")) || "null") as Record<string, unknown> | null;
  if (summary === null) throw new Error(`exit code ${code}: ${output.trim().split("\n").at(-1)}`);
  const { passed, missed, double } = summary as Record<string, number>;
  const ran = summary.provider;
  // A stand-in computes on the processor, which may be too slow for the line: only where it ran is judged.
  if (!bench.standIn && (code !== 0 || missed !== 0 || double !== 0))
    throw new Error(`${passed} passed, ${missed} missed, ${double} double`);
  if (ran !== bench.provider) throw new Error(`the demo ran on ${ran}, wanted ${bench.provider}`);
  return { ...ok(`${passed} items, ${missed} missed, ${double} double, on ${ran}`), figures: summary };
}
