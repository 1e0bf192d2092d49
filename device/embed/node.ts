import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { GradelineError } from "../base/errors.ts";
import { batchProblem } from "./batch-check.ts";
import type { Embedder, Model } from "./embedder.ts";
import { checkTensors, type LoadedModel } from "./model.ts";
import type { FromNode, NodeSetup, ToNode } from "./node-worker.ts";
import { checkNodes, type Nodes, type Proof } from "./proof.ts";
import type { Provider } from "./providers.ts";
import { forbidTelemetry } from "./telemetry.ts";

export type NodeProvider = Exclude<Provider, "tensorrt">;

export interface NodeOptions {
  readonly provider: NodeProvider;
  /** Threads of one run; only on the CPU. */
  readonly threads: number;
  readonly maxBatch: number;
}

/** In the package's folder only after its installation fetched the CUDA build. */
const cudaLibrary = join(
  dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")),
  `bin/napi-v6/${process.platform}/${process.arch}/libonnxruntime_providers_cuda.so`,
);

/** Batches that may be with the worker at once: one runs, one waits, so that the session never starves. */
const SLOTS = 2;

interface Job {
  readonly views: Uint8Array;
  readonly count: number;
  readonly out: Float32Array;
  resolve(): void;
  reject(error: GradelineError): void;
}

interface Slot {
  views: ArrayBuffer;
  out: ArrayBuffer;
}

