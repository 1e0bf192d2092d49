import { monitorEventLoopDelay } from "node:perf_hooks";
import { GradelineError } from "../../device/base/errors.ts";
import { type LoadedModel, loadModel, loadVariant } from "../../device/embed/model.ts";
import type { NativeEmbedder } from "../../device/embed/native/embedder.ts";
import { Library } from "../../device/embed/native/library.ts";
import {
  embeddingShape,
  FLOAT32,
  type Layout,
  takeHost,
  takeMemory,
  UINT8,
  viewShape,
} from "../../device/embed/native/memory.ts";
import { openNative } from "../../device/embed/native/open.ts";
import { packagedLibrary } from "../../device/embed/native/search.ts";
import { Session } from "../../device/embed/native/session.ts";
import { NodeEmbedder, type NodeProvider } from "../../device/embed/node.ts";
import { patternViews } from "../../device/embed/proof.ts";
import { type Precision, type Provider, runningOn } from "../../device/embed/providers.ts";
import { openHandOver } from "./hand-over.ts";

/** One backend at one batch size. */
export interface EmbedRow {
  readonly backend: string;
  readonly precision: string;
  readonly batch: number;
  /** From call to result, one call after the other. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Median of the library's own run inside those calls. */
  readonly libraryMs: number;
  /** Median over the calls of what was spent outside the library's run; undefined where nothing else is done. */
  readonly overheadMs: number | undefined;
  /** With two batches under way, as the daemon keeps them. */
  readonly viewsPerS: number;
  /** The same time: share of one core. */
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
/** Batches under way at once, as the daemon keeps them. */
const IN_FLIGHT = 2;

/** One way to embed a batch, timed from call to result. */
interface Contender {
  readonly backend: string;
  readonly precision: string;
  /** Calls under way at once for the throughput; one where the call holds this thread. */
  readonly inFlight: number;
  run(count: number, of: number): Promise<void> | void;
  /** How long the library itself took for the newest batch, milliseconds; undefined where nothing else is done. */
  libraryMs(): number | undefined;
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
  const native = (provider: Provider, precision: Precision): [string, () => Promise<Contender>] => [
    `native ${provider} ${precision}`,
    async () =>
      contender(`native ${provider}`, precision, await openNative(model, { provider, precision, threads, maxBatch })),
  ];
  const node = (provider: NodeProvider, precision: Precision): [string, () => Promise<Contender>] => [
    `node ${provider} ${precision}`,
    async () => {
      const { variant } = runningOn(provider, precision);
      const loaded = variant === undefined ? model : await loadVariant(model, variant);
      return contender(`node ${provider}`, precision, await NodeEmbedder.open(loaded, { provider, threads, maxBatch }));
    },
  ];
  /** By batch: how long the library alone took last. */
  const took = new Map<number, number>();
  return [
    ["library alone, cpu", () => openBare(model, threads, maxBatch, took)],
    ["hand-over alone", async () => handOver(took)],
    native("cpu", "fp32"),
    node("cpu", "fp32"),
    native("cpu", "int8"),
    node("cpu", "int8"),
    native("cpu", "fp16"),
    ...(["tensorrt", "cuda"] as const).flatMap((provider) => [native(provider, "fp32"), native(provider, "fp16")]),
    node("cuda", "fp32"),
    node("cuda", "fp16"),
  ];
}

function contender(backend: string, precision: string, embedder: NativeEmbedder | NodeEmbedder): Contender {
  const { maxBatch, model } = embedder;
  const buffers = Array.from({ length: IN_FLIGHT }, () => {
    const pattern = patternViews(maxBatch, model.sizePx);
    // As the batcher does: what the embedder lends needs no copy.
    const lent = "lend" in embedder ? embedder.lend() : undefined;
    lent?.views.set(pattern);
    return lent ?? { views: pattern, out: new Float32Array(maxBatch * model.dimension) };
  });
  return {
    backend,
    precision,
    inFlight: IN_FLIGHT,
    run: (count, of) => embedder.embed(buffers[of]!.views, count, buffers[of]!.out),
    libraryMs: () => embedder.lastRunMs,
    close: () => embedder.close(),
  };
}

/** Another thread that is busy for as long as the library and does nothing: what the machine takes to wake threads. */
function handOver(took: ReadonlyMap<number, number>): Contender {
  const thread = openHandOver();
  let busyMs = 0;
  return {
    backend: "hand-over alone",
    precision: "",
    inFlight: 1,
    run: async (count) => {
      busyMs = await thread.busy(took.get(count) ?? 0);
    },
    libraryMs: () => busyMs,
    close: () => thread.close(),
  };
}

/**
 * The library's own run, on this thread, over tensors that lie ready.
 *
 * @param took told how long it took, by batch
 */
async function openBare(
  model: LoadedModel,
  threads: number,
  maxBatch: number,
  took: Map<number, number>,
): Promise<Contender> {
  const library = await Library.load(packagedLibrary()!);
  const setup = { bytes: model.bytes, threads, appends: [], refuseCpu: false, recordNodes: false };
  const session = await Session.create(library, setup);
  const { sizePx, dimension } = model.model;
  const layout: Layout = { inputName: model.inputName, outputName: model.outputName, sizePx, dimension };
  const host = takeHost(session, layout, maxBatch, undefined, 0);
  const memory = takeMemory(session, "cpu", layout, maxBatch, host, undefined, 0);
  host.views.set(patternViews(maxBatch, sizePx));
  const tensor = (address: bigint, bytes: number, shape: BigInt64Array, type: number): bigint =>
    session.own(
      library.make("CreateTensorWithDataAsOrtValue", memory.info, address, bytes, shape, shape.length, type),
      "ReleaseValue",
    );
  const options = session.own(library.make("CreateRunOptions"), "ReleaseRunOptions");
  const bindings = new Map<number, bigint>();
  const bind = (count: number): bigint => {
    const binding = session.own(library.make("CreateIoBinding", session.handle), "ReleaseIoBinding");
    const input = tensor(memory.input, host.views.length, viewShape(layout, count), UINT8);
    const output = tensor(memory.output, host.embeddings.byteLength, embeddingShape(layout, count), FLOAT32);
    library.call("BindInput", binding, layout.inputName, input);
    library.call("BindOutput", binding, layout.outputName, output);
    bindings.set(count, binding);
    return binding;
  };
  return {
    backend: "library alone, cpu",
    precision: "fp32",
    inFlight: 1,
    run: (count) => {
      const binding = bindings.get(count) ?? bind(count);
      const since = performance.now();
      library.call("RunWithBinding", session.handle, options, binding);
      took.set(count, performance.now() - since);
    },
    libraryMs: () => undefined,
    close: () => session.release(),
  };
}

async function measure(contenders: readonly Contender[], batch: number, forMs: number): Promise<EmbedRow[]> {
  const timings = contenders.map(() => ({
    calls: [] as number[],
    library: [] as number[],
    outside: [] as number[],
    delays: [] as number[],
    views: 0,
    wallMs: 0,
    cpuMs: 0,
  }));
  const turnMs = forMs / ROUNDS / 2;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { run: embed, libraryMs, inFlight }] of contenders.entries()) {
      const timing = timings[at]!;
      await embed(batch, 0);
      const since = performance.now();
      for (let runs = 0; runs === 0 || performance.now() - since < turnMs; runs++) {
        const start = performance.now();
        await embed(batch, 0);
        const took = performance.now() - start;
        const library = libraryMs();
        timing.calls.push(took);
        timing.library.push(library ?? took);
        if (library !== undefined) timing.outside.push(took - library);
      }
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const cpu = process.cpuUsage();
      const begun = performance.now();
      const keep = async (of: number): Promise<void> => {
        do {
          await embed(batch, of);
          timing.views += batch;
        } while (performance.now() - begun < turnMs);
      };
      await Promise.all(Array.from({ length: inFlight }, (_, of) => keep(of)));
      const used = process.cpuUsage(cpu);
      timing.wallMs += performance.now() - begun;
      timing.cpuMs += (used.user + used.system) / 1000;
      delay.disable();
      timing.delays.push(delay.percentile(99) / 1e6);
    }
  }
  return contenders.map(({ backend, precision }, at) => {
    const { calls, library, outside, delays, views, wallMs, cpuMs } = timings[at]!;
    return {
      backend,
      precision,
      batch,
      p50Ms: quantile(calls, 0.5),
      p99Ms: quantile(calls, 0.99),
      libraryMs: quantile(library, 0.5),
      overheadMs: outside.length === 0 ? undefined : quantile(outside, 0.5),
      viewsPerS: (views * 1000) / wallMs,
      cpuPercent: (100 * cpuMs) / wallMs,
      cpuMsPerView: cpuMs / views,
      loopDelayP99Ms: quantile(delays, 0.5),
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
    row.libraryMs.toFixed(3),
    row.overheadMs?.toFixed(3) ?? "",
    row.viewsPerS.toFixed(0),
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
    "library ms",
    "outside ms",
    "views/s",
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
