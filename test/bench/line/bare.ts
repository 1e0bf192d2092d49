import { readFileSync } from "node:fs";
import { parentPort, Worker, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { loadModel } from "../../../device/embed/model.ts";

/** The session alone: batches of the line's own views in a plain loop on one thread, nothing around it. */

export interface BareTask {
  readonly model: string;
  readonly threads: number;
  readonly views: string;
  readonly batch: number;
  readonly seconds: number;
}

export interface BareFigures {
  readonly viewsPerS: number;
}

export function runBare(task: BareTask): Promise<BareFigures> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { bare: task } });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (figures: BareFigures) => worker.once("exit", () => resolve(figures)));
  });
}

async function bare({ model: path, threads, views: file, batch, seconds }: BareTask): Promise<BareFigures> {
  const { model, bytes, inputName, outputName } = await loadModel(path);
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  const views = new Uint8Array(readFileSync(file));
  const batchBytes = batch * model.sizePx ** 2 * 3;
  const batches = Array.from({ length: Math.floor(views.length / batchBytes) }, (_, i) => ({
    [inputName]: new ort.Tensor("uint8", views.subarray(i * batchBytes, (i + 1) * batchBytes), [
      batch,
      model.sizePx,
      model.sizePx,
      3,
    ]),
  }));
  const out = {
    [outputName]: new ort.Tensor("float32", new Float32Array(batch * model.dimension), [batch, model.dimension]),
  };
  for (const input of batches.slice(0, 4)) await session.run(input, out);
  const since = performance.now();
  let runs = 0;
  while (performance.now() - since < seconds * 1000) await session.run(batches[runs++ % batches.length]!, out);
  const tookS = (performance.now() - since) / 1000;
  await session.release();
  return { viewsPerS: (runs * batch) / tookS };
}

const task = (workerData as { bare?: BareTask } | null)?.bare;
if (task !== undefined) parentPort!.postMessage(await bare(task));