/** onnxruntime-node in a thread of its own. */
export class NodeEmbedder implements Embedder {
  readonly model: Model;
  readonly provider: NodeProvider;
  readonly maxBatch: number;
  /** Of the library. */
  readonly version: string;
  /** Where the nodes of the model run; null on the CPU. */
  readonly nodes: Nodes | null;
  /** Set once, by whoever proved it. */
  proof: Proof | undefined;
  readonly #worker: Worker;
  readonly #free: Slot[] = [];
  readonly #queue: Job[] = [];
  readonly #running = new Map<number, Job>();
  readonly #exited: Promise<void>;
  #nextId = 0;
  #lastRunMs = 0;
  #lastIdleMs = 0;
  #failure: GradelineError | undefined;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    model: LoadedModel,
    options: NodeOptions,
    worker: Worker,
    exited: Promise<void>,
    ready: Extract<FromNode, { kind: "ready" }>,
  ) {
    this.model = model.model;
    this.version = ready.version;
    this.nodes = ready.nodes === undefined ? null : { counts: ready.nodes, from: "profile" };
    this.provider = options.provider;
    this.maxBatch = options.maxBatch;
    this.#worker = worker;
    this.#exited = exited;
    const { sizePx, dimension } = model.model;
    for (let slot = 0; slot < SLOTS; slot++) {
      this.#free.push({
        views: new ArrayBuffer(options.maxBatch * sizePx * sizePx * 3),
        out: new ArrayBuffer(options.maxBatch * dimension * 4),
      });
    }
  }

  /**
   * Makes the session and holds its tensors against the description.
   *
   * @throws {GradelineError} PROVIDER when the provider is not there, MODEL when the library cannot read the file,
   *   MODEL_SHAPE when its tensors are not what the description says
   */
  static async open(model: LoadedModel, options: NodeOptions): Promise<NodeEmbedder> {
    // Asking the library is no way to find out: it writes to standard error by itself.
    if (options.provider === "cuda" && !existsSync(cudaLibrary)) throw refusal(`there is no ${cudaLibrary}`, "cuda");
    const setup: NodeSetup = {
      bytes: model.bytes,
      providers: [options.provider],
      refuseCpuFallback: options.provider !== "cpu",
      threads: options.threads,
      inputName: model.inputName,
      outputName: model.outputName,
      sizePx: model.model.sizePx,
      dimension: model.model.dimension,
    };
    forbidTelemetry();
    const worker = new Worker(new URL("./node-worker.ts", import.meta.url), { workerData: setup });
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const first = await new Promise<FromNode>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`its thread ended with ${code}`)));
    }).catch((error: unknown) => {
      throw new GradelineError("INFERENCE", `the inference library does not load: ${(error as Error).message}`, {
        cause: error,
        hint: "npm ci",
      });
    });
    if (first.kind !== "ready") {
      await exited;
      throw refusal(first.kind === "refused" ? first.message : "it answers out of turn", options.provider);
    }
    const embedder = new NodeEmbedder(model, options, worker, exited, first);
    worker.on("message", (message: FromNode) => embedder.#answered(message));
    worker.on("error", (error) => embedder.#broke(error));
    worker.on("exit", () => embedder.#broke(undefined));
    try {
      checkTensors(model, first.inputs, first.outputs);
      checkNodes(embedder.nodes === null ? [] : [embedder.nodes], options.provider);
    } catch (error) {
      await embedder.close();
      throw error;
    }
    return embedder;
  }

  /** How long the library itself took for the newest batch, milliseconds. */
  get lastRunMs(): number {
    return this.#lastRunMs;
  }

  /** How long the library had nothing to do between the batch before and the newest, milliseconds. */
  get lastIdleMs(): number {
    return this.#lastIdleMs;
  }

  get degraded(): string | undefined {
    return this.proof?.degraded ?? undefined;
  }

  embed(views: Uint8Array, count: number, out: Float32Array): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new GradelineError("CLOSED", "the embedder is closed"));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const problem = batchProblem(this, views, count, out);
    if (problem !== undefined) return Promise.reject(problem);
    return new Promise((resolve, reject) => {
      this.#queue.push({ views, count, out, resolve, reject });
      this.#pump();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ending the worker in the middle of a run would abort the process: it is drained first. */
  async #close(): Promise<void> {
    if (this.#running.size > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    if (this.#failure === undefined) this.#worker.postMessage({ kind: "close" } satisfies ToNode);
    await this.#exited;
  }

  #pump(): void {
    const { sizePx } = this.model;
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      const slot = this.#free.pop();
      if (slot === undefined) return;
      this.#queue.shift();
      const id = this.#nextId++;
      this.#running.set(id, job);
      const bytes = job.count * sizePx * sizePx * 3;
      new Uint8Array(slot.views, 0, bytes).set(job.views.length === bytes ? job.views : job.views.subarray(0, bytes));
      const message: ToNode = { kind: "run", id, count: job.count, views: slot.views, out: slot.out };
      this.#worker.postMessage(message, [slot.views, slot.out]);
    }
  }

  #answered(message: FromNode): void {
    if (message.kind !== "done") return;
    const job = this.#running.get(message.id)!;
    this.#running.delete(message.id);
    this.#lastRunMs = message.ms;
    this.#lastIdleMs = message.idleMs;
    if (message.error === undefined) {
      job.out.set(new Float32Array(message.out, 0, job.count * this.model.dimension));
      job.resolve();
    } else {
      job.reject(new GradelineError("INFERENCE", `the inference library failed: ${message.error}`));
    }
    this.#free.push({ views: message.views, out: message.out });
    this.#pump();
    if (this.#running.size === 0 && this.#queue.length === 0) this.#idle?.();
  }

  /** The thread has ended: rejects every pending call. */
  #broke(cause: unknown): void {
    if (this.#failure !== undefined || (this.#closing !== undefined && this.#running.size === 0)) return;
    this.#failure = new GradelineError("INFERENCE", "the inference thread ended", {
      cause,
      hint: "restart the daemon; if it happens again, the log of the system says why",
    });
    for (const job of this.#running.values()) job.reject(this.#failure);
    this.#running.clear();
    for (const job of this.#queue.splice(0)) job.reject(this.#failure);
    this.#idle?.();
  }
}

function refusal(message: string, provider: NodeProvider): GradelineError {
  if (provider === "cpu") {
    return new GradelineError("MODEL", `the inference library refuses the model: ${message}`, {
      hint: "export the model again",
    });
  }
  return new GradelineError("PROVIDER", `${provider} was asked for and cannot be used: ${message}`, {
    hint:
      provider === "cuda"
        ? "on x64 with an NVIDIA card: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false, or a GPU build as device/embed/README.md says; else set embedder.provider to cpu"
        : "set embedder.provider to cpu",
  });
}
