import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { GradelineError } from "../../base/errors.ts";
import type { Closable } from "../../base/lifecycle.ts";
import type { Handle, Library } from "./library.ts";
import { COUNT_MASK, END, newShared, type RunnerSetup, type Shared, SLOTS, sharedOver } from "./runner-shared.ts";

/** Native addresses of one run. */
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
  readonly #shared: Shared;
  /** With the thread, oldest first. */
  readonly #waiting: Waiting[] = [];
  readonly #exited: Promise<void>;
  #failure: GradelineError | undefined;
  #watching = false;
  /** Runs whose end was seen, as the thread counts them. */
  #seen = 0;
  #closing = false;
  #lastMs = 0;
  #lastIdleMs = 0;

  constructor(library: Library) {
    this.#library = library;
    const shared = newShared();
    this.#shared = sharedOver(shared);
    const names = ["RunWithBinding", "GetErrorCode", "GetErrorMessage", "ReleaseStatus"] as const;
    const setup: RunnerSetup = {
      path: library.path,
      addresses: Object.fromEntries(names.map((name) => [name, library.address(name)])) as RunnerSetup["addresses"],
      shared,
    };
    this.#worker = new Worker(new URL("./runner-thread.ts", import.meta.url), { workerData: setup });
    this.#worker.on("error", (error) => this.#broke(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#broke(undefined);
        resolve();
      });
    });
    // On exit Node waits for its threads, so a running session is cancelled.
    process.once("exit", this.#giveUp);
  }

  /** How long the library itself took for the newest run, milliseconds. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** How long the library had nothing to do before the newest run, milliseconds. */
  get lastIdleMs(): number {
    return this.#lastIdleMs;
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
      const { asked, slots } = this.#shared;
      const count = Atomics.load(asked, 0);
      const { handles } = slots[count % SLOTS]!;
      handles[0] = run.session;
      handles[1] = run.options;
      handles[2] = run.binding;
      Atomics.store(asked, 0, (count + 1) & COUNT_MASK);
      Atomics.notify(asked, 0);
      if (!this.#watching) void this.#watch();
    });
  }

  /** Ends the thread. No run may be under way. */
  async close(): Promise<void> {
    this.#closing = true;
    process.off("exit", this.#giveUp);
    this.#end();
    await this.#exited;
  }

  readonly #giveUp = (): void => {
    this.#end();
    for (const { run } of this.#waiting) this.#library.call("RunOptionsSetTerminate", run.options);
  };

  #end(): void {
    Atomics.store(this.#shared.asked, 0, END);
    Atomics.notify(this.#shared.asked, 0);
  }

  /** Settles runs as they end, until none is left. The thread itself keeps the process alive meanwhile. */
  async #watch(): Promise<void> {
    const { ended } = this.#shared;
    this.#watching = true;
    while (this.#waiting.length > 0) {
      const change = Atomics.waitAsync(ended, 0, this.#seen);
      // A run that has ended already is told by the loop's next turn, too: a caller who asks again and again starves nobody.
      await (change.async ? change.value : setImmediate());
      while (this.#waiting.length > 0 && this.#seen !== Atomics.load(ended, 0)) {
        this.#settle(this.#seen % SLOTS);
        this.#seen = (this.#seen + 1) & COUNT_MASK;
      }
    }
    this.#watching = false;
  }

  #settle(slot: number): void {
    const { times, failure, message } = this.#shared.slots[slot]!;
    const { resolve, reject } = this.#waiting.shift()!;
    this.#lastMs = times[0]!;
    this.#lastIdleMs = times[1]!;
    if (failure[0] === 0) {
      resolve();
      return;
    }
    // A decoder takes no memory that another thread may write.
    const text = new TextDecoder().decode(message.slice(0, message.indexOf(0)));
    reject(this.#library.failure("RunWithBinding", failure[1]!, text));
  }

  /** The thread has ended: rejects every pending call. */
  #broke(cause: unknown): void {
    if (this.#closing || this.#failure !== undefined) return;
    this.#failure = new GradelineError("INFERENCE", "the inference thread ended", {
      cause,
      hint: "restart the daemon; if it happens again, the log of the system says why",
    });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
