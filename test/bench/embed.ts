import { monitorEventLoopDelay } from "node:perf_hooks";
import { GradelineError } from "../../device/base/errors.ts";
import type { Embedder } from "../../device/embed/embedder.ts";
import { type LoadedModel, loadModel } from "../../device/embed/model.ts";
import { Library } from "../../device/embed/native/library.ts";
import {
  embeddingShape,
  FLOAT32,
  type Layout,
  takeMemory,
  UINT8,
  viewShape,
} from "../../device/embed/native/memory.ts";
import { openNative } from "../../device/embed/native/open.ts";
import { packagedLibrary } from "../../device/embed/native/search.ts";
import { Session } from "../../device/embed/native/session.ts";
import { NodeEmbedder } from "../../device/embed/node.ts";
import { patternViews } from "../../device/embed/proof.ts";

/** One backend at one batch size. */
export interface EmbedRow {
  readonly backend: string;
  readonly precision: string;
  readonly batch: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly viewsPerS: number;
  /** Median of a call less the median of the library's own run of the same batch; undefined where that is not known. */
  readonly overheadMs: number | undefined;
  /** Share of one core. */
  readonly cpuPercent: number;
  /** Processor time of all threads per view. */
  readonly cpuMsPerView: number;
  /** Middle of the rounds' 99th percentiles; the timer that measures it has a period of 1 ms. */
  readonly loopDelayP99Ms: number;
}

export interface EmbedBench {
  readonly rows: readonly EmbedRow[];
  /** Backends that could not be opened here, with their reasons. */
  readonly absent: readonly { readonly backend: string; readonly reason: string }[];
}

export interface EmbedBenchOptions {
  readonly model?: string;
  readonly batches?: readonly number[];
  /** Time per backend and batch size. */
  readonly forMs?: number;
  readonly threads?: number;
}

/** Turns in which the time of a batch size is shared out, so that a busy moment of the machine meets all backends. */
const ROUNDS = 20;

/** One way to embed a batch, timed from call to result. */
interface Contender {
  readonly backend: string;
  readonly precision: string;
  /** Runs the library on this thread and nothing else: what the others are compared with. */
  readonly bare: boolean;
  run(count: number): Promise<void> | void;
  close(): Promise<void>;
}

/** Times every backend that can be opened here, at every batch size. */
export async function run(options: EmbedBenchOptions = {}): Promise<EmbedBench> {
  const { batches = [1, 4, 16, 64], forMs = 2000, threads = 1 } = options;
  const model = await loadModel(options.model ?? "models/embedder.json");
  const maxBatch = Math.max(...batches);
  const absent: { backend: string; reason: string }[] = [];
  const contenders: Contender[] = [];
  for (const [backend, open] of openers(model, threads, maxBatch)) {
    try {
      contenders.push(await open());
    } catch (error) {
      if (!(error instanceof GradelineError)) throw error;
      absent.push({ backend, reason: error.message });
    }
  }
  const rows: EmbedRow[] = [];
  for (const batch of batches) rows.push(...(await measure(contenders, batch, forMs)));
  for (const contender of contenders) await contender.close();
  return { rows, absent };
}

function openers(model: LoadedModel, threads: number, maxBatch: number): [string, () => Promise<Contender>][] {
  const native = (provider: "cpu" | "cuda" | "tensorrt") => async (): Promise<Contender> => {
    const embedder = await openNative(model, { provider, precision: "auto", threads, maxBatch });
    return contender(`native ${provider}`, embedder.proof.precision, embedder);
  };
  const node = (provider: "cpu" | "cuda") => async (): Promise<Contender> =>
    contender(`node ${provider}`, "fp32", await NodeEmbedder.open(model, { provider, threads, maxBatch }));
  return [
    ["library alone, cpu", () => openBare(model, threads, maxBatch)],
    ["native cpu", native("cpu")],
    ["node cpu", node("cpu")],
    ["native cuda", native("cuda")],
    ["native tensorrt", native("tensorrt")],
    ["node cuda", node("cuda")],
  ];
}

function contender(backend: string, precision: string, embedder: Embedder): Contender {
  const { maxBatch, model } = embedder;
  const views = patternViews(maxBatch, model.sizePx);
  const out = new Float32Array(maxBatch * model.dimension);
  return {
    backend,
    precision,
    bare: false,
    run: (count) => embedder.embed(views, count, out),
    close: () => embedder.close(),
  };
}

