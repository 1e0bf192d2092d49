import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { Liveness, Systemd } from "../../../device/base/systemd.ts";
import { NotifySocket, withoutNotifySocket } from "../../support/notify-socket.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("a stage that has work and gets none of it done is found after the limit, others never", () => {
  const liveness = new Liveness(1000);
  const at = (ms: number, waiting: boolean, done: number) =>
    liveness.stalled(
      [
        { name: "inference", waiting, done },
        { name: "camera", waiting: true, done: ms },
        { name: "acknowledgement", waiting: false, done: 0 },
      ],
      ms,
    );
  assert.equal(at(0, true, 5), undefined);
  assert.equal(at(999, true, 5), undefined);
  assert.equal(at(1000, true, 5), "inference");
  assert.equal(at(1500, true, 6), undefined, "it got something done");
  assert.equal(at(2400, false, 6), undefined, "it has nothing to do");
  assert.equal(at(3300, true, 6), undefined, "its time begins with its work");
  assert.equal(at(3400, true, 6), "inference");
});

test("the watchdog is fed four times in its period, and the status told every five seconds", {
  skip: withoutNotifySocket,
}, async (t) => {
  const folder = await temporaryFolder(t);
  const socket = await NotifySocket.listen(join(folder, "notify"));
  t.after(() => socket.close());
  t.mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const pass = (ms: number) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  const systemd = await Systemd.open({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "20000000" }, createLog("silent"));
  t.after(() => systemd.close());
  let status = "two lanes run";
  const inference = { name: "inference", waiting: true, done: 0 };
  systemd.running({ status: () => status, vitals: () => [inference] });
  // What was told so far; a line of its own shows that nothing else is on its way.
  const told = async (mark: string) => {
    systemd.starting(mark);
    await socket.until((line) => line === `STATUS=${mark}`);
    return socket.told.filter((line) => line === "WATCHDOG=1").length;
  };
  assert.equal(await told("begun"), 1);
  for (let quarter = 1; quarter <= 4; quarter++) {
    pass(4999);
    assert.equal(await told(`before ${quarter}`), quarter);
    inference.done++;
    status = `${quarter} quarters passed`;
    pass(1);
    assert.equal(await told(`after ${quarter}`), quarter + 1);
    assert.ok(socket.told.includes(`STATUS=${status}`));
  }
  // Nothing gets done any more: it is fed for the rest of its period, then never again.
  for (let quarter = 1; quarter <= 3; quarter++) pass(5000);
  assert.equal(await told("hung"), 8);
  for (let quarter = 1; quarter <= 3; quarter++) pass(5000);
  assert.equal(await told("dead"), 8);
  assert.ok(socket.told.includes("STATUS=inference does not advance"));
  inference.done++;
  pass(5000);
  assert.equal(await told("again"), 9);
});

test("without a socket nothing is loaded and nothing told", async () => {
  const systemd = await Systemd.open({ WATCHDOG_USEC: "1000" }, createLog("silent"));
  systemd.starting("loading");
  systemd.running({ status: () => assert.fail("nobody asks"), vitals: () => assert.fail("nobody asks") });
  systemd.stopping();
  systemd.close();
});

test("a socket that cannot be used is an error with the reason, within seconds", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "stream");
  const server = createServer().listen(path);
  t.after(() => server.close());
  const tries: readonly [address: string, found: RegExp][] = [
    [join(folder, "missing"), /ENOENT/],
    [path, /EPROTOTYPE/],
    ["relative/path", /wanted a path or @name/],
    ["@", /wanted a path or @name/],
    [`/${"x".repeat(200)}`, /at most 107 bytes/],
    ["@gradeline-nobody-listens-here", /ECONNREFUSED/],
  ];
  for (const [address, found] of tries) {
    await assert.rejects(Systemd.open({ NOTIFY_SOCKET: address }, createLog("silent")), (error: Error) => {
      assert.match(error.message, found);
      assert.match(error.message, /^NOTIFY_SOCKET .* cannot be used/);
      return true;
    });
  }
});

test("a socket that nobody reads is an error and never holds the daemon", { skip: withoutNotifySocket }, async (t) => {
  const folder = await temporaryFolder(t);
  const socket = await NotifySocket.listen(join(folder, "notify"), ["deaf"]);
  t.after(() => socket.close());
  const environment = { NOTIFY_SOCKET: socket.path };
  const open = () => Systemd.open(environment, createLog("silent"));
  const openUntilFull = async () => {
    for (let tries = 0; tries < 2000; tries++) (await open()).close();
  };
  await assert.rejects(openUntilFull, /nobody reads it for 4 s/);
});

test("a reload is told with its time, and ends with READY", { skip: withoutNotifySocket }, async (t) => {
  const folder = await temporaryFolder(t);
  const socket = await NotifySocket.listen(join(folder, "notify"));
  t.after(() => socket.close());
  const systemd = await Systemd.open({ NOTIFY_SOCKET: socket.path }, createLog("silent"));
  t.after(() => systemd.close());
  systemd.running({ status: () => "online", vitals: () => [] });
  const at = await socket.until((line) => line === "READY=1");
  let during = false;
  await systemd.reloading(async () => {
    during = true;
  });
  assert.ok(during);
  const reloading = await socket.until((line) => line === "RELOADING=1", at);
  const time = await socket.until((line) => /^MONOTONIC_USEC=\d+$/.test(line), reloading);
  await socket.until((line) => line === "READY=1", time);
});
