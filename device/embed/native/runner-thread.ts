import { parentPort, workerData } from "node:worker_threads";
import { loadForGood } from "../../base/ffi.ts";
import { functionAt } from "./library.ts";
import {
  ADDRESSES_AT,
  ADDRESSES_PER_SLOT,
  COUNT_MASK,
  END,
  type RunDone,
  type RunnerSetup,
  SLOTS,
} from "./runner-shared.ts";
import { table } from "./table.ts";

/*
 * Runs sessions one after the other and sleeps between them without a turn of any loop: what is to be run stands in
 * memory that both threads share. Sessions, tensors and bindings are the other thread's; here are only addresses.
 */

const { path, addresses, shared } = workerData as RunnerSetup;
// koffi gives a thread the stack for its calls when the first library is loaded there.
loadForGood(path);
const runWithBinding = functionAt(addresses.RunWithBinding, table.RunWithBinding);
const asked = new Int32Array(shared, 0, 1);
const handles = new BigUint64Array(shared, ADDRESSES_AT);

for (let done = 0; ; done = (done + 1) & COUNT_MASK) {
  Atomics.wait(asked, 0, done);
  if (Atomics.load(asked, 0) === END) break;
  const at = (done % SLOTS) * ADDRESSES_PER_SLOT;
  const since = performance.now();
  const status = runWithBinding(handles[at], handles[at + 1], handles[at + 2]) as bigint | null;
  const ms = performance.now() - since;
  const failure = status === null ? undefined : explain(status);
  parentPort!.postMessage({ ms, failure } satisfies RunDone);
}

function explain(status: bigint): RunDone["failure"] {
  const code = functionAt(addresses.GetErrorCode, table.GetErrorCode)(status) as number;
  const message = functionAt(addresses.GetErrorMessage, table.GetErrorMessage)(status) as string;
  functionAt(addresses.ReleaseStatus, table.ReleaseStatus)(status);
  return { code, message };
}
