import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { describeGpu } from "../../device/embed/native/gpu.ts";
import { runProgram } from "../support/gallery-photos.ts";
import { withoutGpuStandIn } from "../support/gpu-stand-in.ts";
import { softwareVulkan } from "../support/ort-vulkan.ts";

const here = describeGpu(0);
const vulkan = softwareVulkan();

interface Result {
  readonly skipped?: string;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly detail: string }[];
}

async function gpuChecks(...args: string[]): Promise<{ readonly status: number | null; readonly result: Result }> {
  const folder = mkdtempSync(join(tmpdir(), "gradeline-gpu-test-"));
  try {
    const json = join(folder, "gpu.json");
    const { status } = await runProgram("test/gpu/main.ts", ["--json", json, ...args]);
    return { status, result: JSON.parse(readFileSync(json, "utf8")) as Result };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("without a GPU the checks are skipped, with the part that is missing", {
  skip: "absent" in here ? false : "this machine has a GPU",
}, async () => {
  const { status, result } = await gpuChecks();
  assert.deepEqual([status, result.checks], [0, []]);
  assert.match(result.skipped ?? "", /no NVIDIA GPU \(libcuda\.so\.1/);
  const doctor = await runProgram("calibrate/main.ts", ["doctor", "--gpu", "--json"]);
  assert.equal(doctor.status, 0, doctor.stderr);
  assert.match((JSON.parse(doctor.stdout) as Result).skipped ?? "", /no NVIDIA GPU/);
});

describe("the checks on a Vulkan driver in software", { skip: "skip" in vulkan ? vulkan.skip : false }, () => {
  test("the proof passes, and a driver that is hidden is refused", async () => {
    const proof = await gpuChecks("--stand-in", "webgpu", "--quick", "--only", "proof");
    assert.deepEqual([proof.status, proof.result.checks.map(({ state }) => state)], [0, ["ok"]]);
    const refusal = await gpuChecks("--stand-in", "webgpu", "--quick", "--only", "driver");
    assert.deepEqual([refusal.status, refusal.result.checks.map(({ state }) => state)], [0, ["ok"]]);
    assert.match(refusal.result.checks[0]!.detail, /webgpu cannot be used/);
  });
});

describe("the checks on a library that answers as CUDA and TensorRT", { skip: withoutGpuStandIn }, () => {
  test("engines are built, found again, and built anew where they are stale or torn", async () => {
    const { status, result } = await gpuChecks("--stand-in", "calls", "--quick", "--only", "engine");
    assert.deepEqual([status, result.checks.map(({ state }) => state)], [0, ["ok"]], JSON.stringify(result));
  });

  test("what no time is left for is named, not passed over", async () => {
    const { status, result } = await gpuChecks("--stand-in", "calls", "--minutes", "0.01");
    assert.equal(status, 0);
    assert.ok(result.checks.length > 10);
    for (const { state, detail } of result.checks)
      assert.deepEqual([state, /no time left|no memory/.test(detail)], ["skipped", true]);
  });
});
