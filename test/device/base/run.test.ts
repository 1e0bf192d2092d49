import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Child } from "../../support/child.ts";

const SCRIPT = "test/support/daemon-run-child.ts";
const CLOSED = [
  { event: "closed", part: "second" },
  { event: "closed", part: "first" },
];

function end(how: string): { code: number | null; text: string; closed: unknown[] } {
  const { status, stderr, stdout } = spawnSync(process.execPath, [SCRIPT, how], { encoding: "utf8" });
  const closed = stdout.split("\n").filter(Boolean);
  return { code: status, text: stderr, closed: closed.map((line) => JSON.parse(line)) };
}

test("a program that comes to its end closes its parts in reverse order and ends with what its body returned", () => {
  assert.deepEqual(end("ends"), { code: 0, text: "", closed: CLOSED });
});

test("wrong use and a wrong configuration end with 2, what else fails with 1, and all parts are closed", () => {
  assert.deepEqual(end("usage"), { code: 2, text: "error: found this\nhint: do that\n", closed: CLOSED });
  assert.deepEqual(end("config"), { code: 2, text: "error: found this\nhint: do that\n", closed: CLOSED });
  assert.deepEqual(end("fails"), { code: 1, text: "error: it is torn\n", closed: CLOSED });
});

test("a defect of ours is told with the place where it happened", () => {
  const { code, text, closed } = end("defect");
  assert.equal(code, 1);
  assert.match(text, /^error: it is undefined\nTypeError: it is undefined\n\s+at .*daemon-run-child\.ts/);
  assert.deepEqual(closed, CLOSED);
});

test("a part that does not close makes the end a failure, and the others are closed all the same", () => {
  assert.deepEqual(end("close"), { code: 1, text: "error: it does not close\n", closed: CLOSED });
});

test("SIGINT and SIGTERM tell the body to stop and let it end in order", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const child = new Child(SCRIPT, ["waits"]);
    await child.until(({ event }) => event === "open");
    await child.kill(signal);
    assert.deepEqual(child.said.slice(1), [{ event: "aborted", reason: signal }, ...CLOSED]);
    assert.deepEqual([child.process.exitCode, child.process.signalCode], [3, null]);
  }
});

test("a second signal ends a program that does not come to its end", async () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const child = new Child(SCRIPT, ["hangs"]);
    await child.until(({ event }) => event === "open");
    child.process.kill("SIGTERM");
    await child.until(({ event }) => event === "closed");
    await child.kill(signal);
    assert.deepEqual([child.process.exitCode, child.process.signalCode], [code, null]);
  }
});

test("a part that never closes is left behind when its time is over, and that is told", async () => {
  const child = new Child(SCRIPT, ["hangs", "300"]);
  await child.until(({ event }) => event === "open");
  await child.kill("SIGTERM");
  assert.deepEqual([child.process.exitCode, child.process.signalCode], [3, null]);
});
