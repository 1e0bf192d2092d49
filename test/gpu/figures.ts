import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Precision, Provider } from "../../device/embed/providers.ts";
import { type Bench, type Outcome, taskOf } from "./bench.ts";
import { runChild } from "./run-child.ts";

/** What the script wants of a GPU; said beside what was found, never asserted on a stand-in. */
const GOALS = { ofLoop: 0.95, viewsPerS: 600, p99Ms: 10, largestBatch: 16, cpuMsPerView: 0.1 } as const;
const SIZES = [1, 4, 16, 64];

export interface Row {
  readonly by: string;
  readonly provider: string;
  readonly precision: string;
  readonly size: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly viewsPerS: number;
  readonly cpuMsPerView: number | undefined;
}

/** Each provider and precision at each batch size, beside the library's own loops where they are there. */
export async function figures(bench: Bench, timeoutMs: number): Promise<Outcome> {
  const rows: Row[] = [];
  const opens: Record<string, unknown>[] = [];
  const forMs = bench.quick || bench.standIn ? 200 : 1500;
  const sizes = bench.standIn ? [1, 4] : SIZES;
  for (const [provider, precision] of pairs(bench)) {
    const task = { ...taskOf(bench), provider, precision, forMs, sizes };
    const said = await runChild("figures", task, { environment: bench.environment, timeoutMs });
    const refused = said.find(({ event }) => event === "refused");
    if (refused !== undefined) throw new Error(`${provider} ${precision}: ${refused.message}`);
    const opened = said.find(({ event }) => event === "opened")!;
    opens.push({ provider, precision, openMs: opened.openMs, gpuBytes: opened.gpuBytes });
    for (const row of said.filter(({ event }) => event === "figures")) {
      rows.push({
        by: "gradeline",
        provider,
        precision,
        ...(row as unknown as Omit<Row, "by" | "provider" | "precision">),
      });
    }
  }
  const loops = [...pythonLoop(bench, sizes, forMs), ...trtexec(bench, sizes)];
  for (const row of [...rows, ...loops.filter((loop) => typeof loop !== "string")]) console.log(`        ${line(row)}`);
  const absent = loops.filter((loop) => typeof loop === "string");
  const missed = bench.standIn
    ? []
    : judge(
        rows,
        loops.filter((loop) => typeof loop !== "string"),
      );
  const detail =
    missed.length > 0 ? `under the goals: ${missed.join("; ")}` : bench.standIn ? "of a stand-in" : "all goals reached";
  return {
    // A goal that is not reached is a figure to publish, not a reason to distrust the rest.
    state: "ok",
    detail: [detail, ...absent].join("; "),
    figures: { rows, loops: loops.filter((loop) => typeof loop !== "string"), absent, opens, goals: GOALS, missed },
  };
}

function pairs({ provider, survey }: Bench): [Provider, Precision][] {
  if (provider === "webgpu") return [["webgpu", "fp32"]];
  const cuda: [Provider, Precision][] = survey.libraries.some(({ beside }) => beside.includes("cuda"))
    ? [
        ["cuda", "fp32"],
        ["cuda", "fp16"],
      ]
    : [];
  if (provider === "cuda") return cuda;
  return [["tensorrt", "fp32"], ["tensorrt", "fp16"], ...cuda];
}

/** Our own loop against the others of the same provider, precision and batch. */
function judge(rows: readonly Row[], loops: readonly Row[]): string[] {
  const missed: string[] = [];
  for (const row of rows) {
    const name = `${row.provider} ${row.precision} at ${row.size}`;
    const loop = loops.find(
      ({ provider, precision, size }) => provider === row.provider && precision === row.precision && size === row.size,
    );
    if (loop !== undefined && row.viewsPerS < GOALS.ofLoop * loop.viewsPerS) {
      missed.push(`${name}: ${(row.viewsPerS / loop.viewsPerS).toFixed(2)} of ${loop.by}`);
    }
    if (row.size === GOALS.largestBatch && row.viewsPerS < GOALS.viewsPerS)
      missed.push(`${name}: ${row.viewsPerS.toFixed(0)} views/s`);
    if (row.size <= GOALS.largestBatch && row.p99Ms > GOALS.p99Ms)
      missed.push(`${name}: p99 ${row.p99Ms.toFixed(1)} ms`);
    if ((row.cpuMsPerView ?? 0) > GOALS.cpuMsPerView && row.size === GOALS.largestBatch) {
      missed.push(`${name}: ${row.cpuMsPerView!.toFixed(2)} CPU-ms a view`);
    }
  }
  return missed;
}

function line({ by, provider, precision, size, p50Ms, p99Ms, viewsPerS, cpuMsPerView }: Row): string {
  const cpu = cpuMsPerView === undefined ? "" : `, ${cpuMsPerView.toFixed(3)} CPU-ms a view`;
  return `${by.padEnd(10)} ${provider} ${precision} at ${`${size}`.padStart(2)}: p50 ${p50Ms.toFixed(2)}, p99 ${p99Ms.toFixed(2)} ms, ${viewsPerS.toFixed(0)} views/s${cpu}`;
}

/** The library's own Python binding with I/O binding, in the interpreter that `GRADELINE_GPU_PYTHON` names, else python3. */
function pythonLoop(bench: Bench, sizes: readonly number[], forMs: number): (Row | string)[] {
  if (bench.standIn) return ["no Python loop beside a stand-in"];
  const python = process.env.GRADELINE_GPU_PYTHON ?? "python3";
  const args = ["test/gpu/loop.py", JSON.stringify({ sizes, forMs, provider: "cuda", model: "models/embedder" })];
  const { stdout, status, stderr } = spawnSync(python, args, { encoding: "utf8", timeout: 120_000 });
  if (status !== 0)
    return [`no Python loop: ${(stderr ?? "").trim().split("\n").at(-1) || `${python} does not start`}`];
  return stdout
    .split("\n")
    .filter((text) => text.startsWith("{"))
    .map((text) => JSON.parse(text) as Row);
}

/** TensorRT's own program, where it is installed. */
function trtexec(bench: Bench, sizes: readonly number[]): (Row | string)[] {
  const path = ["/usr/src/tensorrt/bin/trtexec", "/usr/bin/trtexec", "/usr/local/bin/trtexec"].find((at) =>
    existsSync(at),
  );
  if (bench.provider !== "tensorrt" || bench.standIn) return [];
  if (path === undefined) return ["no trtexec"];
  return sizes.map((size) => {
    const args = [
      "--onnx=models/embedder.onnx",
      "--fp16",
      `--shapes=views:${size}x96x96x3`,
      "--duration=2",
      "--useSpinWait",
    ];
    const { stdout, status } = spawnSync(path, args, { encoding: "utf8", timeout: 180_000 });
    const p50Ms = Number(/Latency:.*median = ([\d.]+) ms/.exec(stdout ?? "")?.[1]);
    const p99Ms = Number(/Latency:.*percentile\(99%\) = ([\d.]+) ms/.exec(stdout ?? "")?.[1]);
    const perS = Number(/Throughput: ([\d.]+) qps/.exec(stdout ?? "")?.[1]);
    if (status !== 0 || !(perS > 0)) return `trtexec at ${size}: exit code ${status}`;
    const timing = { p50Ms, p99Ms, viewsPerS: perS * size, cpuMsPerView: undefined };
    return { by: "trtexec", provider: "tensorrt", precision: "fp16", size, ...timing };
  });
}
