import assert from "node:assert/strict";
import { test } from "node:test";
import { Serial } from "../../../device/base/serial.ts";

test("work runs in the order of asking, and never two pieces at once", async () => {
  const serial = new Serial();
  const gate = Promise.withResolvers<void>();
  const steps: string[] = [];
  const first = serial.run(async () => {
    steps.push("first begins");
    await gate.promise;
    steps.push("first ends");
    return 1;
  });
  const second = serial.run(async () => {
    steps.push("second");
    return 2;
  });
  gate.resolve();
  assert.deepEqual(await Promise.all([first, second]), [1, 2]);
  assert.deepEqual(steps, ["first begins", "first ends", "second"]);
});

test("work that fails is told to whoever asked for it, and the next runs all the same", async () => {
  const serial = new Serial();
  const failing = serial.run(async () => {
    throw new Error("no");
  });
  const next = serial.run(async () => "yes");
  await assert.rejects(failing, /no/);
  assert.equal(await next, "yes");
  await serial.settled();
});
