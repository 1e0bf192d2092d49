import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { hurryThread } from "../../../../device/capture/live/priority.ts";

const CAP_SYS_NICE = 23n;
const capabilities = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]}`);
const skip = ((capabilities >> CAP_SYS_NICE) & 1n) === 1n ? false : "needs the capability CAP_SYS_NICE";
/** Fields of stat(5): how nice a thread is, and its policy. */
const [NICE, POLICY] = [19, 41];
const field = (stat: string, number: number): number =>
  Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[number - 3]);
const own = (number: number): number => field(readFileSync("/proc/thread-self/stat", "utf8"), number);

test("the thread that looks at frames goes before others, what it starts does not", { skip }, async () => {
  hurryThread();
  assert.deepEqual([own(NICE), own(POLICY)], [-10, 0]);
  assert.equal(field(execFileSync("cat", ["/proc/self/stat"], { encoding: "utf8" }), NICE), 0);
  const inside = `require("node:worker_threads").parentPort.postMessage(
    require("node:fs").readFileSync("/proc/thread-self/stat", "utf8"))`;
  const worker = new Worker(inside, { eval: true });
  const stat = await new Promise<string>((resolve) => worker.once("message", resolve));
  assert.equal(field(stat, NICE), 0);
});