/** The library's own run, on this thread, over tensors that lie ready. */
async function openBare(model: LoadedModel, threads: number, maxBatch: number): Promise<Contender> {
  const library = await Library.load(packagedLibrary()!);
  const setup = { bytes: model.bytes, threads, appends: [], refuseCpu: false, recordNodes: false };
  const session = await Session.create(library, setup);
  const { sizePx, dimension } = model.model;
  const layout: Layout = { inputName: model.inputName, outputName: model.outputName, sizePx, dimension };
  const memory = takeMemory(session, "cpu", layout, maxBatch, undefined, 0);
  memory.views.set(patternViews(maxBatch, sizePx));
  const tensor = (address: bigint, bytes: number, shape: BigInt64Array, type: number): bigint =>
    session.own(
      library.make("CreateTensorWithDataAsOrtValue", memory.info, address, bytes, shape, shape.length, type),
      "ReleaseValue",
    );
  const options = session.own(library.make("CreateRunOptions"), "ReleaseRunOptions");
  const bindings = new Map<number, bigint>();
  const bind = (count: number): bigint => {
    const binding = session.own(library.make("CreateIoBinding", session.handle), "ReleaseIoBinding");
    const input = tensor(memory.input, memory.views.length, viewShape(layout, count), UINT8);
    const output = tensor(memory.output, memory.embeddings.byteLength, embeddingShape(layout, count), FLOAT32);
    library.call("BindInput", binding, layout.inputName, input);
    library.call("BindOutput", binding, layout.outputName, output);
    bindings.set(count, binding);
    return binding;
  };
  return {
    backend: "library alone, cpu",
    precision: "fp32",
    bare: true,
    run: (count) => {
      library.call("RunWithBinding", session.handle, options, bindings.get(count) ?? bind(count));
    },
    close: () => session.release(),
  };
}

async function measure(contenders: readonly Contender[], batch: number, forMs: number): Promise<EmbedRow[]> {
  const timings = contenders.map(() => ({ times: [] as number[], wallMs: 0, cpuMs: 0 }));
  const delays = contenders.map(() => [] as number[]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { run: embed }] of contenders.entries()) {
      await embed(batch);
      const timing = timings[at]!;
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const cpu = process.cpuUsage();
      const since = performance.now();
      for (let runs = 0; runs === 0 || performance.now() - since < forMs / ROUNDS; runs++) {
        const start = performance.now();
        await embed(batch);
        timing.times.push(performance.now() - start);
      }
      const used = process.cpuUsage(cpu);
      timing.wallMs += performance.now() - since;
      timing.cpuMs += (used.user + used.system) / 1000;
      delay.disable();
      delays[at]!.push(delay.percentile(99) / 1e6);
    }
  }
  const bareAt = contenders.findIndex(({ bare }) => bare);
  const bareMs = bareAt < 0 ? undefined : quantile(timings[bareAt]!.times, 0.5);
  return contenders.map(({ backend, precision, bare }, at) => {
    const { times, wallMs, cpuMs } = timings[at]!;
    const p50Ms = quantile(times, 0.5);
    const comparable = bareMs !== undefined && !bare && backend.endsWith("cpu");
    return {
      backend,
      precision,
      batch,
      p50Ms,
      p99Ms: quantile(times, 0.99),
      viewsPerS: (times.length * batch * 1000) / wallMs,
      overheadMs: comparable ? p50Ms - bareMs : undefined,
      cpuPercent: (100 * cpuMs) / wallMs,
      cpuMsPerView: cpuMs / (times.length * batch),
      loopDelayP99Ms: quantile(delays[at]!, 0.5),
    };
  });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** The rows as a table for people. */
export function describe({ rows, absent }: EmbedBench): string {
  const cells = rows.map((row) => [
    row.backend,
    row.precision,
    `${row.batch}`,
    row.p50Ms.toFixed(3),
    row.p99Ms.toFixed(3),
    row.viewsPerS.toFixed(0),
    row.overheadMs?.toFixed(3) ?? "",
    row.cpuPercent.toFixed(0),
    row.cpuMsPerView.toFixed(3),
    row.loopDelayP99Ms.toFixed(1),
  ]);
  const head = [
    "backend",
    "precision",
    "batch",
    "p50 ms",
    "p99 ms",
    "views/s",
    "overhead ms",
    "CPU %",
    "CPU ms/view",
    "loop p99 ms",
  ];
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ");
  return [
    line(head),
    ...cells.map(line),
    ...absent.map(({ backend, reason }) => `${backend}: not here: ${reason}`),
  ].join("\n");
}

if (import.meta.main) {
  const bench = await run();
  process.stdout.write(process.argv.includes("--json") ? `${JSON.stringify(bench)}\n` : `${describe(bench)}\n`);
}
