import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { GradelineError } from "../../base/errors.ts";
import type { Frame } from "../../base/frame.ts";
import type { Log } from "../../base/log.ts";
import { type Micros, nowMicros } from "../../base/time.ts";
import { errorOf } from "../../base/worker.ts";
import type { FrameSource, SourceCounters, SourceStatus } from "../source.ts";
import { type ExchangeMemory, FrameTaker } from "./exchange.ts";
import type { FromReader, ToReader } from "./messages.ts";
import { hurryThread } from "./priority.ts";
import type { ReaderSettings } from "./reader.ts";

/** A camera whose frames are received in a thread of their own and looked at here. */
export class LiveSource implements FrameSource {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #log: Log | undefined;
  readonly #triggers = new Map<number, PromiseWithResolvers<Micros>>();
  readonly #opened = Promise.withResolvers<void>();
  #taker: FrameTaker | undefined;
  #status: SourceStatus = { state: "reconnecting", reason: "not yet open", since: nowMicros() };
  #wake: (() => void) | undefined;
  #failure: GradelineError | undefined;
  #over = false;
  #reading = false;
  #closed = false;
  #triggerId = 0;

  private constructor(worker: Worker, log: Log | undefined) {
    this.#worker = worker;
    this.#log = log;
    this.#exited = new Promise((resolve) => {
      worker.on("exit", () => {
        this.#end(new GradelineError("SOURCE", "the camera's reader thread ended by itself", { retry: true }));
        resolve();
      });
    });
    worker.on("message", (message: FromReader) => this.#take(message));
    worker.on("error", (cause) => {
      this.#end(new GradelineError("SOURCE", `the camera's reader broke: ${cause.message}`, { cause, retry: true }));
    });
  }

  /**
   * Starts the reader thread and waits for the camera.
   *
   * @param thread module that calls `serveReader`
   * @param setup settings of its driver; must be cloneable
   * @throws {GradelineError} what the driver's first life throws
   */
  static async open<Setup extends ReaderSettings>(thread: URL, setup: Setup, log?: Log): Promise<LiveSource> {
    hurryThread();
    const source = new LiveSource(new Worker(thread, { workerData: setup }), log);
    try {
      await source.#opened.promise;
    } catch (error) {
      await source.#exited;
      throw error;
    }
    return source;
  }

  get widthPx(): number {
    return this.#memory.widthPx;
  }

  get heightPx(): number {
    return this.#memory.heightPx;
  }

  get counters(): SourceCounters {
    return this.#taker!.counters;
  }

  get #memory(): ExchangeMemory {
    return this.#taker!.memory;
  }

  status(): SourceStatus {
    return this.#status;
  }

  frames(): AsyncIterableIterator<Frame> {
    if (this.#reading) throw new GradelineError("SOURCE", "this camera's frames are being read already");
    this.#reading = true;
    return this.#read();
  }

  async *#read(): AsyncIterableIterator<Frame> {
    try {
      yield* this.#each();
    } finally {
      this.#reading = false;
    }
  }

  async *#each(): AsyncIterableIterator<Frame> {
    const taker = this.#taker!;
    while (!this.#closed) {
      const frame = taker.take();
      if (frame !== undefined) {
        yield frame;
        // Where the next frame is always there already, the thread's other messages must still get their turn.
        await turn();
      } else if (this.#over) {
        if (this.#failure !== undefined) throw this.#failure;
        return;
      } else if (taker.sleep()) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async trigger(at: Micros = 0): Promise<Micros> {
    if (this.#over || this.#closed) throw new GradelineError("CLOSED", "the camera is closed");
    const id = ++this.#triggerId;
    const done = Promise.withResolvers<Micros>();
    this.#triggers.set(id, done);
    this.#post({ kind: "trigger", id, at });
    return await done.promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    this.#post({ kind: "close" });
    await this.#exited;
  }

  #take(message: FromReader): void {
    switch (message.kind) {
      case "frame":
        this.#wake?.();
        break;
      case "opened":
        this.#taker = new FrameTaker(message.memory);
        this.#status = { state: "ok", since: nowMicros() };
        this.#opened.resolve();
        break;
      case "ok":
        if (this.#taker!.counters.restarts > 0) this.#log?.info("camera is back");
        this.#status = { state: "ok", since: message.since };
        break;
      case "away": {
        const { reason, hint, since } = message;
        this.#status = { state: "reconnecting", reason, since, ...(hint === undefined ? {} : { hint }) };
        this.#log?.warn({ hint }, `camera away: ${reason}`);
        break;
      }
      case "log":
        this.#log?.[message.level](message.text);
        break;
      case "triggered":
        this.#triggers.get(message.id)?.resolve(message.at);
        this.#triggers.delete(message.id);
        break;
      case "untriggered":
        this.#triggers.get(message.id)?.reject(errorOf(message.error));
        this.#triggers.delete(message.id);
        break;
      case "ended":
        this.#end(undefined);
        break;
      case "failed":
        this.#end(errorOf(message));
        break;
    }
  }

  /** The first reason counts. */
  #end(failure: GradelineError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = this.#closed ? undefined : failure;
    this.#opened.reject(failure ?? new GradelineError("SOURCE", "the camera's stream was over before its first frame"));
    for (const done of this.#triggers.values()) {
      done.reject(new GradelineError("SOURCE", "the camera stopped before the trigger was done", { retry: true }));
    }
    this.#triggers.clear();
    this.#wake?.();
  }

  #post(message: ToReader): void {
    this.#worker.postMessage(message);
  }
}
