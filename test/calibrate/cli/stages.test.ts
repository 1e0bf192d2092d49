import assert from "node:assert/strict";
import { test } from "node:test";
import { Stages } from "../../../calibrate/cli/stages.ts";

test("work of a second and more is told, and every ten seconds again, each stage on its own", (t) => {
  const told: string[] = [];
  t.mock.method(process.stderr, "write", (text: string) => {
    told.push(text);
    return true;
  });
  const terminal = process.stderr.isTTY;
  process.stderr.isTTY = false;
  const stages = new Stages();
  for (let s = 0; s <= 21; s++) stages.tell({ stage: "engine", detail: "engine 1 of 2", elapsedMs: s * 1000 });
  for (let s = 0; s <= 1; s++) stages.tell({ stage: "engine", detail: "engine 2 of 2", elapsedMs: s * 1000 });
  stages.stop();
  process.stderr.isTTY = terminal;
  assert.deepEqual(told, [
    "engine 1 of 2, 1 s\n",
    "engine 1 of 2, 11 s\n",
    "engine 1 of 2, 21 s\n",
    "engine 2 of 2, 1 s\n",
  ]);
});
