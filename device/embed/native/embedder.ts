import { GradelineError } from "../../base/errors.ts";
import { batchProblem } from "../batch-check.ts";
import type { Embedder, Lent, Model } from "../embedder.ts";
import type { LoadedModel } from "../model.ts";
import type { Proof } from "../proof.ts";
import type { Provider } from "../providers.ts";
import { Bound } from "./bound.ts";
import { type Copier, type Host, type Layout, type Memory, takeHost, takeMemory } from "./memory.ts";
import { Runner } from "./runner.ts";
import { SLOTS } from "./runner-shared.ts";
import type { Session } from "./session.ts";

interface Job {
  readonly views: Uint8Array;
  readonly count: number;
  readonly out: Float32Array;
  resolve(): void;
  reject(error: unknown): void;
}

export interface Sessions {
  readonly provider: Provider;
  /** By the batch size that the session is made for; with one session of free size, under the largest batch. */
  readonly bySize: ReadonlyMap<number, Session>;
  /** The session takes any count up to its size: nothing is padded. */
  readonly free: boolean;
  readonly copier: Copier | undefined;
  /** Number of the GPU. */
  readonly device: number;
  /**
   * Whether a second batch may be laid ready while one runs. Not where the library copies the input when it is bound,
   * nor with a captured graph, which holds the addresses of one binding.
   */
  readonly pipelined: boolean;
}

/** Memory and bindings of one batch under way. */
interface Slot {
  readonly host: Host;
  readonly memories: Map<number, Memory>;
  readonly bounds: Map<number, Bound>;
}

/** Embeds through the C API: batches one after the other, on a thread that does nothing else. */
export class NativeEmbedder implements Embedder {
  readonly model: Model;
  readonly provider: Provider;
  readonly maxBatch: number;
  readonly #sessions: Sessions;
  readonly #layout: Layout;
  readonly #runner: Runner;
  /** Batches that may be under way at once. */
  readonly #limit: number;
  /** Memory for batches that come in buffers of their own, taken when it is first needed. */
  readonly #free: Slot[] = [];
  /** Memory that was lent, by the buffer that the borrower knows it by. */
  readonly #lent = new Map<Uint8Array, Slot>();
  readonly #queue: Job[] = [];
  #running = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #proof: Proof | undefined;

  constructor(model: LoadedModel, sessions: Sessions) {
    const [first] = sessions.bySize.values();
    if (first === undefined) throw new GradelineError("INTERNAL", "an embedder without a session");
    this.model = model.model;
    this.provider = sessions.provider;
    this.maxBatch = Math.max(...sessions.bySize.keys());
    this.#sessions = sessions;
    this.#layout = {
      inputName: model.inputName,
      outputName: model.outputName,
      sizePx: model.model.sizePx,
      dimension: model.model.dimension,
    };
    this.#limit = sessions.pipelined ? SLOTS : 1;
    this.#runner = new Runner(first.library);
  }

  get degraded(): string | undefined {
    return this.#proof?.degraded ?? undefined;
  }

  /** How long the library itself took for the newest batch, milliseconds. */
  get lastRunMs(): number {
    return this.#runner.lastMs;
  }

  /** How long the library had nothing to do between the batch before and the newest, milliseconds. */
  get lastIdleMs(): number {
    return this.#runner.lastIdleMs;
  }

  /** What shows where the model runs. */
  get proof(): Proof {
    if (this.#proof === undefined) throw new GradelineError("INTERNAL", "the embedder has not been proven yet");
    return this.#proof;
  }

  /** Set once, by whoever proved it. */
  set proof(proof: Proof) {
    this.#proof = proof;
  }

  /** Takes memory and binds tensors for every batch size that is fixed, so that the first batch finds them ready. */
  prepare(): void {
    this.#free.push(this.#readySlot());
  }

  lend(): Lent | undefined {
    if (this.#limit === 1 || this.#closing !== undefined) return undefined;
    const slot = this.#readySlot();
    const { views, embeddings: out } = slot.host;
    this.#lent.set(views, slot);
    return { views, out };
  }

  embed(views: Uint8Array, count: number, out: Float32Array): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new GradelineError("CLOSED", "the embedder is closed"));
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

  async #close(): Promise<void> {
    if (this.#queue.length > 0 || this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#runner.close();
    this.#free.length = 0;
    this.#lent.clear();
    for (const session of this.#sessions.bySize.values()) await session.release();
  }

  #pump(): void {
    while (this.#running < this.#limit) {
      const job = this.#queue.shift();
      if (job === undefined) {
        if (this.#running === 0) this.#idle?.();
        return;
      }
      void this.#work(job);
    }
  }

  async #work(job: Job): Promise<void> {
    this.#running++;
    const lent = this.#lent.get(job.views);
    try {
      const slot = lent ?? this.#free.pop() ?? this.#slot();
      try {
        await this.#bound(slot, job.count).run(job.views, job.count, job.out);
      } finally {
        if (lent === undefined) this.#free.push(slot);
      }
      job.resolve();
    } catch (error) {
      job.reject(error);
    }
    this.#running--;
    this.#pump();
  }

  /** @throws {GradelineError} INFERENCE when the library has no memory left */
  #slot(): Slot {
    const { bySize, copier, device } = this.#sessions;
    const session = bySize.get(this.maxBatch)!;
    const host = takeHost(session, this.#layout, this.maxBatch, copier, device);
    return { host, memories: new Map(), bounds: new Map() };
  }

  #readySlot(): Slot {
    const slot = this.#slot();
    if (this.#sessions.free) this.#bound(slot, 1);
    else for (const size of this.#sessions.bySize.keys()) this.#bound(slot, size);
    return slot;
  }

  #bound({ host, memories, bounds }: Slot, count: number): Bound {
    const { bySize, free, provider, copier, device } = this.#sessions;
    const size = free ? count : smallest(bySize.keys(), count);
    let bound = bounds.get(size);
    if (bound === undefined) {
      const of = free ? this.maxBatch : size;
      const session = bySize.get(of)!;
      let memory = memories.get(of);
      if (memory === undefined) {
        memory = takeMemory(session, provider, this.#layout, of, host, copier, device);
        memories.set(of, memory);
      }
      bound = new Bound(this.#runner, session, this.#layout, memory, size);
      bounds.set(size, bound);
    }
    return bound;
  }
}

function smallest(sizes: Iterable<number>, count: number): number {
  return Math.min(...[...sizes].filter((size) => size >= count));
}
