import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Proof } from "../../../../device/embed/proof.ts";
import { Child, type Said } from "../../../support/child.ts";
import { softwareVulkan } from "../../../support/ort-vulkan.ts";

/** WebGPU on a software driver stands in for a GPU: the same way through refusal, read-back, golden and timing. */
const vulkan = softwareVulkan();
const skip = "skip" in vulkan ? vulkan.skip : false;

async function open(twist: string, environment: Record<string, string>): Promise<Said> {
  const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const child = new Child("test/support/ort-child.ts", ["webgpu", twist], ["env", ...set]);
  await child.ended;
  assert.equal(child.process.exitCode, 0, `signal ${child.process.signalCode}`);
  return child.said.at(-1)!;
}

describe("a GPU that is proven", { skip }, () => {
  const environment = "environment" in vulkan ? vulkan.environment : {};

  test("all nodes are read back from it, and its embeddings are those of the CPU", async () => {
    const said = await open("plain", environment);
    assert.equal(said.event, "proven");
    const proof = said.proof as Proof;
    assert.equal(proof.provider, "webgpu");
    assert.equal(proof.fallbackRefused, true);
    assert.deepEqual(Object.keys(proof.nodes?.counts ?? {}), ["WebGpuExecutionProvider"]);
    assert.ok(proof.golden !== null && proof.golden.difference < 1e-5);
    assert.equal(proof.golden.from, "model");
    assert.deepEqual(proof.batches, [1, 4, 8]);
    assert.ok(proof.p50Ms > 0 && proof.cpuP50Ms! > 0);
  });

  test("a model with a node that it cannot run is refused, not run on the CPU in part", async () => {
    const said = await open("double", environment);
    assert.deepEqual([said.event, said.code], ["refused", "PROVIDER"]);
    assert.match(
      said.message as string,
      /assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled/,
    );
  });

  test("a GPU that computes something else is refused", async () => {
    const said = await open("wrong", environment);
    assert.deepEqual([said.event, said.code], ["refused", "PROVIDER"]);
    assert.match(said.message as string, /golden embeddings differ/);
  });

  test("a GPU whose driver is gone is refused with the library's reason", async () => {
    const said = await open("plain", { VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json" });
    assert.deepEqual([said.event, said.code], ["refused", "PROVIDER"]);
    assert.match(said.message as string, /webgpu cannot be used: .*adapter/s);
  });
});
