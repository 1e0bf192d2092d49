import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { arm64 } from "../../../support/ort-arm64.ts";

const skip = process.env.GRADELINE_ARM64 === "1" ? false : "takes minutes and a network: GRADELINE_ARM64=1 emulates it";

/** A board's processor by emulation: the same code, the arm64 builds of Node, koffi and ONNX Runtime. */
describe("on arm64", { skip }, () => {
  let work: string;
  let start: Awaited<ReturnType<typeof arm64>>;
  before(async () => {
    work = mkdtempSync(join(tmpdir(), "gradeline-arm64-"));
    start = await arm64(work);
  });
  after(() => rmSync(work, { recursive: true }));

  function child(...args: string[]) {
    const [program, ...rest] = start("test/support/ort-child.ts", ...args);
    const { status, signal, stdout, stderr } = spawnSync(program!, rest, { encoding: "utf8" });
    const said = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    return { status, said, why: `status ${status}, signal ${signal}: ${stderr}` };
  }

  test("the shipped model gives its golden embeddings", () => {
    const { status, said, why } = child("embed", resolve("node_modules/onnxruntime-node/bin/napi-v6/linux/arm64"));
    assert.equal(status, 0, why);
    assert.ok(said[0].proof.golden.difference < 1e-5);
  });

  test("native and node give the same bits", () => {
    const { status, said, why } = child("compare");
    assert.equal(status, 0, why);
    assert.deepEqual(
      said.map(({ count }) => count),
      [1, 3],
    );
    for (const { native, node } of said) assert.equal(native, node);
  });

  test("leaving in the middle of a run neither crashes nor hangs", () => {
    const { status, said, why } = child("exit", "turn", "4");
    assert.equal(status, 7, why);
    assert.equal(said.at(-1).event, "exiting");
  });
});
