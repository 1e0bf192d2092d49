import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { stateMessage } from "../../../device/contract/state.ts";
import type { Handlers } from "../../../device/contract/verbs.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Publishing, type PublishingOptions } from "../../support/publishing.ts";
import { Subscriber } from "../../support/subscriber.ts";

const ROOT = "gradeline/board";

interface Rig {
  readonly line: Publishing;
  readonly ears: Subscriber;
  readonly called: string[];
}

let parts: { close(): Promise<unknown> }[];
beforeEach(() => {
  parts = [];
});
afterEach(async () => {
  for (const part of parts.reverse()) await part.close();
});

function keep<T extends { close(): Promise<unknown> }>(part: T): T {
  parts.push(part);
  return part;
}

const GALLERY = { gallery: "0123456789abcdef", references: 12 };

/** A device that answers `pause` and `reload`, and someone who hears everything. */
async function rig(port: number, version: 4 | 5, more: Partial<PublishingOptions> = {}): Promise<Rig> {
  const called: string[] = [];
  const handlers: Handlers = {
    pause: async () => {
      called.push("pause");
      return { paused: true };
    },
    reload: async () => {
      called.push("reload");
      return GALLERY;
    },
  };
  const line = keep(await Publishing.open({ port, handlers, ...more }));
  line.publisher.retain("state", stateMessage("online", [], null));
  const ears = keep(await Subscriber.connect(port, ["#"], { protocolVersion: version }));
  // Published after the subscription to requests went out: whoever sees it can ask.
  await ears.count("/state", 1);
  return { line, ears, called };
}

async function mosquitto(): Promise<number> {
  return keep(await Mosquitto.start(["message_size_limit 0"])).port;
}

/** The answer to one request on its usual topic. */
async function answer(
  ears: Subscriber,
  verb: string,
  payload: string | Buffer,
  options = {},
): Promise<Record<string, unknown>> {
  const before = ears.on(`/response/${verb}`).length;
  await ears.ask(`${ROOT}/request/${verb}`, payload, options);
  await ears.count(`/response/${verb}`, before + 1);
  return ears.json(`/response/${verb}`).at(-1)!;
}

function refused(response: Record<string, unknown>, message: RegExp): void {
  assert.equal(response.status, "error");
  const { code, message: text } = response.error as { code: string; message: string };
  assert.equal(code, "REQUEST");
  assert.match(text, message);
}

test("over MQTT 5 the answer comes on the response topic with the correlation data", {
  skip: withoutMosquitto,
}, async () => {
  const { ears } = await rig(await mosquitto(), 5);
  const properties = { responseTopic: "plant/answers/7", correlationData: Buffer.from("q-1") };
  await ears.ask(`${ROOT}/request/pause`, "{}", { properties });
  const [heard] = await ears.count("plant/answers/7", 1);
  assert.deepEqual(JSON.parse(heard!.text), { status: "ok", data: { paused: true } });
  assert.equal(heard?.packet.properties?.correlationData?.toString(), "q-1");
  assert.equal(heard?.packet.retain, false);
});

test("over MQTT 3.1.1 the answer comes on the verb's own topic with the transaction", async () => {
  const broker = keep(await AedesBroker.start());
  const { ears } = await rig(broker.port, 4);
  assert.deepEqual(await answer(ears, "reload", JSON.stringify({ transaction: 17 })), {
    status: "ok",
    data: GALLERY,
    transaction: 17,
  });
});

for (const [protocol, version] of [
  ["MQTT 5", 5],
  ["MQTT 3.1.1", 4],
] as const) {
  const skip = version === 5 ? withoutMosquitto : false;
  const start = async () => (version === 5 ? mosquitto() : keep(await AedesBroker.start()).port);

  test(`bad requests over ${protocol} are answered with an error and nothing else happens`, { skip }, async () => {
    const { ears, called, line } = await rig(await start(), version);
    refused(await answer(ears, "pause", "{pause"), /not JSON/);
    refused(await answer(ears, "pause", Buffer.from([0x22, 0xff, 0xfe, 0x22])), /not JSON in UTF-8/);
    refused(await answer(ears, "pause", "[1]"), /not an object/);
    refused(await answer(ears, "pause", '{"speed": 3}'), /[Uu]nrecognized key.*speed/);
    refused(await answer(ears, "pause", '{"__proto__": {"x": 1}}'), /__proto__/);
    refused(await answer(ears, "explode", "{}"), /unknown verb/);
    refused(await answer(ears, "constructor", "{}"), /unknown verb/);
    refused(await answer(ears, "resume", "{}"), /not available/);
    refused(await answer(ears, "pause", "x".repeat(1024 * 1024)), /1048576 bytes, at most 65536/);
    refused(await answer(ears, "pause", `{"transaction": "${"x".repeat(65)}"}`), /transaction/);
    assert.deepEqual(called, []);
    assert.equal(line.publisher.health.broker.connects, 1);
    assert.equal((await answer(ears, "pause", "")).status, "ok");
    assert.deepEqual(line.publisher.requests, { answered: 1, refused: 10 });
  });
}

