import type { ReasonCode } from "../../../device/contract/reasons.ts";
import { LimitedBroker, type Limits } from "../../support/broker-limited.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { inTime } from "../../support/wait.ts";
import type { Attack } from "../attack.ts";
import { BrokerLine, spread, urlOf, withParts } from "./rig.ts";

/** What a broker allows, and what the state says of it. */
interface Case {
  readonly name: string;
  readonly limits: Limits;
  /** The same of mosquitto; undefined where it has no such setting. */
  readonly mosquitto?: readonly string[];
  readonly code?: ReasonCode;
  /** A picture does not fit: its answer must say so, with the size. */
  readonly small?: true;
}

/** A verdict fits, `info` and a picture do not. */
const PACKET_BYTES = 1000;

const CASES: readonly Case[] = [
  {
    name: "Maximum Packet Size",
    limits: { maximumPacketSize: PACKET_BYTES },
    mosquitto: [`max_packet_size ${PACKET_BYTES}`],
    code: "topic-refused",
    small: true,
  },
  {
    name: "Retain Available 0",
    limits: { retainAvailable: false },
    mosquitto: ["retain_available false"],
    code: "not-retained",
  },
  { name: "Receive Maximum 1", limits: { receiveMaximum: 1 }, mosquitto: ["max_inflight_messages 1"] },
  { name: "Topic Alias Maximum 0", limits: {}, mosquitto: ["max_topic_alias 0"] },
  { name: "Server Keep Alive", limits: { serverKeepAlive: 2 }, mosquitto: ["max_keepalive 10"] },
  { name: "Assigned Client Identifier", limits: { assignedClientId: "given-by-the-broker" } },
  { name: "Wildcard Subscription Available 0", limits: { wildcards: false }, code: "requests-refused" },
  { name: "SUBACK 0x87", limits: { subscribes: 0x87 }, code: "requests-refused" },
  {
    name: "all at once",
    limits: { maximumPacketSize: PACKET_BYTES, retainAvailable: false, receiveMaximum: 1, serverKeepAlive: 2 },
    mosquitto: [`max_packet_size ${PACKET_BYTES}`, "retain_available false", "max_inflight_messages 1"],
    code: "not-retained",
    small: true,
  },
];

/** Each with a broker of the test's own, which notes what breaks a limit, and with mosquitto. */
const ROUNDS = CASES.flatMap((each) => [
  { each, settings: undefined },
  ...(each.mosquitto === undefined ? [] : [{ each, settings: each.mosquitto }]),
]);

/** Limits that a broker names when it takes the daemon: they are kept to, and verdicts flow. */
export const connacks: Attack = {
  name: "connack",
  count: ROUNDS.length,
  skip: withoutMosquitto,
  run: (rounds, tell) =>
    withParts(async (keep) => {
      const line = keep(await BrokerLine.open());
      for (const [n, { each, settings }] of spread(ROUNDS, rounds).entries()) {
        if (settings === undefined) await ownBroker(line, each);
        else await mosquitto(line, each, settings);
        tell(`connack ${n + 1}/${rounds}`);
      }
      // Whoever listens first hears from here on; the rest is asked for.
      const last = keep(await Mosquitto.start());
      await line.listen(last.port);
      await line.goTo({ url: urlOf(last) });
      const asker = keep(await Subscriber.connect(last.port, ["gradeline/board/response/#"]));
      await line.more(1);
      for (const lane of ["belt", "cups"]) await asker.ask("gradeline/board/request/replay", JSON.stringify({ lane }));
      await line.whole();
      return line.result(rounds);
    }),
};

async function ownBroker(line: BrokerLine, { name, limits, code, small }: Case): Promise<void> {
  const broker = await LimitedBroker.start(limits);
  try {
    const what = `${name}, own broker`;
    await line.goTo({ url: urlOf(broker) });
    const since = performance.now();
    if (code !== undefined) {
      await broker.until(() => JSON.stringify(broker.latest("board/state") ?? {}).includes(`"${code}"`));
      line.noted(what, code, performance.now() - since);
    }
    if (small === true) {
      broker.ask("gradeline/board/request/snapshot", "{}");
      await broker.until(() => broker.on("/response/snapshot").length > 0);
      mustNameSize(line, what, broker.on("/response/snapshot").at(-1)!.text);
    }
    const from = broker.heard.length;
    const before = broker.on("/verdict").length;
    await broker.until(() => broker.on("/verdict").length >= before + 4);
    line.waited(what, broker.heard.slice(from));
    line.findings.wrong.push(...[...new Set(broker.broken)].map((text) => `${what}: ${text}`));
  } finally {
    await broker.close();
  }
}

async function mosquitto(line: BrokerLine, { name, code, small }: Case, settings: readonly string[]): Promise<void> {
  const what = `${name}, mosquitto`;
  const broker = await Mosquitto.start(settings);
  try {
    const ears = await line.listen(broker.port);
    const asker = await Subscriber.connect(broker.port, ["gradeline/board/response/#"]);
    await line.goTo({ url: urlOf(broker) });
    if (code !== undefined) await line.says(what, code);
    await line.more(4);
    line.waited(what, ears.heard);
    if (small === true) {
      await asker.ask("gradeline/board/request/snapshot", "{}");
      const [answer] = await inTime(asker.count("/response/snapshot", 1), "an answer", () => ears.heard);
      mustNameSize(line, what, answer!.text);
    }
    await asker.close();
  } finally {
    await broker.close();
  }
}

function mustNameSize(line: BrokerLine, what: string, text: string): void {
  if (/"status":"error".*takes packets of at most/.test(text)) return;
  line.findings.wrong.push(`${what}: a picture was answered with ${text.slice(0, 200)}`);
}
