import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Config, configSchema } from "../../device/config/schema.ts";
import { infoSchema } from "../../device/contract/messages.ts";
import { Board } from "../support/board.ts";
import type { Daemon } from "../support/daemon.ts";
import { softwareVulkan } from "../support/ort-vulkan.ts";

/** WebGPU on a software driver stands in for a GPU: the daemon proves it, refuses to start without it, or says so. */
const vulkan = softwareVulkan();
const skip = "skip" in vulkan ? vulkan.skip : false;
const withGpu = "environment" in vulkan ? vulkan.environment : {};
const withoutGpu = { VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json" };

describe("a daemon that is to use a GPU", { skip }, () => {
  const board = Board.forEachTest("aedes");

  function start(embedder: Partial<Config["embedder"]>, environment: Record<string, string>): Promise<Daemon> {
    const more = { embedder: { ...configSchema.shape.embedder.parse({ maxBatch: 4 }), ...embedder } };
    return board.start(board.line({ more }), environment);
  }
  const proof = async () => infoSchema.parse(await board.ears.until(() => board.ears.json("board/info")[0])).proof;

  for (const backend of ["node", "native"] as const) {
    test(`${backend}: its proof stands in info, on the page's interface and in the log`, async () => {
      const daemon = await start({ backend, provider: "webgpu" }, withGpu);
      const page = await daemon.ready();
      const told = await proof();
      assert.deepEqual([told.backend, told.provider, told.fallbackRefused], [backend, "webgpu", true]);
      assert.deepEqual(Object.keys(told.nodes?.counts ?? {}), ["WebGpuExecutionProvider"]);
      assert.ok(told.golden !== null && told.golden.cosine > 0.99999, JSON.stringify(told.golden));
      assert.equal(told.golden.from, "model");
      assert.ok(told.p50Ms > 0 && told.cpuP50Ms! > 0);
      assert.equal(told.degraded, null);
      const status = (await (await fetch(new URL("/api/status", page))).json()) as { model: { proof: unknown } };
      assert.deepEqual(status.model.proof, told);
      const line = daemon.log.find(({ msg }) => msg.startsWith("webgpu fp32 by ONNX Runtime"));
      assert.match(line?.msg ?? "", /nodes .*golden cosine .*p50 .* on the CPU/);
    });

    test(`${backend}: without its driver it refuses to start and says why`, async () => {
      const daemon = await start({ backend, provider: "webgpu" }, withoutGpu);
      assert.deepEqual(await daemon.ended, { code: 1, signal: null });
      assert.match(daemon.errors.join("\n"), /error: webgpu .*adapter[\s\S]*hint: /i);
      assert.deepEqual(board.ears.on("board/info"), []);
    });

    test(`${backend}: where it may end on the CPU, it says so in state, info and the log`, async () => {
      const daemon = await start({ backend, provider: "auto", webgpu: true }, withoutGpu);
      const told = await proof();
      assert.equal(told.provider, "cpu");
      assert.equal(told.refused.at(-1)?.provider, "webgpu");
      assert.match(told.degraded ?? "", /on the CPU although there should be a GPU: .*webgpu/);
      const state = await board.ears.until(() => board.states.find((one) => one.state === "degraded"));
      assert.match(state.reasons.join(), /^embedding: the model runs on the CPU/);
      const line = await daemon.until(({ msg, level }) => msg === "degraded" && level === "warn");
      assert.match(line.reasons?.join() ?? "", /embedding: the model runs on the CPU/);
      assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
    });
  }

  test("gpu never ends on the CPU", async () => {
    for (const backend of ["node", "native"] as const) {
      const daemon = await start({ backend, provider: "gpu" }, withGpu);
      assert.deepEqual(await daemon.ended, { code: 1, signal: null });
      assert.match(daemon.errors.join("\n"), /cuda .*cannot be used/);
    }
  });
});
