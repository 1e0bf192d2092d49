import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { ConfigInput } from "../../../device/config/schema.ts";
import { changes } from "../../../device/station/reload.ts";
import { Board } from "../../support/board.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { saveTinyGallery } from "../../support/daemon.ts";
import { Subscriber } from "../../support/subscriber.ts";

test("changes are named by their keys", () => {
  const before = { device: "a", lanes: [{ id: "a", gateMm: 1 }], mqtt: { url: "x" }, list: [1] };
  const after = { device: "a", lanes: [{ id: "a", gateMm: 2 }], mqtt: { url: "x", key: "k" }, list: [1, 2] };
  assert.deepEqual(changes(before, after), ["lanes[0].gateMm", "mqtt.key", "list"]);
  assert.deepEqual(changes(before, structuredClone(before)), []);
});

describe("SIGHUP", () => {
  const board = Board.forEachTest("aedes");
  const write = (config: ConfigInput | object) =>
    writeFile(join(board.folder, "gradeline.yaml"), JSON.stringify(config));

  test("changes the level of the log and the gallery, tells what needs a restart, and the daemon goes on", async () => {
    const config = board.line();
    const daemon = await board.started(config);
    await saveTinyGallery(config.gallery!, 9);
    const lanes = config.lanes.map((lane, index) => (index === 0 ? { ...lane, gateMm: 777 } : lane));
    await write({ ...config, log: { level: "debug" }, lanes });
    daemon.process.kill("SIGHUP");
    const told = await daemon.until(({ msg }) => msg === "the configuration has changes that need a restart");
    assert.deepEqual((told as { keys?: string[] }).keys, ["lanes[0].gateMm"]);
    const read = await daemon.until(({ msg }) => msg === "configuration read again");
    assert.deepEqual((read as { changed?: string[] }).changed, ["log.level"]);
    const loaded = await daemon.until(({ msg }) => msg === "gallery loaded again");
    assert.equal((loaded as { references?: number }).references, 9);
    assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  });

  test("a configuration that is wrong changes nothing and is told with its line", async () => {
    const config = board.line();
    const daemon = await board.started(config);
    await write({ ...config, log: { level: "debug" }, lanes: [{ id: "a" }] });
    daemon.process.kill("SIGHUP");
    const told = await daemon.until(({ msg }) => msg.startsWith("the configuration is not taken, the old one holds: "));
    assert.match(told.msg, /lanes\[0\]/);
    await write(config);
    daemon.process.kill("SIGHUP");
    const read = await daemon.until(({ msg }) => msg === "configuration read again");
    assert.deepEqual((read as { changed?: string[] }).changed, []);
  });

  test("another broker is gone to at once", async () => {
    const config = board.line();
    const daemon = await board.started(config);
    const other = await board.keep(await AedesBroker.start());
    const ears = await board.keep(Subscriber.connect(other.port, ["gradeline/board/#"], { protocolVersion: 4 }));
    await write({ ...config, mqtt: { ...config.mqtt, url: `mqtt://127.0.0.1:${other.port}` } });
    daemon.process.kill("SIGHUP");
    await ears.until(() => ears.json("board/state").find(({ state }) => state === "online") ?? undefined);
    assert.equal(board.states.at(-1)?.state !== "offline", true, "the old broker was told goodbye");
  });
});
