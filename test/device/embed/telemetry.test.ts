import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { packagedLibrary } from "../../../device/embed/native/search.ts";
import { TINY } from "../../support/embedder-tiny.ts";

/*
 * ONNX Runtime's reporting chews through the command line by expressions that overflow a thread's stack on a long one:
 * the folder of a thousand pictures that a shell wrote out. That it does not come so far shows that it is off.
 */
const MANY = Array.from({ length: 2000 }, (_, i) => `photos/a-folder-of-pictures/${i}.jpg`);

for (const backend of ["node", "native"] as const) {
  const library = packagedLibrary();
  const skip = backend === "native" && library === undefined && "needs the library of the package onnxruntime-node";
  test(`a long command line is not reported, and harms nothing: ${backend}`, { skip }, () => {
    const settings = JSON.stringify({
      provider: "cpu",
      backend,
      ...(backend === "native" ? { library } : {}),
    });
    const environment = { ...process.env };
    delete environment.ORT_DISABLE_TELEMETRY;
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      ["test/support/spawn-embedder.ts", TINY, settings, ...MANY],
      { env: environment, encoding: "utf8" },
    );
    assert.deepEqual([status, signal, stdout], [0, null, "cpu\n"], stderr);
  });
}
