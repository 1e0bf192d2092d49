import assert from "node:assert/strict";
import { afterEach, type TestContext, test } from "node:test";
import { USUAL_FORM } from "../../../device/contract/form.ts";
import { LINK_TIMING, Link, type LinkTiming } from "../../../device/publish/link.ts";
import type { Session } from "../../../device/publish/session.ts";
import { packetIdOf, RawBroker, type RawConnection, type RawPacket, topicOf } from "../../support/broker-raw.ts";
import { hearLog } from "../../support/heard-log.ts";
import { mqttConfig } from "../../support/publishing.ts";

/** Waits of these lengths are the link's own and pass at once; half and a bit is taken of each by chance. */
const TIMING: LinkTiming = { firstMs: 1000, capMs: 9000, refusedMs: 20_000, connectMs: 10_000, ackMs: 30_000 };
const CHANCE = 0.1234567;
const PART = 0.5 + CHANCE / 2;
const CONNECT = 1;
const RECEIVE_MAXIMUM = 0x21;
const MAXIMUM_QOS = 0x24;

let parts: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of parts.reverse()) await part.close();
  parts = [];
});

interface Rig {
  readonly link: Link;
  readonly broker: RawBroker;
  readonly sessions: Session[];
  /** The link's waits between tries, milliseconds, before chance. */
  readonly waits: number[];
  readonly lines: readonly string[];
  rooms: number;
  downs: number;
}

async function start(
  t: TestContext,
  answer: (connection: RawConnection, packet: RawPacket) => void,
  timing: Partial<LinkTiming> = {},
): Promise<Rig> {
  const broker = await RawBroker.start(answer);
  parts.push(broker);
  const { log, lines } = hearLog();
  const sessions: Session[] = [];
  const waits: number[] = [];
  const real = globalThis.setTimeout;
  t.mock.method(Math, "random", () => CHANCE);
  t.mock.method(globalThis, "setTimeout", ((run: () => void, ms: number) => {
    // Those of the MQTT library are whole.
    if (Number.isInteger(ms) || ms === undefined) return real(run, ms);
    waits.push(Math.round(ms / PART));
    broker.ring();
    return real(run, 0);
  }) as typeof setTimeout);
  const link = new Link({
    mqtt: mqttConfig(broker.port, { protocol: "5" }),
    device: "board",
    log,
    form: USUAL_FORM,
    timing: { ...TIMING, ...timing },
    up: (session) => {
      sessions.push(session);
      broker.ring();
    },
    down: () => {
      rig.downs++;
      broker.ring();
    },
    room: () => {
      rig.rooms++;
      broker.ring();
    },
  });
  const rig: Rig = { link, broker, sessions, waits, lines, rooms: 0, downs: 0 };
  parts.push(link);
  link.start();
  return rig;
}

function taken(properties: readonly number[] = []): (connection: RawConnection, packet: RawPacket) => void {
  return (connection, { type }) => {
    if (type === CONNECT) connection.connack(0, properties);
  };
}

test("a broker that hangs up is tried again after waits that double up to a cap, less up to half by chance", async (t) => {
  const { broker, waits, link } = await start(t, (connection) => connection.end());
  await broker.until(() => waits.length >= 7);
  assert.deepEqual(waits.slice(0, 7), [1000, 2000, 4000, 8000, 9000, 9000, 9000]);
  assert.equal(link.health.state, "connecting");
  assert.deepEqual(LINK_TIMING, { firstMs: 200, capMs: 5000, refusedMs: 15_000, connectMs: 10_000, ackMs: 30_000 });
});

test("a broker that turns us away is tried slowly, each time the same, and told once", async (t) => {
  const NOT_AUTHORIZED = 0x87;
  const { broker, waits, link, lines } = await start(t, (connection) => connection.connack(NOT_AUTHORIZED));
  await broker.until(() => waits.length >= 3);
  assert.deepEqual(waits.slice(0, 3), [20_000, 20_000, 20_000]);
  assert.equal(link.health.state, "refused");
  assert.equal(lines.filter((line) => /"level":50/.test(line)).length, 1);
});

test("a broker that takes us and hangs up at once is not hammered, and is told for what it does", async (t) => {
  const { broker, waits, link, lines } = await start(t, (connection, { type }) => {
    if (type !== CONNECT) return;
    connection.connack();
    connection.end();
  });
  await broker.until(() => waits.length >= 5);
  assert.deepEqual(waits.slice(0, 5), [1000, 2000, 4000, 8000, 9000]);
  assert.match(link.health.reason!, /ends each connection soon after it is made/);
  assert.ok(lines.some((line) => line.includes("two of one name throw each other out")));
  assert.match(link.unstable!.message, /ends each connection soon after it is made/);
  assert.match(link.unstable!.hint, /clientId/);
});

test("a connection that we leave is followed by the next at once, whatever was before, and nothing is told", async (t) => {
  let ends = 4;
  const rig = await start(t, (connection, { type }) => {
    if (type !== CONNECT) return;
    connection.connack();
    if (ends-- > 0) connection.end();
  });
  await rig.broker.until(() => rig.sessions.length === 5 && rig.downs === 4);
  const before = [...rig.waits];
  const told = rig.lines.length;
  rig.link.reconnect();
  await rig.broker.until(() => rig.sessions.length === 6);
  assert.deepEqual(rig.waits, before);
  assert.deepEqual(
    rig.lines.slice(told).filter((line) => !line.includes("connected to the broker")),
    [],
  );
  // The next one that fails is the first.
  rig.broker.connections.at(-1)!.end();
  await rig.broker.until(() => rig.waits.length > before.length);
  assert.equal(rig.waits.at(-1), 1000);
});

