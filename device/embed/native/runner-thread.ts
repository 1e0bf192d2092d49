import { workerData } from "node:worker_threads";
import { loadForGood } from "../../base/ffi.ts";
import { functionAt } from "./library.ts";
import { COUNT_MASK, END, type RunnerSetup, type SharedSlot, SLOTS, sharedOver } from "./runner-shared.ts";
import { table } from "./table.ts";

/*
 * Runs sessions one after the other and waits between them without a turn of any loop: what is to be run, and what came of
 * it, stands in memory that both threads share. Sessions, tensors and bindings are the other thread's; here are only
 * addresses.
 */

const { path, addresses, shared } = workerData as RunnerSetup;
// koffi gives a thread the stack for its calls when the first library is loaded there.
loadForGood(path);
const runWithBinding = functionAt(addresses.RunWithBinding, table.RunWithBinding);
const { asked, ended, slots } = sharedOver(shared);

/**
 * Share of a run for which the thread stays awake after it: a processor that has gone to sleep takes a twentieth of a
 * millisecond to wake (measured on a virtual machine), as much as all else outside a run.
 */
const AWAKE = 0.01;

for (let done = 0, end = performance.now(), awakeUntil = end; ; done = (done + 1) & COUNT_MASK) {
  while (Atomics.load(asked, 0) === done && performance.now() < awakeUntil);
  Atomics.wait(asked, 0, done);
  if (Atomics.load(asked, 0) === END) break;
  const slot = slots[done % SLOTS]!;
  const { handles, times } = slot;
  const since = performance.now();
  times[1] = since - end;
  const status = runWithBinding(handles[0], handles[1], handles[2]) as bigint | null;
  end = performance.now();
  times[0] = end - since;
  awakeUntil = end + AWAKE * (end - since);
  slot.failure[0] = status === null ? 0 : 1;
  if (status !== null) explain(status, slot);
  Atomics.store(ended, 0, (done + 1) & COUNT_MASK);
  Atomics.notify(ended, 0);
}

function explain(status: bigint, { failure, message }: SharedSlot): void {
  failure[1] = functionAt(addresses.GetErrorCode, table.GetErrorCode)(status) as number;
  const text = new TextEncoder().encode(functionAt(addresses.GetErrorMessage, table.GetErrorMessage)(status) as string);
  message.fill(0);
  message.set(text.subarray(0, message.length));
  functionAt(addresses.ReleaseStatus, table.ReleaseStatus)(status);
}