test("a refused request keeps its transaction", async () => {
  const broker = keep(await AedesBroker.start());
  const { ears } = await rig(broker.port, 4);
  assert.equal((await answer(ears, "pause", '{"transaction": "t1", "speed": 3}')).transaction, "t1");
});

test("a request that a broker kept is refused when the device connects", async () => {
  const broker = keep(await AedesBroker.start());
  const early = keep(await Subscriber.connect(broker.port, [`${ROOT}/response/#`], { protocolVersion: 4 }));
  await early.ask(`${ROOT}/request/pause`, "{}", { retain: true });
  const { called } = await rig(broker.port, 4);
  await early.count("/response/pause", 1);
  refused(early.json("/response/pause")[0]!, /must not be retained/);
  assert.deepEqual(called, []);
});

test("an answer is never sent to where it would pass for another message", { skip: withoutMosquitto }, async () => {
  const { ears, called } = await rig(await mosquitto(), 5);
  const forbidden = [
    `${ROOT}/lane/a/verdict`,
    `${ROOT}/request/pause`,
    `${ROOT}/state`,
    "gradeline/other/response/pause",
    "gradeline",
    "$SYS/broker",
    `x/${"y".repeat(300)}`,
  ];
  for (const responseTopic of forbidden) {
    refused(await answer(ears, "pause", "{}", { properties: { responseTopic } }), /response topic/);
  }
  assert.deepEqual(called, []);
  const own = `${ROOT}/response/mine`;
  await ears.ask(`${ROOT}/request/pause`, "{}", { properties: { responseTopic: own } });
  await ears.count("/response/mine", 1);
});

test("a packet of more than two megabytes is not gathered in memory and costs the connection only", async () => {
  const broker = keep(await AedesBroker.start());
  const { ears, line, called } = await rig(broker.port, 4);
  await ears.ask(`${ROOT}/request/pause`, Buffer.alloc(3 * 1024 * 1024, 0x20));
  await line.until(() => line.log.some(({ reason }) => /a packet of 31\d+ bytes/.test(reason ?? "")));
  await line.until(() => line.publisher.health.broker.connects === 2);
  assert.deepEqual(called, []);
});

test("requests are answered one after the other in their order, and a flood is bounded", {
  skip: withoutMosquitto,
}, async () => {
  const order: string[] = [];
  let release = () => {};
  const first = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handlers: Handlers = {
    relearn: async () => {
      order.push("relearn begins");
      await first;
      order.push("relearn ends");
      return { lanes: ["a"] };
    },
    dismiss: async () => {
      order.push("dismiss");
      return { dismissed: 1 };
    },
    pause: async () => ({ paused: true }),
  };
  const { ears, line } = await rig(await mosquitto(), 5, { handlers });
  await ears.ask(`${ROOT}/request/relearn`, "{}");
  for (let n = 0; n < 300; n++) ears.client.publish(`${ROOT}/request/dismiss`, '{"items":["a"]}', { qos: 1 });
  await ears.until(() => (line.publisher.requests.refused === 284 ? true : undefined));
  assert.equal((await answer(ears, "pause", "{}")).status, "ok", "pause does not wait");
  release();
  await ears.until(() => (line.publisher.requests.answered === 18 ? true : undefined));
  assert.deepEqual(order, ["relearn begins", "relearn ends", ...Array(16).fill("dismiss")]);
  const busy = ears.json("/response/dismiss").find(({ status }) => status === "error");
  refused(busy!, /too many requests/);
});

test("a handler that fails or never ends is answered for, and those behind it are served", async () => {
  const handlers: Handlers = {
    reload: () => Promise.reject(new GradelineError("GALLERY_MODEL", "made by another model", { hint: "rebuild it" })),
    snapshot: () => new Promise(() => {}),
    pause: () => Promise.resolve({ paused: true as const }),
    resume: () => Promise.resolve({ paused: "no" } as unknown as { paused: false }),
  };
  const broker = keep(await AedesBroker.start());
  const { ears } = await rig(broker.port, 4, { handlers, timing: { requestMs: 20 } });
  const failed = await answer(ears, "reload", "{}");
  assert.deepEqual(failed.error, { code: "GALLERY_MODEL", message: "made by another model", hint: "rebuild it" });
  refused(await answer(ears, "snapshot", "{}"), /took longer/);
  assert.equal((await answer(ears, "pause", "{}")).status, "ok");
  assert.equal(((await answer(ears, "resume", "{}")).error as { code: string }).code, "INTERNAL");
});
