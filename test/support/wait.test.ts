import assert from "node:assert/strict";
import { test } from "node:test";
import { Bell, inTime } from "./wait.ts";

test("a wait ends with what was looked for, asked again at each ring", async () => {
  const bell = new Bell();
  const came: number[] = [];
  const found = bell.until(
    () => came.find((value) => value > 1),
    () => came,
  );
  for (const value of [1, 2, 3]) {
    came.push(value);
    bell.ring();
  }
  assert.equal(await found, 2);
});

test("a wait that gets nothing ends with what was waited for and what came instead", async () => {
  const came = ["a", "b", "c", "d", "e", "f"];
  await assert.rejects(
    new Bell().until(
      () => came.find((value) => value === "g"),
      () => came,
      { limitMs: 5 },
    ),
    {
      message:
        'waited 0.005 s for: () => came.find((value) => value === "g")\n' +
        "what came instead (the newest of 6): [ 'b', 'c', 'd', 'e', 'f' ]",
    },
  );
});

test("so does one that is rung all the time, and an event that does not come", async () => {
  const bell = new Bell();
  const timer = setInterval(() => bell.ring(), 1);
  const never = bell.until(
    () => undefined,
    () => "nothing",
    { what: "the moon", limitMs: 20 },
  );
  await assert.rejects(never, { message: "waited 0.02 s for: the moon\nwhat came instead: nothing" });
  clearInterval(timer);
  await assert.rejects(
    inTime(new Promise(() => {}), "its end", () => ({ said: 1 }), 5),
    /for: its end\nwhat came instead: \{ said: 1 \}/,
  );
});
