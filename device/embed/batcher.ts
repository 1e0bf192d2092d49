import { GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Embedder } from "./embedder.ts";

/** Batches that may be with the embedder at once: while one runs the next is ready, so the session never starves. */
const IN_FLIGHT = 2;

/**
 * On a processor a view costs the same in a batch of 4 as of 16 (measured: 1.32 ms either way, alone 1.5), but the first
 * view of the batch is known later.
 */
const PROCESSOR_BATCH = 4;
/** With so many batches waiting the last one fills up to the embedder's limit: fewer hand-overs, the same order. */
const BACKLOG = 2;

export interface BatcherOptions {
  /** Longest that a view waits for company while nothing runs, milliseconds; 0: until the end of the present turn. */
  readonly maxDelayMs: number;
  /** Views with which a batch counts as full while no backlog waits; the embedder's own limit where absent. */
  readonly size?: number | undefined;
  /** Told the size of each batch. */
  readonly sent?: ((count: number) => void) | undefined;
}

/** Small batches that wait for nothing on a processor; elsewhere as configured, for a GPU gains by full ones. */
export function batchingOn(
  provider: string,
  configured: { readonly maxBatch: number; readonly maxDelayMs: number },
): { readonly size: number; readonly maxDelayMs: number } {
  const { maxBatch, maxDelayMs } = configured;
  return provider === "cpu"
    ? { size: Math.min(PROCESSOR_BATCH, maxBatch), maxDelayMs: 0 }
    : { size: maxBatch, maxDelayMs };
}

interface Waiting {
  resolve(embedding: Float32Array): void;
  reject(error: unknown): void;
}

/** Buffers of one batch, used again and again. */
interface Batch {
  readonly views: Uint8Array;
  readonly out: Float32Array;
  readonly waiting: Waiting[];
  /** Of the first view in it. */
  since: number;
}

/**
 * Gathers views of all lanes into batches. While the session is busy views collect; a batch leaves when it is full, or
 * when the session is idle and the oldest view has waited `maxDelayMs`. Views leave in the order in which they came, but
 * for urgent ones, with which a verdict is made: those leave before all others, as soon as a place is free.
 */
export class Batcher implements Closable {
  readonly #embedder: Embedder;
  readonly #options: BatcherOptions;
  readonly #size: number;
  readonly #viewBytes: number;
  readonly #spare: Batch[] = [];
  /** The last one is being filled; full ones before it wait for a place. */
  readonly #batches: Batch[] = [];
  /** The same of urgent views. */
  readonly #urgent: Batch[] = [];
  #inFlight = 0;
  #done = 0;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #resting: (() => void)[] = [];

  constructor(embedder: Embedder, options: BatcherOptions) {
    this.#embedder = embedder;
    this.#options = options;
    this.#size = Math.min(options.size ?? embedder.maxBatch, embedder.maxBatch);
    this.#viewBytes = embedder.model.sizePx ** 2 * 3;
  }

  /**
   * @param crop RGB8 (sizePx, sizePx, 3); copied at once
   * @param urgent somebody waits for this view and no other
   * @returns its embedding (dimension), freshly owned by the caller
   * @throws {GradelineError} INFERENCE, CLOSED
   */
  add(crop: Uint8Array, urgent = false): Promise<Float32Array> {
    if (this.#closing !== undefined) return Promise.reject(new GradelineError("CLOSED", "the batcher is closed"));
    if (crop.length !== this.#viewBytes) {
      return Promise.reject(
        new GradelineError("INTERNAL", `a crop of ${crop.length} bytes, wanted ${this.#viewBytes}`),
      );
    }
    const batches = urgent ? this.#urgent : this.#batches;
    let batch = batches.at(-1);
    const room = batches.length >= BACKLOG ? this.#embedder.maxBatch : this.#size;
    if (batch === undefined || batch.waiting.length >= room) {
      batch = this.#spare.pop() ?? this.#newBatch();
      batch.since = performance.now();
      batches.push(batch);
    }
    const target = batch;
    target.views.set(crop, target.waiting.length * this.#viewBytes);
    return new Promise((resolve, reject) => {
      target.waiting.push({ resolve, reject });
      const full = target.waiting.length >= this.#size;
      // The other views of the same frame come in this turn.
      if (full || (!urgent && this.#options.maxDelayMs > 0)) this.#pump();
      else queueMicrotask(() => this.#pump());
    });
  }

  /** Whether batches are with the embedder, and how many came back. */
  get progress(): { readonly waiting: boolean; readonly done: number } {
    return { waiting: this.#inFlight > 0, done: this.#done };
  }

  /** Resolves when no view waits or is with the embedder: at once where that is so. */
  idle(): Promise<void> {
    if (this.#inFlight + this.#batches.length + this.#urgent.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#resting.push(resolve));
  }

  /** Embeds what waits, then resolves. The embedder stays open. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#drained = resolve;
    });
    this.#pump();
    this.#tellDrained();
    return this.#closing;
  }

  #tellDrained(): void {
    if (this.#inFlight + this.#batches.length + this.#urgent.length > 0) return;
    for (const resolve of this.#resting.splice(0)) resolve();
    this.#drained?.();
  }

  #newBatch(): Batch {
    const { maxBatch, model } = this.#embedder;
    const lent = this.#embedder.lend?.();
    return {
      views: lent?.views ?? new Uint8Array(maxBatch * this.#viewBytes),
      out: lent?.out ?? new Float32Array(maxBatch * model.dimension),
      waiting: [],
      since: 0,
    };
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT) {
      const urgent = this.#urgent.shift();
      if (urgent !== undefined) {
        void this.#run(urgent);
        continue;
      }
      const batch = this.#batches[0];
      if (batch === undefined) return;
      const full = batch.waiting.length >= this.#size;
      if (!full && this.#closing === undefined) {
        // A part batch only when nothing runs: it would take the place of a fuller one.
        if (this.#inFlight > 0) return;
        const left = this.#options.maxDelayMs - (performance.now() - batch.since);
        if (left > 0) {
          this.#timer ??= setTimeout(() => {
            this.#timer = undefined;
            this.#pump();
          }, left);
          return;
        }
      }
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#batches.shift();
      void this.#run(batch);
    }
  }

  async #run(batch: Batch): Promise<void> {
    const { dimension } = this.#embedder.model;
    const count = batch.waiting.length;
    this.#inFlight++;
    this.#options.sent?.(count);
    try {
      await this.#embedder.embed(batch.views, count, batch.out);
      for (const [row, waiting] of batch.waiting.entries()) {
        waiting.resolve(batch.out.slice(row * dimension, (row + 1) * dimension));
      }
    } catch (error) {
      for (const waiting of batch.waiting) waiting.reject(error);
    }
    batch.waiting.length = 0;
    this.#spare.push(batch);
    this.#inFlight--;
    this.#done++;
    this.#pump();
    this.#tellDrained();
  }
}
