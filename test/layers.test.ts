import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./layers.ts", import.meta.url));

/** Runs the check over made-up sources. */
function check(sources: Record<string, string>): { status: number | null; output: string } {
  const root = mkdtempSync(join(tmpdir(), "layers-"));
  try {
    for (const [path, source] of Object.entries(sources)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), source);
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, root], { encoding: "utf8" });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("imports that go down, and those within a module, pass", () => {
  const { status, output } = check({
    "device/lanes/lane.ts": 'import { a } from "../base/a.ts";\nimport { b } from "./b.ts";\nimport "node:fs";\n',
    "device/main.ts": 'import { station } from "./station/station.ts";\n',
    "calibrate/main.ts": 'import { a } from "../device/base/a.ts";\nimport { c } from "./commands/c.ts";\n',
  });
  assert.equal(status, 0, output);
  assert.match(output, /3 files, 0 imports go up/);
});

for (const [kind, source] of [
  ["plain", 'import { Lane } from "../lanes/lane.ts";'],
  ["type", 'import type { Lane } from "../lanes/lane.ts";'],
  ["inline type", 'import { type Lane } from "../lanes/lane.ts";'],
  ["re-exported", 'export * from "../lanes/lane.ts";'],
  ["dynamic", 'const { Lane } = await import("../lanes/lane.ts");'],
  ["type query", 'let lane: import("../lanes/lane.ts").Lane;'],
  ["side-effect", 'import "../lanes/lane.ts";'],
  ["thread's", 'new Worker(new URL("../lanes/camera-worker.ts", import.meta.url));'],
  ["many-line", 'import {\n  Lane,\n  Other,\n} from "../lanes/lane.ts";'],
] as const) {
  test(`a planted ${kind} import that goes up is found`, () => {
    const { status, output } = check({ "device/vision/belt.ts": `${source}\n` });
    assert.equal(status, 1);
    assert.match(
      output,
      /device\/vision\/belt\.ts imports device\/lanes\/.*: device\/lanes stands above device\/vision/,
    );
  });
}

test("the daemon imports nothing of the command line, and a capability no command", () => {
  const { status, output } = check({
    "device/gallery/store.ts": 'import { x } from "../../calibrate/cli/context.ts";',
    "calibrate/fit/fit.ts": 'import { y } from "../commands/fit.ts";',
  });
  assert.equal(status, 1);
  assert.match(output, /2 imports go up/);
});

test("a module without a place in the order is refused by name", () => {
  const { status, output } = check({ "device/attic/box.ts": "export {};\n" });
  assert.equal(status, 1);
  assert.match(output, /device\/attic has no place in the order of modules; give it one in test\/layers\.ts/);
});
