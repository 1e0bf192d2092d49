import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { freePort } from "../../support/free-port.ts";
import { forEachTest, make, seqs, upTo } from "../../support/publisher-test.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { draft } from "../../support/verdicts.ts";

const _CHILD = "test/support/publisher-child.ts";
const skip = withoutMosquitto;

const each = forEachTest();
const { keep, open } = each;

test("a refused login is told with a hint, the line goes on, and a corrected password is taken", { skip }, async () => {
  const made = join(each.folder, "passwords");
  const { status } = spawnSync("mosquitto_passwd", ["-c", "-b", made, "gradeline", "right"], { stdio: "ignore" });
  assert.equal(status, 0, "mosquitto_passwd");
  const broker = keep(await Mosquitto.start(["allow_anonymous false", `password_file ${made}`]));
  const file = join(each.folder, "password");
  await writeFile(file, "wrong\n");
  const line = await open({ port: broker.port, mqtt: { username: "gradeline", password: { file } } });
  await make(line, 1, 5);
  await line.until(() => line.publisher.health.broker.state === "refused");
  const told = line.log.find(({ msg }) => /turned away/.test(msg));
  assert.match(told?.reason ?? "", /Not authorized/i);
  assert.match(told?.hint ?? "", /mqtt\.username/);
  assert.equal(line.publisher.health.journal.depth, 5);
  await writeFile(file, "right\n");
  await line.until(() => line.acked.length === 5);
  assert.equal(line.publisher.health.broker.state, "connected");
  assert.doesNotMatch(JSON.stringify(line.log), /"wrong|"right/);
});

test("a login that a 3.1.1 broker refuses is told, and taken once the broker changes its mind", async () => {
  const broker = keep(await AedesBroker.start());
  let welcome = false;
  broker.aedes.authenticate = (_client, _name, _password, done) => {
    if (welcome) done(null, true);
    else done(Object.assign(new Error("no"), { returnCode: 4 as const }), false);
  };
  const line = await open({ port: broker.port });
  await line.until(() => line.publisher.health.broker.state === "refused");
  assert.match(line.publisher.health.broker.reason!, /[Bb]ad user ?name or password/);
  welcome = true;
  await line.connected();
});

test("an old broker that answers MQTT 5 with a refusal is spoken to in 3.1.1", async () => {
  const broker = keep(await AedesBroker.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"], { protocolVersion: 4 }));
  const line = await open({ port: broker.port });
  await make(line, 1, 50);
  await ears.count("/verdict", 50);
  // Fresh ones go before those that waited for the connection.
  assert.deepEqual(
    seqs(ears).toSorted((a, b) => a - b),
    upTo(50),
  );
  assert.equal(line.publisher.health.broker.protocol, "3.1.1");
});

test("an old broker that hangs up on MQTT 5 is spoken to in 3.1.1", async () => {
  const broker = keep(await AedesBroker.start());
  const picky = keep(await hangsUpOn5(broker));
  const line = await open({ port: picky.port });
  await make(line, 1, 3);
  await line.until(() => line.acked.length === 3);
  assert.equal(line.publisher.health.broker.protocol, "3.1.1");
});

test("where the configuration insists on MQTT 5 an old broker is a refusal with a hint", async () => {
  const broker = keep(await AedesBroker.start());
  const line = await open({ port: broker.port, mqtt: { protocol: "5" } });
  await line.until(() => line.publisher.health.broker.state === "refused");
  assert.match(line.log.at(-1)?.hint ?? "", /mqtt\.protocol/);
});

test("verdicts that a broker refuses stay in the journal; the refusal is told and other lanes go on", {
  skip,
}, async () => {
  const broker = keep(
    await Mosquitto.start(["acl_file %/acl"], {
      acl: "topic readwrite gradeline/board/state\ntopic write gradeline/board/lane/b/verdict\ntopic read #\n",
    }),
  );
  const line = await open({ port: broker.port });
  await make(line, 1, 3);
  await line.until(() => line.publisher.health.broker.refused.length > 0);
  for (const n of [1, 2, 3]) await line.publisher.take(draft("b", n)).durable;
  await line.until(() => line.acked.length === 3);
  await line.publisher.take(draft("b", 4)).durable;
  await line.until(() => line.acked.length === 4);
  const { broker: state, journal } = line.publisher.health;
  assert.deepEqual(state.refused, [
    { topic: "gradeline/board/lane/a/verdict", reason: "the broker refuses it: Not authorized" },
  ]);
  assert.deepEqual([state.state, state.connects, journal.depth >= 3], ["connected", 1, true]);
  assert.deepEqual(
    [...line.publisher.reasons()].map(({ code, topic }) => [code, topic]),
    [["topic-refused", "gradeline/board/lane/a/verdict"]],
  );
});

test("two daemons of one name throw each other out and are told why", { skip }, async () => {
  const broker = keep(await Mosquitto.start());
  const timing = { firstMs: 2, capMs: 60_000 };
  const lines = [await open({ port: broker.port, timing }), await open({ port: broker.port, timing })];
  await Promise.race(
    lines.map((line) => line.until(() => line.log.some(({ hint }) => /two of one name/.test(hint ?? "")))),
  );
});

test("a broker that takes verdicts but acknowledges none is left and tried again", async () => {
  // CONNACK of MQTT 5 (reason 0, no properties) to whatever comes first, then silence.
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(Uint8Array.from([0x20, 3, 0, 0, 0])));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  keep({ close: () => new Promise((resolve) => server.close(resolve)) });
  const { port } = server.address() as AddressInfo;
  const line = await open({ port, timing: { ackMs: 30, drainMs: 10 } });
  await make(line, 1, 3);
  await line.until(() => line.log.some(({ reason }) => /no acknowledgement/.test(reason ?? "")));
  await line.until(() => line.publisher.health.broker.connects >= 2);
  assert.equal(line.publisher.health.journal.depth, 3);
});

test("a certificate or password that cannot be read stops the start", async () => {
  const port = await freePort();
  await assert.rejects(open({ port, mqtt: { url: "mqtts://localhost", ca: join(each.folder, "no.pem") } }), {
    code: "CONFIG",
    message: /`mqtt\.ca`: .*no\.pem cannot be read/,
  });
  await assert.rejects(open({ port, mqtt: { username: "x", password: { file: join(each.folder, "no") } } }), {
    code: "CONFIG",
  });
});

/** A wire to a 3.1.1 broker that ends every connection which begins with MQTT 5. */
async function hangsUpOn5(broker: AedesBroker): Promise<{ port: number; close(): Promise<void> }> {
  const server: Server = createServer((socket) => {
    socket.once("data", (first) => {
      const level = first[first.indexOf("MQTT") + 4];
      if (level === 5) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      broker.aedes.handle(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