test("connections that end again and again are told for a minute, one that another client took at once", async (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const rig = await start(t, taken());
  const lose = async (life: number, last?: readonly number[]) => {
    await rig.broker.until(() => rig.sessions.length === life);
    now += TIMING.capMs + 1;
    const connection = rig.broker.connections.at(-1)!;
    if (last !== undefined) connection.send(last);
    connection.finish();
    await rig.broker.until(() => rig.downs === life && rig.waits.length === life);
  };
  const said = () => (rig.link.unstable === undefined ? "" : `${rig.link.unstable.message}: ${rig.link.unstable.hint}`);
  for (const life of [1, 2]) await lose(life);
  assert.equal(said(), "");
  await lose(3);
  assert.match(said(), /ends each connection/);
  now += 60_000;
  assert.equal(said(), "");
  await lose(4, [0xe0, 1, 0x8e]);
  assert.match(said(), /another client connected with the same name.*clientId/);
  assert.equal(rig.waits[3], TIMING.refusedMs);
});

test("a connection that lasted is tried again soon when it is lost, and every loss is told", async (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const rig = await start(t, taken());
  for (let life = 1; life <= 3; life++) {
    await rig.broker.until(() => rig.sessions.length === life);
    assert.equal(rig.link.health.connects, life);
    now += TIMING.capMs + 1;
    rig.broker.connections.at(-1)!.end();
    await rig.broker.until(() => rig.downs === life);
  }
  await rig.broker.until(() => rig.waits.length === 3);
  assert.deepEqual(rig.waits, [1000, 1000, 1000]);
});

test("the will is the retained state, QoS 1", async (t) => {
  const { broker } = await start(t, taken());
  await broker.until(() => broker.connections[0]?.packets[0] !== undefined);
  const { body } = broker.connections[0]!.packets[0]!;
  assert.equal(body.subarray(2, 6).toString(), "MQTT");
  const [version, flags] = [body[6]!, body[7]!];
  assert.equal(version, 5);
  // MQTT 5, 3.1.2.3: clean start, will, will QoS, will retain.
  assert.deepEqual([(flags >> 1) & 1, (flags >> 2) & 1, (flags >> 3) & 3, (flags >> 5) & 1], [1, 1, 1, 1]);
  assert.match(body.toString("latin1"), /gradeline\/board\/state.*"offline"/s);
});

test("a broker without QoS 1 is left, slowly tried again", async (t) => {
  const { broker, waits, sessions, link } = await start(t, taken([MAXIMUM_QOS, 0]));
  await broker.until(() => waits.length >= 2);
  assert.deepEqual([waits.slice(0, 2), sessions.length], [[20_000, 20_000], 0]);
  assert.match(link.health.reason!, /offers no QoS 1/);
});

test("no more is in flight than the broker takes; each acknowledgement makes room for one", async (t) => {
  const rig = await start(t, taken([RECEIVE_MAXIMUM, 0, 3]));
  await rig.broker.until(() => rig.sessions.length === 1);
  const session = rig.sessions[0]!;
  assert.equal(session.limit, 3);
  const acked: number[] = [];
  const publish = (n: number) =>
    session.publish({ topic: `t/${n}`, payload: "{}", qos: 1, retain: false }, () => acked.push(n));
  assert.deepEqual([1, 2, 3, 4].map(publish), [true, true, true, false]);
  const wire = rig.broker.connections[0]!;
  await rig.broker.until(() => wire.published().length === 3);
  assert.deepEqual(wire.published().map(topicOf), ["t/1", "t/2", "t/3"]);
  assert.deepEqual([acked, rig.rooms], [[], 0]);
  wire.puback(packetIdOf(wire.published()[1]!));
  await rig.broker.until(() => rig.rooms === 1);
  assert.deepEqual(acked, [2]);
  assert.deepEqual([publish(5), publish(6)], [true, false]);
  await rig.broker.until(() => wire.published().length === 4);
});

test("where the broker names no limit there is that of the protocol; what is lost with the connection is never acknowledged", async (t) => {
  const rig = await start(t, taken());
  await rig.broker.until(() => rig.sessions.length === 1);
  const session = rig.sessions[0]!;
  assert.equal(session.limit, 65_535);
  let acked = 0;
  assert.equal(
    session.publish({ topic: "t", payload: "{}", qos: 1, retain: true }, () => acked++),
    true,
  );
  const wire = rig.broker.connections[0]!;
  await rig.broker.until(() => wire.published().length === 1);
  // QoS 1 and retain.
  assert.equal(wire.published()[0]!.flags, 0b0011);
  wire.end();
  await rig.broker.until(() => rig.sessions.length === 2);
  assert.equal(
    session.publish({ topic: "t", payload: "{}", qos: 1, retain: false }, () => acked++),
    false,
  );
  assert.equal(acked, 0);
});

test("a broker that acknowledges nothing for the time it has is left", async (t) => {
  // Not whole, and so one of the waits that are told and pass at once.
  const rig = await start(t, taken(), { ackMs: 60.5 });
  await rig.broker.until(() => rig.sessions.length === 1);
  rig.sessions[0]!.publish({ topic: "t", payload: "{}", qos: 1, retain: false }, () => {});
  await rig.broker.until(() => rig.downs === 1);
  assert.equal(rig.waits[0], Math.round(60.5 / PART));
  assert.match(rig.lines.join(""), /no acknowledgement for 0\.0605 s/);
});

test("closing says goodbye, so that the will is not published", async (t) => {
  const rig = await start(t, taken());
  await rig.broker.until(() => rig.sessions.length === 1);
  await rig.link.close();
  await rig.broker.until(() => rig.broker.connections[0]!.packets.some(({ type }) => type === 14));
  assert.deepEqual([rig.link.health.state, rig.broker.connections.length, rig.waits], ["closed", 1, []]);
});
