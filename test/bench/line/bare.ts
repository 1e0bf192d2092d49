import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { loadModel } from "../../../device/embed/model.ts";
import { forbidTelemetry } from "../../../device/embed/telemetry.ts";

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
  /** Processor time of the whole process. */
  readonly cpuMsPerView: number;
}

/** In a process of its own, so that its memory is not the line's. */
export function runBare(task: BareTask): Promise<BareFigures> {
  const child = fork(new URL(import.meta.url), [JSON.stringify(task)]);
  return new Promise((resolve, reject) => {
    let figures: BareFigures | undefined;
    child.once("message", (message) => {
      figures = message as BareFigures;
    });
    child.once("exit", (code) => {
      if (figures === undefined) reject(new Error(`the bare session ended with ${code}`));
      else resolve(figures);
    });
  });
}

async function bare({ model: path, threads, views: file, batch, seconds }: BareTask): Promise<BareFigures> {
  const { model, bytes, inputName, outputName } = await loadModel(path);
  forbidTelemetry();
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
  const cpuSince = process.cpuUsage();
  let runs = 0;
  while (performance.now() - since < seconds * 1000) await session.run(batches[runs++ % batches.length]!, out);
  const tookS = (performance.now() - since) / 1000;
  const cpu = process.cpuUsage(cpuSince);
  await session.release();
  return { viewsPerS: (runs * batch) / tookS, cpuMsPerView: (cpu.user + cpu.system) / 1000 / (runs * batch) };
}

if (import.meta.main) {
  process.send!(await bare(JSON.parse(process.argv[2]!) as BareTask));
  process.disconnect();
}
