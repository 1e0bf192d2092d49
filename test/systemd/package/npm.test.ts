import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import manifest from "../../../package.json" with { type: "json" };

test("npm pack holds the sources and no tests", () => {
  const text = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
  const [packed] = JSON.parse(text) as { files: { path: string }[] }[];
  const paths = packed!.files.map(({ path }) => path);
  assert.ok(paths.includes("device/main.ts") && paths.includes("calibrate/main.ts"));
  assert.deepEqual(
    paths.filter((path) => /^(test|dist|models\/train|\.ci)\//.test(path) || path.endsWith(".test.ts")),
    [],
  );
  assert.equal(manifest.private, true);
});

test("a global installation says what to do instead, and ends", () => {
  const script = manifest.scripts.preinstall.split(" ")[1]!;
  const run = (global: string) =>
    spawnSync(process.execPath, [script], { encoding: "utf8", env: { ...process.env, npm_config_global: global } });
  const { status, stderr } = run("true");
  assert.equal(status, 1);
  assert.match(stderr, /apt install .*\.deb/);
  assert.match(stderr, /npm ci/);
  assert.equal(run("").status, 0);
});
