import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatMicros, nowMicros } from "../../../device/base/time.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { Gate } from "../../support/broker-gate.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Child } from "../../support/child.ts";
import { freePort } from "../../support/free-port.ts";
import { forEachTest, make, online, seqs, upTo } from "../../support/publisher-test.ts";
import { Publishing } from "../../support/publishing.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { draft } from "../../support/verdicts.ts";

const CHILD = "test/support/publisher-child.ts";
const skip = withoutMosquitto;

const each = forEachTest();
const { keep, open } = each;

test("verdicts are durable while no broker is there, and reach it in order when one appears", { skip }, async () => {
  const broker = keep(await Mosquitto.prepare());
  const line = await open({ port: broker.port });
  line.publisher.retain("state", online());
  await make(line, 1, 30);
  await line.until(() => line.log.some(({ msg }) => msg === "no connection to the broker, trying on"));
  assert.equal(line.publisher.health.broker.state, "connecting");
  assert.match(line.publisher.health.broker.reason!, /ECONNREFUSED/);
  assert.equal(line.publisher.health.journal.depth, 30);
  await broker.start();
  await line.until(() => line.acked.length === 30);
  assert.deepEqual(
    line.acked.map(({ seq }) => seq),
    upTo(30),
  );
  const late = keep(await Subscriber.connect(broker.port, ["gradeline/#"]));
  assert.equal((await late.count("/state", 1))[0]?.packet.retain, true);
  assert.equal(late.json("/state")[0]?.state, "online");
});

test("a missing broker is logged once, not at each try", async () => {
  const line = await open({ port: await freePort() });
  await line.until(() => line.log.filter(({ msg }) => /trying on/.test(msg)).length >= 6);
  assert.equal(line.log.filter(({ level }) => level >= 40).length, 1);
});

test("a verdict reaches a subscriber on its lane's topic with QoS 1, not retained", { skip }, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"]));
  const line = await open({ port: broker.port });
  const [verdict] = await make(line, 1, 1, "left");
  const [heard] = await ears.count("/verdict", 1);
  assert.equal(heard?.topic, "gradeline/board/lane/left/verdict");
  assert.deepEqual(JSON.parse(heard!.text), verdict);
  assert.deepEqual([heard?.packet.qos, heard?.packet.retain], [1, false]);
  assert.equal(heard?.packet.properties?.contentType, "application/json");
  await line.until(() => line.acked.length === 1);
  assert.deepEqual(line.acked[0], verdict);
});

test("after the broker was killed and came back every verdict arrives once more in order, none is lost", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const gate = keep(await Gate.to(broker.port));
  let ears = keep(await Subscriber.connect(broker.port, ["gradeline/+/lane/+/verdict"]));
  const line = await open({ port: gate.port });
  const before = make(line, 1, 200);
  await ears.count("/verdict", 50);
  await broker.kill("SIGKILL");
  const first = seqs(ears);
  gate.shut();
  await before;
  await make(line, 201, 300);
  await broker.start();
  ears = keep(await Subscriber.connect(broker.port, ["gradeline/+/lane/+/verdict"]));
  gate.open();
  await ears.until(() => (seqs(ears).at(-1) === 300 ? true : undefined));
  const second = seqs(ears);
  // The second part begins where acknowledgements ended, at most one window before the last that was heard.
  assert.deepEqual(second, upTo(300).slice(second[0]! - 1));
  assert.ok(second[0]! <= first.at(-1)! + 1 && second[0]! > first.at(-1)! - 20, `${first.at(-1)} then ${second[0]}`);
  assert.deepEqual(first, upTo(first.length));
  await line.until(() => line.publisher.health.journal.depth === 0 || line.acked.at(-1)?.seq === 300);
});

