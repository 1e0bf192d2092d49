import assert from "node:assert/strict";
import { test } from "node:test";
import { aroundFile } from "../../support/around-file.ts";
import { Child } from "../../support/child.ts";

let child: Child;
aroundFile(
  async () => {
    child = new Child("test/support/outlive-child.ts", []);
  },
  () => child.kill(),
);

for (const [kind, what] of [
  ["timer", "a timer"],
  ["http", "a web server's request"],
  ["worker", "a thread's message"],
  ["mqtt", "the broker's acknowledgement"],
  ["promise", "a promise that nobody waits for"],
  ["event", "an error that nobody listens to"],
]) {
  test(`what is thrown in the callback of ${what} is logged with its place, and the same callback does its work after`, async () => {
    await child.until((said) => said.event === "works" && said.kind === kind);
    const logged = child.all("logged").find((said) => said.kind === kind);
    assert.match(String(logged?.msg), /^thrown in a callback, the daemon goes on: nobody catches this/);
    assert.match(String(logged?.stack), /TypeError: nobody catches this\n.*outlive-child\.ts/);
    assert.equal(logged?.code, "INTERNAL");
  });
}

test("the rule ends when it is told to", async () => {
  const { rules } = await child.until(({ event }) => event === "ended");
  assert.equal(rules, 0);
});
