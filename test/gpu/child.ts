import { readdirSync } from "node:fs";
import type { Embedder } from "../../device/embed/embedder.ts";
import { loadModel } from "../../device/embed/model.ts";
import { surveyNative } from "../../device/embed/native/doctor.ts";
import type { NativeEmbedder } from "../../device/embed/native/embedder.ts";
import { openNative } from "../../device/embed/native/open-native.ts";
import type { NativeOptions } from "../../device/embed/native/unproven.ts";
import { compare } from "../../device/embed/proof.ts";
import { quantile } from "../bench/embed/quantile.ts";
import { paintViews } from "../support/embedder-contract.ts";
import { tinyModel } from "../support/ort-onnx.ts";
import { cudaMemory } from "./cuda-memory.ts";

/**
 * One check's work in a process of its own: `node test/gpu/child.ts DEED '{"provider": ...}'`. It prints JSON lines; the
 * check beside it judges them. A process of its own can be killed, given another environment, and may die.
 */
const [deed, text = "{}"] = process.argv.slice(2);
export interface Task extends Partial<NativeOptions> {
  /** Batches to run. */
  readonly sizes?: readonly number[];
  readonly times?: number;
  /** How long a figure is measured. */
  readonly forMs?: number;
  /** The small model of the tests in place of the shipped one: for a driver in software, which takes seconds a view. */
  readonly tiny?: boolean;
  /** Bytes of the GPU's memory to leave free. */
  readonly leave?: number;
}
const task = JSON.parse(text) as Task;
const options: NativeOptions = {
  threads: 1,
  maxBatch: 64,
  batches: [1, 4, 16, 64],
  ...task,
  provider: task.provider ?? "gpu",
  precision: task.precision ?? "auto",
};
const MODEL = task.tiny === true ? tinyModel() : "models/embedder.json";

function say(event: string, more: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
}

async function embedded(embedder: Embedder, count: number): Promise<Float32Array> {
  const out = new Float32Array(count * embedder.model.dimension);
  await embedder.embed(paintViews(count, embedder.model.sizePx), count, out);
  return out;
}

async function withModel(work: (embedder: NativeEmbedder, openMs: number) => Promise<void>): Promise<void> {
  const since = performance.now();
  const embedder = await openNative(MODEL, options);
  const openMs = performance.now() - since;
  try {
    await work(embedder, openMs);
  } finally {
    await embedder.close();
  }
}

/** Opens with the proof; says what was proven and how long it took. */
async function open(): Promise<void> {
  await withModel(async ({ proof }, openMs) => say("opened", { proof, openMs }));
}

/** Every batch size against the same views on the CPU. */
async function rows(): Promise<void> {
  const cpu = await openNative(MODEL, { ...options, provider: "cpu", precision: "fp32" });
  await withModel(async (embedder) => {
    for (const size of task.sizes ?? [1]) {
      const wanted = await embedded(cpu, size);
      // Twice: a captured graph is replayed from the second run on.
      await embedded(embedder, size);
      const found = await embedded(embedder, size);
      say("rows", { size, precision: embedder.proof.precision, ...compare(found, wanted, embedder.model.dimension) });
    }
  });
  await cpu.close();
}

/** Opens, runs and closes a small model again and again. */
async function sessions(): Promise<void> {
  const model = tinyModel();
  const times = task.times ?? 1000;
  for (let time = 1; time <= times; time++) {
    const embedder = await openNative(model, { ...options, maxBatch: 1, batches: [1] });
    await embedded(embedder, 1);
    await embedder.close();
    if (time % Math.max(1, Math.floor(times / 10)) !== 0) continue;
    globalThis.gc?.();
    const files = readdirSync("/proc/self/fd").length;
    say("memory", { time, rss: process.memoryUsage.rss(), files, gpuBytes: cudaMemory()?.used ?? null });
  }
}

/** Ends while a batch runs. */
async function cutOff(): Promise<void> {
  const embedder = await openNative(MODEL, options);
  void embedded(embedder, 64).catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  say("exiting");
  process.exit(7);
}

/** Embeds until its standard input ends, and says how many views it did. */
async function embedOn(): Promise<void> {
  await withModel(async (embedder) => {
    const wanted = await embedded(embedder, 16);
    say("running");
    let over = false;
    process.stdin.on("end", () => {
      over = true;
    });
    process.stdin.resume();
    let views = 0;
    let difference = 0;
    while (!over) {
      difference = Math.max(
        difference,
        compare(await embedded(embedder, 16), wanted, embedder.model.dimension).difference,
      );
      views += 16;
    }
    say("embedded", { views, difference });
  });
}

/** Takes the GPU's memory but for `leave` bytes, then opens: it must be refused with a reason, not crash. */
async function memoryFull(): Promise<void> {
  const before = cudaMemory();
  if (before === undefined) return say("none");
  const taken = before.take(before.free - (task.leave ?? 64 << 20));
  say("taken", { bytes: taken });
  await withModel(async ({ proof }) => say("opened", { provider: proof.provider }));
}

/** One provider's figures: p50 and p99 of a call, views per second with two batches under way, processor time. */
async function figures(): Promise<void> {
  await withModel(async (embedder, openMs) => {
    const { proof } = embedder;
    say("opened", {
      openMs,
      precision: proof.precision,
      provider: proof.provider,
      gpuBytes: cudaMemory()?.used ?? null,
    });
    for (const size of task.sizes ?? [1, 4, 16, 64]) say("figures", { size, ...(await timed(embedder, size)) });
  });
}

async function timed(embedder: NativeEmbedder, size: number): Promise<Record<string, number>> {
  const forMs = task.forMs ?? 2000;
  const views = paintViews(size, embedder.model.sizePx);
  const buffers = [0, 1].map(() => embedder.lend?.() ?? undefined);
  const at = (slot: number) => {
    const lent = buffers[slot];
    if (lent === undefined) return { views, out: new Float32Array(size * embedder.model.dimension) };
    lent.views.set(views);
    return lent;
  };
  const pair = [at(0), at(1)];
  const run = (slot: number): Promise<void> => embedder.embed(pair[slot]!.views, size, pair[slot]!.out);
  for (let warm = 0; warm < 5; warm++) await run(0);
  const calls: number[] = [];
  for (const since = performance.now(); performance.now() - since < forMs; ) {
    const begun = performance.now();
    await run(0);
    calls.push(performance.now() - begun);
  }
  const cpu = process.cpuUsage();
  const since = performance.now();
  let done = 0;
  const keep = async (slot: number): Promise<void> => {
    while (performance.now() - since < forMs) {
      await run(slot);
      done += size;
    }
  };
  await Promise.all([keep(0), keep(1)]);
  const { user, system } = process.cpuUsage(cpu);
  return {
    p50Ms: quantile(calls, 0.5),
    p99Ms: quantile(calls, 0.99),
    viewsPerS: (done * 1000) / (performance.now() - since),
    cpuMsPerView: (user + system) / 1000 / done,
  };
}

async function survey(): Promise<void> {
  const { model } = await loadModel("models/embedder.json");
  say("survey", { survey: await surveyNative(options.library), model: `${model.name} ${model.version}` });
}

const deeds: Readonly<Record<string, () => Promise<void>>> = {
  survey,
  open,
  rows,
  sessions,
  cutOff,
  embedOn,
  memoryFull,
  figures,
};

try {
  await deeds[deed!]!();
} catch (error) {
  say("refused", { ...(error as object), message: (error as Error).message });
}
