import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { nowMicros } from "../../device/base/time.ts";
import { type HealthMessage, healthSchema, type StateMessage, stateSchema } from "../../device/contract/messages.ts";
import { allTopics, topics } from "../../device/contract/topics.ts";
import { isWell } from "../support/board.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { assertNumbered, heardUntil, verdictsOf, withoutRepeats, wrongs } from "../support/daemon-verdicts.ts";
import { FRAME_TO_GATE_US, smallLine, truthOf } from "../support/line-config.ts";
import { Subscriber } from "../support/subscriber.ts";

const skip = withoutMosquitto;
const LANES = ["belt", "cups"];

const closing: { close(): Promise<void> }[] = [];
let folder: string;

beforeEach(async () => {
  const made = await daemonFolder();
  closing.push(made);
  folder = made.folder;
});
afterEach(async () => {
  for (let part = closing.pop(); part !== undefined; part = closing.pop()) await part.close();
});

function keep<T extends { close(): Promise<void> }>(part: T): T {
  closing.push(part);
  return part;
}

function kept(daemon: Daemon): Daemon {
  closing.push({ close: async () => void (await daemon.kill()) });
  return daemon;
}

function healthOf(ears: Subscriber): HealthMessage[] {
  return ears.json("board/health").map((message) => healthSchema.parse(message));
}

function stateOf(ears: Subscriber): StateMessage | undefined {
  return ears.json("board/state").at(-1) as StateMessage | undefined;
}

test("every fruit of a line that ends has one verdict, numbered without a gap, and the daemon ends by itself", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/board/#"]));
  const config = smallLine({ folder, brokerPort: broker.port, pace: "fast", startAt: nowMicros(), items: 16 });
  const daemon = kept(await Daemon.start(folder, config));
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  await ears.until(() => stateOf(ears)?.state === "stopped" || undefined);
  const verdicts = verdictsOf(ears);
  const truths = truthOf(config, 1000);
  assert.deepEqual(wrongs(verdicts, truths), []);
  assertNumbered(verdicts);
  assert.ok(verdicts.some(({ lane, cup }) => lane === "cups" && cup !== null));
  assert.ok(verdicts.some(({ outcome }) => outcome === "empty"));
  assert.deepEqual(daemon.errors, []);
});

test("a line in real time: what the device says of itself is retained as promised, SIGTERM ends it in order", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/board/lane/+/verdict"]));
  const config = smallLine({ folder, brokerPort: broker.port, pace: "real", startAt: nowMicros() });
  const daemon = kept(await Daemon.start(folder, config));
  await daemon.ready();
  const truths = truthOf(config, 60);
  // What comes into view from here on, for two seconds.
  const from = nowMicros() + FRAME_TO_GATE_US;
  const until = from + 2_000_000;
  await ears.until(() => heardUntil(verdictsOf(ears), LANES, until));
  // Who comes later gets what is retained.
  const late = keep(await Subscriber.connect(broker.port, ["gradeline/board/#"]));
  const retained = () => late.heard.filter(({ packet }) => packet.retain);
  await late.until(() => (retained().length >= 7 ? true : undefined));
  for (const { topic, text } of retained()) {
    const address = topic.replace("gradeline/board/", "").replace(/lane\/[^/]+\//, "lane/{lane}/");
    const known = [...allTopics().values()].find((one) => one.address === address);
    assert.ok(known?.retain, `${topic} is not to be retained`);
    assert.ok(known.payload.safeParse(JSON.parse(text)).success, `${topic}: ${text}`);
  }
  assert.deepEqual(
    new Set(retained().map(({ topic }) => topic.replace("gradeline/board/", ""))),
    new Set(["state", "info", "health", "recipe", "shadow", "lane/belt/stats", "lane/cups/stats"]),
  );
  const state = stateSchema.parse(stateOf(late));
  assert.ok(isWell(state), state.reasons.join("; "));
  const health = await late.until(() =>
    healthOf(late).find(({ published, cameras }) => published > 0 && cameras.every(({ seen }) => seen > 0)),
  );
  assert.deepEqual([health.journal.dropped, health.cameras.map(({ id }) => id)], [0, LANES]);
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  const stopped = await late.until(() => late.on("board/state").find(({ text }) => text.includes("stopped")));
  assert.deepEqual(
    { ...stateSchema.parse(JSON.parse(stopped.text)), at: null },
    { v: 2, state: "stopped", reasons: [], causes: [], at: null },
  );
  const again = keep(await Subscriber.connect(broker.port, ["gradeline/board/state"]));
  await again.count("state", 1);
  assert.equal(again.heard[0]!.packet.retain, topics.state.retain);
  assert.equal(stateOf(again)?.state, "stopped");
  const verdicts = verdictsOf(ears);
  assert.deepEqual(
    wrongs(verdicts, truths, ({ gateAt }) => gateAt >= from && gateAt <= until),
    [],
  );
  assertNumbered(verdicts);
});

test("without a broker the daemon grades and keeps; when one comes it gets everything in order", { skip }, async () => {
  const broker = keep(await Mosquitto.prepare());
  const config = smallLine({ folder, brokerPort: broker.port, pace: "fast", startAt: nowMicros(), items: 12 });
  const alone = kept(await Daemon.start(folder, config));
  assert.deepEqual(await alone.ended, { code: 0, signal: null });
  assert.ok(alone.log.some(({ level, reason }) => level === "warn" && /ECONNREFUSED|refused/.test(reason ?? "")));
  await broker.start();
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/board/#"]));
  // The same line again, under its own names: what was kept comes first.
  const daemon = kept(await Daemon.start(folder, config));
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  await ears.until(() => stateOf(ears)?.state === "stopped" || undefined);
  const verdicts = verdictsOf(ears);
  assertNumbered(verdicts);
  const run = (item: string): string => item.split("-")[1]!;
  const runs = Map.groupBy(withoutRepeats(verdicts), ({ item }) => run(item));
  assert.equal(runs.size, 2);
  const truths = truthOf(config, 1000);
  for (const ofRun of runs.values()) assert.deepEqual(wrongs(ofRun, truths), []);
  const order = verdicts.map(({ item }) => run(item));
  assert.deepEqual(order, order.toSorted());
});
