import { Worker } from "node:worker_threads";
import type { Closable } from "../../base/lifecycle.ts";
import type { Log } from "../../base/log.ts";
import { nowMicros } from "../../base/time.ts";
import type { OutputConfig } from "../../config/outputs.ts";
import type { Verdict } from "../../contract/messages.ts";
import type { Reason } from "../../contract/reasons.ts";
import { openDriver } from "./driver.ts";
import { pulsesOf } from "./due.ts";
import type { PulseAnswer, PulseCall } from "./thread.ts";

/** Newest pulses of which it is known how late they were. */
const KEPT = 1000;
const CLOSE_MS = 2000;
/** A connection that is made takes so long at most. */
const SAFE_MS = 2000;

/** Fires what acts at the gate, by verdicts. */
export class Pulses implements Closable {
  readonly #outputs: readonly OutputConfig[];
  readonly #log: Log;
  readonly #worker: Worker;
  readonly #problems = new Map<number, string>();
  readonly #lateMs: number[] = [];
  readonly #ended: Promise<void>;
  readonly #closing = Promise.withResolvers<void>();
  #fired = 0;
  #stopped = false;

  constructor(outputs: readonly OutputConfig[], log: Log) {
    this.#outputs = outputs;
    this.#log = log;
    this.#worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData: outputs });
    this.#worker.on("message", (answer: PulseAnswer) => this.#answered(answer));
    this.#worker.on("error", (error) => this.#log.error({ reason: error.message }, "the outputs' thread ended"));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        if (!this.#stopped) {
          for (const index of this.#outputs.keys()) this.#problems.set(index, "the outputs' thread ended");
        }
        resolve();
      });
    });
  }

  add(verdict: Verdict): void {
    const pulses = pulsesOf(this.#outputs, verdict, nowMicros());
    if (pulses.length > 0) this.#worker.postMessage({ kind: "pulses", pulses } satisfies PulseCall);
  }

  /** Pulses fired since the start, and how late the newest of them were: 99 of 100 no later than `p99Ms`. */
  get stats(): { readonly fired: number; readonly p99Ms: number | null } {
    const sorted = this.#lateMs.toSorted((a, b) => a - b);
    return { fired: this.#fired, p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? null };
  }

  *reasons(): Iterable<Reason> {
    for (const [index, problem] of this.#problems) {
      yield { code: "outputs", message: `output ${this.#outputs[index]!.id}: ${problem}` };
    }
  }

  /** Everything is left as it is when nothing moves. */
  async close(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#worker.postMessage({ kind: "close" } satisfies PulseCall);
    const given = setTimeout(() => void this.#worker.terminate(), CLOSE_MS);
    await Promise.race([this.#closing.promise, this.#ended]);
    await this.#ended;
    clearTimeout(given);
  }

  #answered(answer: PulseAnswer): void {
    if (answer.kind === "fired") {
      this.#fired++;
      this.#lateMs.push(answer.lateMs);
      if (this.#lateMs.length > KEPT) this.#lateMs.shift();
    } else if (answer.kind === "closed") this.#closing.resolve();
    else if (answer.problem === undefined) this.#problems.delete(answer.output);
    else {
      const { id } = this.#outputs[answer.output]!;
      this.#log.error({ output: id, reason: answer.problem }, "an output takes no pulses");
      this.#problems.set(answer.output, answer.problem);
    }
  }
}

/**
 * Brings every output into its safe state, without a daemon: what a daemon left that was killed.
 *
 * @returns why some could not be
 */
export async function makeSafe(outputs: readonly OutputConfig[]): Promise<string[]> {
  const problems = await Promise.all(
    outputs.map(async (output) => {
      let problem: string | undefined = "nobody answers";
      const ready = Promise.withResolvers<void>();
      const driver = openDriver(output, (told) => {
        problem = told;
        if (told === undefined) ready.resolve();
      });
      const late = setTimeout(ready.resolve, SAFE_MS);
      await ready.promise;
      clearTimeout(late);
      await driver.safe().catch((error: Error) => {
        problem = error.message;
      });
      await driver.close();
      return problem === undefined ? [] : [`output ${output.id}: ${problem}`];
    }),
  );
  return problems.flat();
}
