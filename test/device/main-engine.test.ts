import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Config, configSchema } from "../../device/config/schema.ts";
import { infoSchema } from "../../device/contract/messages.ts";
import { Board } from "../support/board.ts";
import type { Daemon } from "../support/daemon.ts";
import { GpuStandIn, withoutGpuStandIn } from "../support/gpu-stand-in.ts";
import { NotifySocket, withoutNotifySocket } from "../support/notify-socket.ts";

/** A board with TensorRT, as far as a stand-in for its libraries goes. */
describe("a daemon on a board with TensorRT", { skip: withoutGpuStandIn || withoutNotifySocket }, () => {
  let socket: NotifySocket;
  let gpu: GpuStandIn;
  const board = Board.forEachTest("aedes", async () => {
    mkdirSync(join(board.folder, "gpu"));
    gpu = GpuStandIn.build(join(board.folder, "gpu"));
    socket = await board.keep(NotifySocket.listen(join(board.folder, "notify")));
  });

  function start(embedder: Partial<Config["embedder"]>, environment: Record<string, string> = {}): Promise<Daemon> {
    const plain = configSchema.shape.embedder.parse({ maxBatch: 4, engineCache: join(board.folder, "engines") });
    const more = { embedder: { ...plain, ...embedder } };
    return board.start(board.line({ more }), { ...gpu.environment(environment), NOTIFY_SOCKET: socket.path });
  }

  test("its first start builds engines and tells systemd and the log of it; the next finds them", async () => {
    const { ears } = board;
    const info = () => ears.json("board/info").map((message) => infoSchema.parse(message).proof);
    const first = await start({ provider: "gpu" }, { STAND_IN_BUILD_MS: "1500" });
    const building = await socket.until((line) => /^STATUS=tensorrt engine for 1 views, 1 of 2, 1 s$/.test(line));
    await socket.until((line) => line === "EXTEND_TIMEOUT_USEC=30000000", building);
    await socket.until((line) => /^STATUS=tensorrt engine for 4 views, 2 of 2/.test(line), building);
    const ready = await socket.until((line) => line === "READY=1", building);
    await first.until(({ msg }) => msg === "tensorrt engine for 4 views, 2 of 2");
    await first.until(({ msg }) => /^tensorrt fp16 by ONNX Runtime .*engine [0-9a-f]{24} built in \d+ s/.test(msg));
    const built = await ears.until(() => info()[0]);
    assert.deepEqual([built.provider, built.engine?.cache, built.degraded], ["tensorrt", "absent", null]);
    assert.deepEqual(built.options.tensorrt?.trt_engine_cache_enable, "1");
    assert.deepEqual(await first.kill("SIGTERM"), { code: 0, signal: null });

    const second = await start({ provider: "auto" });
    await socket.until((line) => line === "READY=1", ready);
    await second.until(({ msg }) => /engine [0-9a-f]{24} cached/.test(msg));
    const found = await ears.until(() => info().find((proof) => proof.engine?.cache === "hit"));
    assert.equal(found.engine?.key, built.engine?.key);
  });

  test("stopped while it builds an engine it ends within a second or two, and the next start builds it", async () => {
    const first = await start({ provider: "gpu" }, { STAND_IN_BUILD_MS: "600000" });
    const building = await socket.until((line) => /^STATUS=tensorrt engine for 1 views, 1 of 2, 1 s$/.test(line));
    assert.deepEqual(await first.kill("SIGTERM"), { code: 0, signal: null });
    const second = await start({ provider: "gpu" });
    await socket.until((line) => line === "READY=1", building);
    await second.until(({ msg }) => /engine [0-9a-f]{24} built/.test(msg));
  });

  test("without its driver gpu refuses to start, and auto says that it runs on the CPU", async () => {
    const needs = { STAND_IN_NEEDS: "libcuda.so.99" };
    const refused = await start({ provider: "gpu" }, needs);
    assert.deepEqual(await refused.ended, { code: 1, signal: null });
    assert.match(refused.errors.join("\n"), /error: gpu was asked for: tensorrt cannot.*libcuda\.so\.99.*\nhint: /);
    await start({ provider: "auto" }, needs);
    const state = await board.ears.until(() => board.states.find((one) => one.state === "degraded"));
    assert.match(
      state.reasons.join(),
      /on the CPU although there should be a GPU: tensorrt cannot be used: .*libcuda\.so\.99/,
    );
  });
});
