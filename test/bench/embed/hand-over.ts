import { isMainThread, Worker, workerData } from "node:worker_threads";

/*
 * What it costs to have another thread do something and to be told of its end, whatever it does: the least of what lies
 * outside the library's run when that is not to hold the JavaScript thread.
 */

/** A thread that is busy for as long as it is asked, and does nothing. */
export interface HandOver {
  /** @returns how long the thread was busy, milliseconds */
  busy(ms: number): Promise<number>;
  close(): Promise<void>;
}

/** Memory of both: how often asked, how often done; how long to be busy, how long it was. */
interface Shared {
  readonly counts: Int32Array;
  readonly times: Float64Array;
}

const END = -1;

export function openHandOver(): HandOver {
  const memory = new SharedArrayBuffer(24);
  const { counts, times } = sharedOver(memory);
  const worker = new Worker(new URL(import.meta.url), { workerData: memory });
  const ask = (count: number): void => {
    Atomics.store(counts, 0, count);
    Atomics.notify(counts, 0);
  };
  return {
    async busy(ms) {
      const done = counts[1]!;
      times[0] = ms;
      const told = Atomics.waitAsync(counts, 1, done);
      ask(done + 1);
      await told.value;
      return times[1]!;
    },
    async close() {
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      ask(END);
      await exited;
    },
  };
}

function sharedOver(memory: SharedArrayBuffer): Shared {
  return { counts: new Int32Array(memory, 0, 2), times: new Float64Array(memory, 8, 2) };
}

function serve({ counts, times }: Shared): void {
  for (let done = 0; ; done++) {
    Atomics.wait(counts, 0, done);
    if (Atomics.load(counts, 0) === END) return;
    const since = performance.now();
    while (performance.now() - since < times[0]!);
    times[1] = performance.now() - since;
    Atomics.store(counts, 1, done + 1);
    Atomics.notify(counts, 1);
  }
}

if (!isMainThread) serve(sharedOver(workerData as SharedArrayBuffer));
