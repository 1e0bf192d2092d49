import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { nowMicros } from "../../../device/base/time.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Publishing, type PublishingOptions } from "../../support/publishing.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { draft } from "../../support/verdicts.ts";

/** What the broker's administrator allows, and what becomes of verdicts; on both protocols. */

const ROOT = "gradeline/board";
const TIMING = { asideMs: 500, silentMs: 300, swallowedMs: 600, retryMs: 60_000 };
const skip = withoutMosquitto;

let parts: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of parts.reverse()) await part.close();
  parts = [];
});

function keep<T extends { close(): Promise<unknown> }>(part: T): T {
  parts.push(part);
  return part;
}

/** Only the device logs in; whoever listens is `ears`. */
async function rig(acl: readonly string[], options: Partial<PublishingOptions> = {}) {
  const text = ["user device", ...acl.map((line) => `topic ${line}`), "user ears", "topic readwrite #", ""].join("\n");
  const broker = keep(await Mosquitto.start(["acl_file %/acl"], { acl: text }));
  const ears = keep(await Subscriber.connect(broker.port, ["#"], { username: "ears" }));
  const { mqtt, ...others } = options;
  const line = keep(
    await Publishing.open({ port: broker.port, mqtt: { username: "device", ...mqtt }, timing: TIMING, ...others }),
  );
  line.publisher.retain("state", stateMessage("online", [], nowMicros()));
  // The first that is sent aside of verdicts is the subscription to requests.
  if (acl.some((rule) => /write \S+\/(#|state)$/.test(rule))) await ears.count("/state", 1);
  return { broker, ears, line };
}

async function verdicts({ publisher }: Publishing, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await publisher.take(draft("a", n)).durable;
}

const codes = ({ publisher }: Publishing) => [...publisher.reasons()].map(({ code }) => code);

for (const [protocol, denied, problem] of [
  ["5", "health", /refuses it: Not authorized/],
  ["5", "state", /refuses it: Not authorized/],
] as const) {
  test(`MQTT ${protocol}: verdicts go on where the broker does not take ${denied}, which is told once`, {
    skip,
  }, async () => {
    const others = ["state", "health"].filter((name) => name !== denied);
    const { line, ears } = await rig([
      ...others.map((name) => `write ${ROOT}/${name}`),
      `write ${ROOT}/lane/a/verdict`,
      `read ${ROOT}/request/+`,
    ]);
    const health = {
      at: draft("a", 1).decidedAt,
      uptimeS: 1,
      cameras: [],
      clock: { steps: 0, lastStepS: null, lastStepAt: null, synchronised: true },
      drift: [],
      queue: { items: 0, bytes: 0, dropped: 0, problem: null },
      late: 0,
      rssBytes: 1,
    };
    line.publisher.retain("health", { ...health, ...line.publisher.health });
    await line.until(() => line.publisher.health.broker.refused.length > 0);
    for (let n = 1; n <= 5; n++) {
      line.publisher.retain("health", { ...health, ...line.publisher.health, late: n });
      line.publisher.retain("state", stateMessage("online", [], n));
      await verdicts(line, n, n);
    }
    await ears.count("/verdict", 5);
    const { broker } = line.publisher.health;
    assert.deepEqual([broker.state, broker.connects], ["connected", 1]);
    assert.deepEqual(
      broker.refused.map(({ topic }) => topic),
      [`${ROOT}/${denied}`],
    );
    assert.match(broker.refused[0]!.reason, problem);
    assert.equal(line.log.filter(({ msg }) => /does not take a topic/.test(msg)).length, 1);
    assert.deepEqual(codes(line), ["topic-refused"]);
  });
}

test("MQTT 3.1.1: verdicts that the broker acknowledges and keeps back are found out, told, and stay", {
  skip,
}, async () => {
  const acl = [`readwrite ${ROOT}/state`, `read ${ROOT}/lane/+/verdict`, `read ${ROOT}/request/+`];
  const { line, ears } = await rig(acl, { mqtt: { protocol: "3.1.1", username: "device" } });
  await verdicts(line, 1, 3);
  await line.until(() => codes(line).includes("verdicts-swallowed"));
  assert.equal(line.publisher.health.journal.depth, 3);
  assert.equal(line.acked.length, 0);
  assert.equal(ears.on("/verdict").length, 0);
  assert.equal(line.publisher.health.broker.connects, 1);
});

test("MQTT 3.1.1: where the device may not read, verdicts flow, nothing accumulates and that is told", {
  skip,
}, async () => {
  const { line, ears } = await rig([`write ${ROOT}/#`, `read ${ROOT}/request/+`], {
    mqtt: { protocol: "3.1.1", username: "device" },
  });
  await verdicts(line, 1, 60);
  await ears.count("/verdict", 60);
  await line.until(() => line.acked.length === 60);
  assert.deepEqual(codes(line), ["unverified"]);
  await verdicts(line, 61, 61);
  await line.until(() => line.acked.length === 61);
});

test("MQTT 3.1.1: verdicts that come back are delivered, and nothing is told", { skip }, async () => {
  const { line, ears } = await rig([`readwrite ${ROOT}/#`], { mqtt: { protocol: "3.1.1", username: "device" } });
  await verdicts(line, 1, 100);
  await line.until(() => line.acked.length === 100);
  await ears.count("/verdict", 100);
  assert.deepEqual(codes(line), []);
});

test("an answer to a topic that is denied, or has too many levels, costs the line nothing", { skip }, async () => {
  const { line, ears } = await rig([`write ${ROOT}/#`, `read ${ROOT}/request/+`], {
    handlers: { pause: async () => ({ paused: true }) },
  });
  const deep = "/".repeat(250);
  for (const responseTopic of ["plant/denied", deep, "plant/denied", Array(17).fill("y").join("/")]) {
    await ears.ask(`${ROOT}/request/pause`, "{}", { properties: { responseTopic } });
  }
  await ears.count("/response/pause", 2);
  await verdicts(line, 1, 3);
  await line.until(() => line.acked.length === 3);
  for (const { status, error } of ears.json("/response/pause")) {
    assert.equal(status, "error");
    assert.match((error as { message: string }).message, /more than 16 levels/);
  }
  assert.equal(line.publisher.health.broker.connects, 1);
  assert.deepEqual(codes(line), []);
});

test("a number that does not come back as it was given is refused and not echoed", { skip }, async () => {
  const { ears } = await rig([`readwrite ${ROOT}/#`], { handlers: { pause: async () => ({ paused: true }) } });
  await ears.ask(`${ROOT}/request/pause`, '{"transaction": 9007199254740993}');
  await ears.count("/response/pause", 1);
  const [answer] = ears.json("/response/pause");
  assert.deepEqual(Object.keys(answer!), ["status", "error"]);
  assert.match((answer!.error as { hint: string }).hint, /as a string/);
});

test("a retained request is refused also while the device is connected", { skip }, async () => {
  const { ears } = await rig([`readwrite ${ROOT}/#`], { handlers: { pause: async () => ({ paused: true }) } });
  await ears.ask(`${ROOT}/request/pause`, "{}");
  await ears.count("/response/pause", 1);
  await ears.ask(`${ROOT}/request/pause`, "{}", { retain: true });
  await ears.count("/response/pause", 2);
  assert.match(JSON.stringify(ears.json("/response/pause")[1]), /must not be retained/);
});
