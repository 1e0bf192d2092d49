import { Worker } from "node:worker_threads";
import { GradelineError } from "../../base/errors.ts";
import type { Closable } from "../../base/lifecycle.ts";
import type { Handle, Library } from "./library.ts";
import {
  ADDRESSES_AT,
  ADDRESSES_PER_SLOT,
  COUNT_MASK,
  END,
  type RunDone,
  type RunnerSetup,
  SHARED_BYTES,
  SLOTS,
} from "./runner-shared.ts";

/** Addresses of what is run. */
export interface Runnable {
  readonly session: Handle;
  readonly options: Handle;
  readonly binding: Handle;
}

interface Waiting {
  readonly run: Runnable;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * A thread that calls the library's `Run`, and nothing else. Threads of the pool would do, but each takes its turn, and
 * with it the cache of another core; on a GPU each would get a context of its own.
 */
export class Runner implements Closable {
  readonly #library: Library;
  readonly #worker: Worker;
  readonly #asked: Int32Array;
  readonly #handles: BigUint64Array;
  /** With the thread, oldest first. */
  readonly #waiting: Waiting[] = [];
  readonly #exited: Promise<void>;
  #failure: GradelineError | undefined;
  #closing = false;
  #lastMs = 0;

  constructor(library: Library) {
    this.#library = library;
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    this.#asked = new Int32Array(shared, 0, 1);
    this.#handles = new BigUint64Array(shared, ADDRESSES_AT);
    const names = ["RunWithBinding", "GetErrorCode", "GetErrorMessage", "ReleaseStatus"] as const;
    const setup: RunnerSetup = {
      path: library.path,
      addresses: Object.fromEntries(names.map((name) => [name, library.address(name)])) as RunnerSetup["addresses"],
      shared,
    };
    this.#worker = new Worker(new URL("./runner-thread.ts", import.meta.url), { workerData: setup });
    this.#worker.on("message", (done: RunDone) => this.#done(done));
    this.#worker.on("error", (error) => this.#broke(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#broke(undefined);
        resolve();
      });
    });
    // When the process is told to exit, Node waits for its threads: what runs is cut short.
    process.once("exit", this.#giveUp);
  }

  /** How long the library itself took for the newest run, milliseconds. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /**
   * Runs a binding after those that were asked for before; `SLOTS` may be under way at once.
   *
   * @throws {GradelineError} INFERENCE with the library's message, or when the thread has ended
   */
  run(run: Runnable): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting.length >= SLOTS) {
      return Promise.reject(new GradelineError("INTERNAL", `more than ${SLOTS} runs at once`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject });
      const count = Atomics.load(this.#asked, 0);
      const at = (count % SLOTS) * ADDRESSES_PER_SLOT;
      this.#handles[at] = run.session;
      this.#handles[at + 1] = run.options;
      this.#handles[at + 2] = run.binding;
      Atomics.store(this.#asked, 0, (count + 1) & COUNT_MASK);
      Atomics.notify(this.#asked, 0);
    });
  }

  /** Ends the thread. No run may be under way. */
  async close(): Promise<void> {
    this.#closing = true;
    process.off("exit", this.#giveUp);
    Atomics.store(this.#asked, 0, END);
    Atomics.notify(this.#asked, 0);
    await this.#exited;
  }

  readonly #giveUp = (): void => {
    Atomics.store(this.#asked, 0, END);
    Atomics.notify(this.#asked, 0);
    for (const { run } of this.#waiting) this.#library.call("RunOptionsSetTerminate", run.options);
  };

  #done({ ms, failure }: RunDone): void {
    const { resolve, reject } = this.#waiting.shift()!;
    this.#lastMs = ms;
    if (failure === undefined) resolve();
    else reject(this.#library.failure("RunWithBinding", failure.code, failure.message));
  }

  /** The thread has ended; whoever still waits is told. */
  #broke(cause: unknown): void {
    if (this.#closing || this.#failure !== undefined) return;
    this.#failure = new GradelineError("INFERENCE", "the inference thread ended", {
      cause,
      hint: "restart the daemon; if it happens again, the log of the system says why",
    });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