test("a backlog is handed over a window at a time", { skip }, async () => {
  const broker = keep(await Mosquitto.prepare(["max_inflight_messages 3"]));
  const line = await open({ port: broker.port, mqtt: { window: 50 } });
  line.publisher.retain("state", online());
  await make(line, 1, 400);
  await broker.start();
  // The broker announces its limit at connection and would hang up on a client that goes beyond it.
  await line.until(() => line.acked.length === 400);
  assert.deepEqual(
    line.acked.map(({ seq }) => seq),
    upTo(400),
  );
  assert.equal(line.publisher.health.broker.connects, 1);
});

test("retained topics hold the latest message, and are there again after the broker has forgotten them", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.prepare());
  const line = await open({ port: broker.port });
  const stats = (items: number) => ({
    at: formatMicros(nowMicros()),
    lane: "a",
    items,
    outcomes: { graded: items, unknown: 0, unsure: 0, foreign: 0, empty: 0, "no-image": 0 },
    grades: { sound: items },
    late: 0,
    itemsPerS: 1,
    enrolling: null,
    drift: { learned: 0, learntFrom: null, findings: [], signals: [] },
  });
  line.publisher.retain("state", online());
  for (let items = 1; items <= 1000; items++) line.publisher.retain("laneStats", stats(items));
  for (const round of [1, 2]) {
    await broker.start();
    const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
    await ears.until(() => (ears.json("/lane/a/stats").at(-1)?.items === 1000 ? true : undefined));
    assert.ok(ears.on("/stats").length <= 2, `round ${round}: ${ears.on("/stats").length} messages`);
    assert.equal(ears.json("/state").at(-1)?.state, "online");
    await ears.close();
    await broker.kill();
  }
});

test("a message that breaks the contract is not published and is logged", async () => {
  const broker = keep(await AedesBroker.start());
  const line = await open({ port: broker.port });
  line.publisher.retain("state", { ...online(), at: "yesterday" });
  assert.ok(line.log.some(({ level, msg }) => level === 50 && /not as promised/.test(msg)));
});

test("the broker says offline when the daemon is killed, and the daemon says stopped when it ends", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"]));
  const path = join(each.folder, "j.sqlite");
  const killed = new Child(CHILD, [path, String(broker.port), "1", "1"]);
  await ears.count("/state", 1);
  await killed.kill();
  await ears.count("/state", 2);
  const ended = new Child(CHILD, [path, String(broker.port), "2", "2"]);
  await ended.until(({ event, seq }) => event === "acked" && seq === 2);
  await ended.kill("SIGTERM");
  await ears.count("/state", 4);
  assert.deepEqual(
    ears.json("/state").map(({ state }) => state),
    ["online", "offline", "online", "stopped"],
  );
  assert.equal(ears.json("/state")[1]?.at, null);
  const late = keep(await Subscriber.connect(broker.port, ["gradeline/board/state"]));
  await late.count("/state", 1);
  assert.equal(late.json("/state")[0]?.state, "stopped");
});

test("a daemon killed again and again loses no durable verdict, repeats only itself and leaves no gap", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"]));
  const path = join(each.folder, "j.sqlite");
  const durable: string[] = [];
  let from = 1;
  for (let life = 0; life < 4; life++) {
    const child = new Child(CHILD, [path, String(broker.port), String(from), "1000000"]);
    await child.until(({ event }) => event === "acked" && child.all("durable").length >= 30 * (life + 1));
    await child.kill();
    durable.push(...child.all("durable").map(({ lane, seq, item }) => `${lane} ${seq} ${item}`));
    from += 100_000;
  }
  const last = new Child(CHILD, [path, String(broker.port), String(from), String(from)]);
  const end = (lane: string) => ears.json("/verdict").some(({ item }) => item === `${lane}-run-${from}`);
  await ears.until(() => (end("a") && end("b") ? true : undefined));
  await last.kill("SIGTERM");
  const heard = ears.json("/verdict").map(({ lane, seq, item }) => `${lane} ${seq} ${item}`);
  const known = new Set(heard);
  assert.deepEqual(
    durable.filter((verdict) => !known.has(verdict)),
    [],
  );
  for (const lane of ["a", "b"]) {
    const own = [...known].filter((text) => text.startsWith(lane)).map((text) => Number(text.split(" ")[1]));
    assert.deepEqual(
      own.toSorted((x, y) => x - y),
      upTo(own.length),
    );
  }
});

