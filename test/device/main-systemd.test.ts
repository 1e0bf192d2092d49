import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Board } from "../support/board.ts";
import { Gate } from "../support/broker-gate.ts";
import type { Daemon } from "../support/daemon.ts";
import { NotifySocket, withoutNotifySocket } from "../support/notify-socket.ts";

describe("what a daemon tells systemd", { skip: withoutNotifySocket }, () => {
  let gate: Gate;
  let socket: NotifySocket;
  const board = Board.forEachTest("aedes", async () => {
    gate = await board.keep(Gate.to(board.brokerPort));
    socket = await board.keep(NotifySocket.listen(join(board.folder, "notify")));
  });

  function start(environment: Record<string, string> = {}): Promise<Daemon> {
    return board.start(board.line({ brokerPort: gate.port }), { NOTIFY_SOCKET: socket.path, ...environment });
  }

  test("how far its start is, with more time for it; that it runs, after everything does; that it ends", async () => {
    const daemon = await start();
    const ready = await socket.until((line) => line === "READY=1");
    await daemon.ready();
    const before = socket.told.slice(0, ready);
    assert.ok(
      before.some((line) => /^STATUS=loading .*tiny\.json$/.test(line)),
      before.join("\n"),
    );
    assert.ok(
      before.some((line) => /^STATUS=proof of cpu|^STATUS=opening journal/.test(line)),
      before.join("\n"),
    );
    assert.ok(before.includes("EXTEND_TIMEOUT_USEC=30000000"));
    await socket.until((line) => /^STATUS=(online|degraded).*items decided.* on cpu/.test(line), ready);
    await daemon.kill("SIGTERM");
    await socket.until((line) => line === "STOPPING=1", ready);
    assert.ok(!socket.told.includes("WATCHDOG=1"), "nobody asked for it");
  });

  test("the watchdog is fed while acknowledgements come, not while they do not, and again when they do", async () => {
    await start({ WATCHDOG_USEC: "1000000" });
    const ready = await socket.until((line) => line === "READY=1");
    let at = ready;
    for (let fed = 0; fed < 4; fed++) at = await socket.until((line) => line === "WATCHDOG=1", at);
    gate.hold();
    const stalled = await socket.until((line) => line === "STATUS=acknowledgement does not advance", at);
    gate.release();
    const again = await socket.until((line) => line === "WATCHDOG=1", stalled);
    assert.ok(again > stalled);
  });

  test("a SIGHUP that comes while it starts is heard once it runs", async () => {
    const daemon = await start();
    await socket.until((line) => line.startsWith("STATUS=loading"));
    daemon.process.kill("SIGHUP");
    const ready = await socket.until((line) => line === "READY=1");
    const reading = await socket.until((line) => line === "RELOADING=1", ready);
    await socket.until((line) => line === "READY=1", reading);
    await daemon.until(({ msg }) => msg === "configuration read again");
  });

  test("a watchdog that is meant for another process is not fed", async () => {
    const daemon = await start({ WATCHDOG_USEC: "400000", WATCHDOG_PID: "1" });
    await socket.until((line) => line === "READY=1");
    await daemon.kill("SIGTERM");
    await socket.until((line) => line === "STOPPING=1");
    assert.ok(!socket.told.includes("WATCHDOG=1"));
  });

  test("it ends by itself while it still starts, and while its broker takes nothing", async () => {
    const starting = await start();
    await socket.until((line) => line.startsWith("STATUS=loading"));
    assert.deepEqual(await starting.kill("SIGTERM"), { code: 0, signal: null });
    const daemon = await start();
    const ready = await socket.until((line) => line === "READY=1");
    await socket.until((line) => /^STATUS=.* [1-9]\d* items decided/.test(line), ready);
    gate.hold();
    assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
    assert.ok(!daemon.errors.some((line) => line.includes("cut off")), daemon.errors.join("\n"));
  });
});
