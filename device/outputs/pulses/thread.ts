import { parentPort, workerData } from "node:worker_threads";
import { nowMicros } from "../../base/time.ts";
import type { OutputConfig } from "../../config/outputs.ts";
import { type Driver, openDriver } from "./driver.ts";
import type { Pulse } from "./due.ts";

export type PulseCall = { readonly kind: "pulses"; readonly pulses: readonly Pulse[] } | { readonly kind: "close" };
export type PulseAnswer =
  /** `lateMs`: from the moment at which it was due to the moment at which it was told. */
  | { readonly kind: "fired"; readonly output: number; readonly lateMs: number }
  | { readonly kind: "problem"; readonly output: number; readonly problem: string | undefined }
  | { readonly kind: "closed" };

/** Timers of Node are true to a millisecond and more: the rest is waited for without them. */
const FINE_MS = 2.5;
/** Pulses that wait for their gates; more belong to no line. */
const MAX_WAITING = 5000;

/** Pulses have a thread of their own: whatever the daemon is busy with, a gate opens in time. */
function serve(outputs: readonly OutputConfig[]): void {
  const port = parentPort!;
  const answer = (message: PulseAnswer): void => port.postMessage(message);
  const problems = outputs.map(() => undefined as string | undefined);
  const told = (output: number, problem: string | undefined): void => {
    if (problems[output] === problem) return;
    problems[output] = problem;
    answer({ kind: "problem", output, problem });
  };
  const drivers = outputs.map((output, index) => openDriver(output, (problem) => told(index, problem)));
  const offs = outputs.map(() => undefined as NodeJS.Timeout | undefined);
  const timers = new Set<NodeJS.Timeout>();
  const rest = new Int32Array(new SharedArrayBuffer(4));

  const act = (output: number, work: (driver: Driver) => void): boolean => {
    try {
      work(drivers[output]!);
      return true;
    } catch (error) {
      told(output, (error as Error).message);
      return false;
    }
  };
  const fire = ({ output, atUs, lane, seq, item }: Pulse): void => {
    const left = (atUs - nowMicros()) / 1000;
    if (left > 0) Atomics.wait(rest, 0, 0, left);
    if (!act(output, (driver) => driver.on({ lane, seq, item }))) return;
    const lateMs = (nowMicros() - atUs) / 1000;
    // Two that overlap are one longer pulse.
    clearTimeout(offs[output]);
    offs[output] = setTimeout(() => act(output, (driver) => driver.off()), outputs[output]!.pulseMs);
    answer({ kind: "fired", output, lateMs });
  };
  const plan = (pulse: Pulse): void => {
    if (timers.size >= MAX_WAITING) {
      told(pulse.output, `${MAX_WAITING} pulses wait for their gates`);
      return;
    }
    const ms = (pulse.atUs - nowMicros()) / 1000 - FINE_MS;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        fire(pulse);
      },
      Math.max(0, ms),
    );
    timers.add(timer);
  };
  const close = async (): Promise<void> => {
    for (const timer of timers) clearTimeout(timer);
    for (const off of offs) clearTimeout(off);
    await Promise.all(drivers.map((driver) => driver.safe().catch(() => {})));
    await Promise.all(drivers.map((driver) => driver.close().catch(() => {})));
    answer({ kind: "closed" });
    port.close();
  };
  port.on("message", (call: PulseCall) => {
    if (call.kind === "close") void close();
    else for (const pulse of call.pulses) plan(pulse);
  });
}

if (parentPort !== null) serve(workerData as readonly OutputConfig[]);
