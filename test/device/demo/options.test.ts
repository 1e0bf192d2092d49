import assert from "node:assert/strict";
import { test } from "node:test";
import { HELP, parseDemoOptions } from "../../../device/demo/options.ts";

test("without options the demo runs without end, rendered fruit, the usual port, its gallery kept", () => {
  const { model, ...options } = parseDemoOptions([])!;
  assert.match(model, /models\/embedder\.json$/);
  assert.deepEqual(options, {
    items: undefined,
    json: false,
    seed: 1,
    fruit: undefined,
    heldOut: false,
    cameras: 1,
    port: undefined,
    state: ".gradeline/demo",
    fresh: false,
  });
});

test("every option of the help is taken", () => {
  const argv =
    "--items 200 --json --seed 7 --fruit apples --held-out --cameras 2 --model m.json --port 8080 --state s --fresh".split(
      " ",
    );
  assert.deepEqual(parseDemoOptions(argv), {
    items: 200,
    json: true,
    seed: 7,
    fruit: "apples",
    heldOut: true,
    cameras: 2,
    model: "m.json",
    port: 8080,
    state: "s",
    fresh: true,
  });
  const told = [...HELP.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name).filter((name) => name !== "--help");
  assert.deepEqual(new Set(told), new Set(argv.filter((word) => word.startsWith("--"))));
  assert.equal(parseDemoOptions(["--help"]), undefined);
});

test("wrong options are refused by their name, with what was found and what is wanted", () => {
  for (const [argv, message] of [
    [["--items", "0"], /--items is "0", wanted a whole number from 1/],
    [["--items", "ten"], /--items is "ten"/],
    [["--items", ""], /--items is ""/],
    [["--seed", ""], /--seed is ""/],
    [["--seed", "1.5"], /--seed is "1\.5", wanted a whole number from 0/],
    [["--seed=-1"], /--seed is "-1"/],
    [["--port", "70000"], /--port is "70000", wanted a whole number from 0 to 65535/],
    [["--cameras", "3"], /--cameras is "3", wanted a whole number from 1 to 2/],
    [["--speed", "3"], /--speed/],
    [["apples"], /apples/],
  ] as const) {
    assert.throws(() => parseDemoOptions(argv), { code: "USAGE", message });
  }
});

test("fruit can be held out only of a folder of fruit", () => {
  assert.throws(() => parseDemoOptions(["--held-out"]), { code: "USAGE", message: /--held-out needs --fruit/ });
});
