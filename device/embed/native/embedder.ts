import { GradelineError } from "../../base/errors.ts";
import type { Embedder, Model } from "../embedder.ts";
import type { LoadedModel } from "../model.ts";
import type { Proof } from "../proof.ts";
import type { Provider } from "../providers.ts";
import { Bound } from "./bound.ts";
import { type Copier, type Layout, type Memory, takeMemory } from "./memory.ts";
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
}

/** Embeds through the C API: batches one after the other, each on a thread of the pool, none on the JavaScript thread. */
export class NativeEmbedder implements Embedder {
  readonly model: Model;
  readonly provider: Provider;
  readonly maxBatch: number;
  readonly #sessions: Sessions;
  readonly #layout: Layout;
  readonly #memories = new Map<number, Memory>();
  readonly #bounds = new Map<number, Bound>();
  readonly #queue: Job[] = [];
  #working: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #proof: Proof | undefined;

  constructor(model: LoadedModel, sessions: Sessions) {
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
  }

  get degraded(): string | undefined {
    return this.#proof?.degraded ?? undefined;
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
    if (this.#sessions.free) this.#bound(1);
    else for (const size of this.#sessions.bySize.keys()) this.#bound(size);
  }

  embed(views: Uint8Array, count: number, out: Float32Array): Promise<void> {
    const { sizePx, dimension } = this.model;
    if (this.#closing !== undefined) return Promise.reject(new GradelineError("CLOSED", "the embedder is closed"));
    if (!Number.isInteger(count) || count < 1 || count > this.maxBatch) {
      return Promise.reject(new GradelineError("INFERENCE", `a batch of ${count} views, wanted 1 to ${this.maxBatch}`));
    }
    if (views.length < count * sizePx * sizePx * 3 || out.length < count * dimension) {
      return Promise.reject(
        new GradelineError("INFERENCE", `buffers of ${views.length} bytes and ${out.length} values for ${count} views`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ views, count, out, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#working;
    this.#bounds.clear();
    this.#memories.clear();
    for (const session of this.#sessions.bySize.values()) await session.release();
  }

  /** The tensors are the session's: one batch at a time. */
  async #work(): Promise<void> {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      try {
        await this.#bound(job.count).run(job.views, job.count, job.out);
        job.resolve();
      } catch (error) {
        job.reject(error);
      }
    }
    this.#working = undefined;
  }

  #bound(count: number): Bound {
    const { bySize, free, provider, copier, device } = this.#sessions;
    const size = free ? count : smallest(bySize.keys(), count);
    let bound = this.#bounds.get(size);
    if (bound === undefined) {
      const of = free ? this.maxBatch : size;
      const session = bySize.get(of)!;
      let memory = this.#memories.get(of);
      if (memory === undefined) {
        memory = takeMemory(session, provider, this.#layout, of, copier, device);
        this.#memories.set(of, memory);
      }
      bound = new Bound(session, this.#layout, memory, size);
      this.#bounds.set(size, bound);
    }
    return bound;
  }
}

function smallest(sizes: Iterable<number>, count: number): number {
  return Math.min(...[...sizes].filter((size) => size >= count));
}
