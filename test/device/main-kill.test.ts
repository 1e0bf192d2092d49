import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { nowMicros } from "../../device/base/time.ts";
import { Gate } from "../support/broker-gate.ts";
import { Mosquitto, withoutMosquitto } from "../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../support/daemon.ts";
import { DurableItems } from "../support/daemon-items.ts";
import { assertNumbered, heardUntil, verdictsOf, withoutRepeats, wrongs } from "../support/daemon-verdicts.ts";
import { FRAME_TO_GATE_US, smallLine, truthOf } from "../support/line-config.ts";
import { Subscriber } from "../support/subscriber.ts";

const skip = withoutMosquitto;
const LANES = ["belt", "cups"];
const VERDICTS = ["gradeline/board/lane/+/verdict"];

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

/** Times at the gate of what came into view while the daemon ran and had left it before it was killed. */
interface Watched {
  readonly from: number;
  readonly until: number;
}

const within = (gateAt: number, watched: readonly Watched[]): boolean =>
  watched.some(({ from, until }) => gateAt >= from && gateAt <= until);

test("a daemon killed with SIGKILL and started again goes on in order and misses nothing that passed while it ran", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const ears = keep(await Subscriber.connect(broker.port, VERDICTS));
  const config = smallLine({ folder, brokerPort: broker.port, pace: "real", startAt: nowMicros() });
  const watched: Watched[] = [];
  for (const signal of ["SIGKILL", "SIGKILL", "SIGTERM"] as const) {
    const daemon = kept(await Daemon.start(folder, config));
    await daemon.ready();
    const from = nowMicros() + FRAME_TO_GATE_US;
    const until = from + 1_200_000;
    watched.push({ from, until });
    // In the middle of whatever it does when these have passed.
    await ears.until(() => heardUntil(verdictsOf(ears), LANES, until));
    const end = await daemon.kill(signal);
    assert.deepEqual(end, signal === "SIGTERM" ? { code: 0, signal: null } : { code: null, signal });
  }
  const verdicts = verdictsOf(ears);
  assertNumbered(verdicts);
  const truths = truthOf(config, 200);
  assert.ok(truths.filter(({ gateAt }) => within(gateAt, watched)).length >= 6);
  assert.deepEqual(
    wrongs(verdicts, truths, ({ gateAt }) => within(gateAt, watched)),
    [],
  );
});

test("what was durable and not handed over arrives after a SIGKILL, as the same item with the same number", {
  skip,
}, async () => {
  const broker = keep(await Mosquitto.start());
  const gate = keep(await Gate.to(broker.port));
  const before = keep(await Subscriber.connect(broker.port, VERDICTS));
  const config = smallLine({ folder, brokerPort: gate.port, pace: "real", startAt: nowMicros() });
  const daemon = kept(await Daemon.start(folder, config));
  const durable = keep(await DurableItems.listen(await daemon.ready()));
  await before.count("/verdict", 2);
  await broker.kill("SIGKILL");
  gate.shut();
  await durable.more(5);
  await daemon.kill("SIGKILL");
  await broker.start();
  const after = keep(await Subscriber.connect(broker.port, VERDICTS));
  gate.open();
  kept(await Daemon.start(folder, config));
  // The new run's own verdicts come behind those of the first.
  const run = durable.items[0]!.item.split("-")[1]!;
  await after.until(() => verdictsOf(after).some(({ item }) => item.split("-")[1] !== run) || undefined);
  const verdicts = withoutRepeats(verdictsOf(before, after));
  assertNumbered(verdicts);
  for (const { lane, seq, item } of durable.items) {
    assert.ok(
      verdicts.some((one) => one.lane === lane && one.seq === seq && one.item === item),
      `${item} with ${seq} is missing`,
    );
  }
});

test("a broker killed with SIGKILL and started again gets what it missed, in order", { skip }, async () => {
  const broker = keep(await Mosquitto.start());
  const gate = keep(await Gate.to(broker.port));
  const before = keep(await Subscriber.connect(broker.port, [...VERDICTS, "gradeline/board/state"]));
  const config = smallLine({ folder, brokerPort: gate.port, pace: "real", startAt: nowMicros() });
  const daemon = kept(await Daemon.start(folder, config));
  const durable = keep(await DurableItems.listen(await daemon.ready()));
  const from = nowMicros() + FRAME_TO_GATE_US;
  await before.count("/verdict", 2);
  await broker.kill("SIGKILL");
  gate.shut();
  await durable.more(4);
  await broker.start();
  const after = keep(await Subscriber.connect(broker.port, [...VERDICTS, "gradeline/board/state"]));
  gate.open();
  const until = from + 1_000_000;
  await after.until(() => heardUntil(verdictsOf(after), LANES, until));
  assert.ok(after.json("board/state").some(({ state }) => state === "online"));
  const end = await daemon.kill("SIGTERM");
  assert.deepEqual(end, { code: 0, signal: null });
  const verdicts = verdictsOf(before, after);
  assertNumbered(verdicts);
  assert.deepEqual(
    wrongs(verdicts, truthOf(config, 60), ({ gateAt }) => gateAt >= from && gateAt <= until),
    [],
  );
  for (const { item } of durable.items)
    assert.ok(
      verdicts.some((one) => one.item === item),
      `${item} is missing`,
    );
});