test("closing hands over what is durable before it says stopped", { skip }, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"]));
  const line = await Publishing.open({ port: broker.port });
  await line.connected();
  await make(line, 1, 300);
  await line.publisher.close();
  assert.equal(line.acked.length, 300);
  await ears.count("/state", 1);
  assert.deepEqual(
    ears.heard.map(({ topic }) => topic.split("/").at(-1)),
    [...upTo(300).map(() => "verdict"), "state"],
  );
  await line.close();
  await assert.rejects(line.publisher.take(draft("a", 301)).durable, { code: "CLOSED" });
});

test("fresh verdicts go before the backlog when the broker comes back, and late ones are marked", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const gate = keep(await Gate.to(broker.port));
  gate.shut();
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/+/lane/+/verdict"]));
  const line = await open({ port: gate.port });
  await make(line, 1, 3000);
  gate.open();
  await line.connected();
  await make(line, 3001, 3001);
  await ears.until(() => (seqs(ears).includes(3001) ? true : undefined));
  const before = seqs(ears).indexOf(3001);
  assert.ok(before < 1000, `${before} of the backlog went first`);
  await ears.until(() => (seqs(ears).length === 3001 ? true : undefined));
  const heard = ears.json("/verdict");
  const late = heard.filter(({ backlog }) => backlog === true).map(({ seq }) => seq);
  assert.deepEqual(late, upTo(3000));
  assert.equal(heard.find(({ seq }) => seq === 3001)?.backlog, undefined);
});

test("kept verdicts are published again on request, as backlog", { skip }, async () => {
  const broker = keep(await Mosquitto.start());
  const line = await open({ port: broker.port });
  await make(line, 1, 20);
  await line.until(() => line.acked.length === 20);
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/+/lane/+/verdict"]));
  assert.equal(await line.publisher.replay({ lane: "a", fromSeq: 5, toSeq: 9 }), 5);
  await ears.count("/verdict", 5);
  assert.deepEqual(seqs(ears), [5, 6, 7, 8, 9]);
  assert.ok(ears.json("/verdict").every(({ backlog }) => backlog === true));
  assert.equal(await line.publisher.replay({ lane: "none" }), 0);
});

test("closing without a broker does not wait for one", async () => {
  const line = await Publishing.open({ port: await freePort() });
  await make(line, 1, 3);
  await line.close();
  assert.equal(line.publisher.health.broker.state, "closed");
});

const prlimit = spawnSync("prlimit", ["--version"]).status === 0 && existsSync("/bin/bash");
test("while the disk takes nothing verdicts wait, and go out without a gap when it does again", {
  skip: prlimit ? false : "needs the packages util-linux (prlimit) and bash",
}, async () => {
  const broker = keep(await AedesBroker.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"], { protocolVersion: 4 }));
  const args = [join(each.folder, "j.sqlite"), String(broker.port), "1", "100000"];
  const child = new Child(CHILD, args, ["/bin/bash", "-c", 'ulimit -S -f 700; exec "$@"', "bash"]);
  keep({ close: () => child.kill() });
  await child.until(({ msg }) => msg === "the journal takes no verdicts");
  const before = child.all("durable").length;
  execFileSync("prlimit", ["--pid", String(child.process.pid), "--fsize=unlimited"]);
  await child.until(({ msg }) => msg === "the journal takes verdicts again");
  await child.until(() => child.all("durable").length > before + 20);
  await child.kill("SIGTERM");
  await ears.until(() => (ears.json("/state").at(-1)?.state === "stopped" ? true : undefined));
  for (const lane of ["a", "b"]) {
    const heard = ears.json(`/${lane}/verdict`).map(({ seq }) => Number(seq));
    heard.sort((one, other) => one - other);
    assert.deepEqual(heard, upTo(child.all("durable").filter((said) => said.lane === lane).length));
  }
});
