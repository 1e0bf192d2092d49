import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Survey } from "../../device/embed/native/doctor.ts";
import { GpuStandIn, withoutGpuStandIn } from "../support/gpu-stand-in.ts";
import { softwareVulkan } from "../support/ort-vulkan.ts";
import type { Bench, Outcome } from "./bench.ts";
import { checks } from "./checks.ts";
import { runChild } from "./run-child.ts";

/**
 * The GPU's checks, one line each, and one JSON file: `bash test/gpu/run.sh --help`. Nothing is asserted about a GPU
 * that is not there: what is missing is said by name, and the exit code is 0.
 */
const HELP = `Checks that the model runs on this machine's GPU, and how fast. Takes at most 8 minutes.

Usage: bash test/gpu/run.sh [options]

  --provider NAME   tensorrt, cuda or webgpu (default: the best that this machine has)
  --stand-in NAME   without a GPU: \`webgpu\`, a Vulkan driver in software, or \`calls\`, a library that answers as CUDA and
                    TensorRT do and computes on the processor; what passes shows the script, never a GPU
  --only TEXT       only checks whose name holds TEXT
  --quick           a tenth of the sessions, and short figures
  --json FILE       where the result is written (default: gpu.json)
  --minutes N       end after so long; what was not reached is named (default 8)

Exit code: 0 where every check passed or was skipped by name; 1 where one failed; 2 for wrong use.
`;

const { values } = parseArgs({
  options: {
    provider: { type: "string" },
    "stand-in": { type: "string" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    json: { type: "string", default: "gpu.json" },
    minutes: { type: "string", default: "8" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const began = performance.now();
const limitMs = Number(values.minutes) * 60_000;
const work = mkdtempSync(join(tmpdir(), "gradeline-gpu-"));
const stop = new AbortController();
process.on("SIGINT", () => stop.abort());
try {
  process.exitCode = await main();
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function main(): Promise<number> {
  const standIn = openStandIn(values["stand-in"]);
  if (typeof standIn === "string") return skippedAll(standIn);
  const environment = standIn?.environment ?? {};
  const [said] = await runChild("survey", {}, { environment, timeoutMs: 60_000 });
  const { survey, model } = said as unknown as { survey: Survey; model: string };
  const provider = values.provider ?? standIn?.provider ?? bestProvider(survey);
  if (provider === undefined) return skippedAll(missing(survey));
  console.log(`GPU checks of ${model} on ${provider}: ${describe(survey, standIn !== undefined)}`);
  const bench: Bench = {
    provider: provider as Bench["provider"],
    environment,
    work,
    quick: values.quick,
    survey,
    standIn: standIn !== undefined,
    stop: stop.signal,
  };
  const results: (Outcome & { name: string; seconds: number })[] = [];
  for (const { name, run, needs } of checks) {
    if (!name.includes(values.only)) continue;
    const since = performance.now();
    const outcome = await outcomeOf(bench, run, needs);
    const seconds = (performance.now() - since) / 1000;
    results.push({ name, seconds, ...outcome });
    console.log(`${outcome.state.padEnd(7)} ${name.padEnd(46)} ${seconds.toFixed(1).padStart(6)} s  ${outcome.detail}`);
  }
  return report(results, survey, model, provider);
}

async function outcomeOf(
  bench: Bench,
  run: (bench: Bench, timeoutMs: number) => Promise<Outcome>,
  needs: ((bench: Bench) => string | undefined) | undefined,
): Promise<Outcome> {
  if (stop.signal.aborted) return { state: "skipped", detail: "stopped" };
  const leftMs = limitMs - (performance.now() - began);
  if (leftMs < 5_000) return { state: "skipped", detail: `no time left of ${values.minutes} minutes` };
  const lacking = needs?.(bench);
  if (lacking !== undefined) return { state: "skipped", detail: lacking };
  try {
    return await run(bench, leftMs);
  } catch (error) {
    return { state: "FAILED", detail: (error as Error).message };
  }
}

function report(
  results: readonly (Outcome & { name: string; seconds: number })[],
  survey: Survey,
  model: string,
  provider: string,
): number {
  const count = (state: Outcome["state"]): number => results.filter((result) => result.state === state).length;
  const file = {
    date: new Date().toISOString(),
    standIn: values["stand-in"] ?? null,
    provider,
    model,
    gpu: survey.gpu ?? null,
    tensorrt: survey.tensorrt ?? null,
    libraries: survey.libraries.map(({ path, version, beside }) => ({ path, version, beside })),
    node: process.version,
    seconds: (performance.now() - began) / 1000,
    checks: results,
  };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
  console.log(
    `\n${count("ok")} passed, ${count("FAILED")} failed, ${count("skipped")} skipped in ${file.seconds.toFixed(0)} s: ${values.json}`,
  );
  return count("FAILED") > 0 ? 1 : 0;
}

function skippedAll(why: string): number {
  console.log(`skipped: GPU checks: ${why}`);
  const file = { date: new Date().toISOString(), standIn: values["stand-in"] ?? null, skipped: why, checks: [] };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
  return 0;
}

function openStandIn(
  name: string | undefined,
): { readonly environment: Record<string, string>; readonly provider: string } | string | undefined {
  if (name === undefined) return undefined;
  if (name === "webgpu") {
    const vulkan = softwareVulkan();
    return "skip" in vulkan ? vulkan.skip : { environment: vulkan.environment, provider: "webgpu" };
  }
  if (name === "calls") {
    if (withoutGpuStandIn !== false) return withoutGpuStandIn;
    return { environment: GpuStandIn.build(mkdtempSync(join(work, "calls-"))).environment(), provider: "tensorrt" };
  }
  process.stderr.write(`--stand-in is ${name}, wanted webgpu or calls\n`);
  process.exit(2);
}

function bestProvider({ libraries, gpu }: Survey): string | undefined {
  if (gpu === undefined) return undefined;
  const usable = (name: "tensorrt" | "cuda"): boolean =>
    libraries.some(
      ({ problem, beside, refused }) =>
        problem === undefined && beside.includes(name) && !refused.some(({ provider }) => provider === name),
    );
  return usable("tensorrt") ? "tensorrt" : usable("cuda") ? "cuda" : undefined;
}

/** Which part of a GPU's way is not there. */
function missing({ gpu, gpuProblem, libraries, advice }: Survey): string {
  if (gpu === undefined) return `no NVIDIA GPU (${gpuProblem})`;
  const refused = libraries.flatMap(({ refused: each }) =>
    each.map(({ provider, reason }) => `${provider}: ${reason}`),
  );
  return `${gpu.name} is there, no ONNX Runtime that can use it (${refused.join("; ") || advice.join("; ")})`;
}

function describe({ gpu, tensorrt }: Survey, standIn: boolean): string {
  const what = gpu === undefined ? "no NVIDIA GPU" : `${gpu.name}, driver for CUDA ${gpu.driver}`;
  return `${standIn ? "a stand-in, no GPU is proven; " : ""}${what}; TensorRT ${tensorrt ?? "not found"}`;
}
