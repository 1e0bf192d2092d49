import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { hasNvidiaGpu } from "../../device/embed/nvidia.ts";

const skip = hasNvidiaGpu() && "there is an NVIDIA GPU: these tests are about machines without one";

function engine(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["calibrate/main.ts", "engine", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("without TensorRT no engine is built, and all that is missing is named at once", { skip }, () => {
  const { status, stdout, stderr } = engine();
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(
    stderr,
    /^error: there are no TensorRT engines without TensorRT: no NVIDIA GPU answers \(libcuda\.so\.1: /,
  );
  assert.match(stderr, /no build of ONNX Runtime with TensorRT was found\nhint: .*provider cpu/);
});

test("the same for programs", { skip }, () => {
  const { status, stdout } = engine("--json", "--precision", "int8");
  assert.equal(status, 1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  assert.equal(error.code, "PROVIDER");
});

test("wrong use is told from what is missing", () => {
  assert.equal(engine("--precision", "fp8").status, 2);
  assert.equal(engine("--max-batch", "0").status, 2);
  const { status, stdout } = engine("--help");
  assert.equal(status, 0);
  assert.match(stdout, /Examples:\n {2}gradeline-calibrate engine --config/);
});
