import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReasonCode } from "../../../device/contract/reasons.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Subscriber } from "../../support/subscriber.ts";
import type { Attack } from "../attack.ts";
import { ALLOW_EARS, BrokerLine, EARS, type Mqtt, spread, urlOf, withParts } from "./rig.ts";

const ROOT = "gradeline/board/";
const SIDE = ["info", "health", "recipe", "shadow", "lane/belt/stats"];
const VERDICTS = ["lane/belt/verdict", "lane/cups/verdict"];
const ALL = ["state", ...SIDE, "lane/cups/stats", ...VERDICTS, "request/#", "response/#"];

/** mosquitto lets everybody subscribe, and then passes nothing on: that nobody may ask cannot be known there. */
const SILENT = ["request/#", "read"];

/** What the broker's administrator forgot. */
interface Case {
  readonly protocol: "5" | "3.1.1";
  /** Topic that is denied; `read`: to hear its own. */
  readonly denied: string;
  /** What the state says of it; undefined where nobody can know: over 3.1.1 what is no verdict is swallowed silently. */
  readonly code: ReasonCode | undefined;
}

const CASES: readonly Case[] = [...VERDICTS, "request/#", "read", "state", "response/#", ...SIDE].flatMap((denied) => [
  { protocol: "5" as const, denied, code: codeOver5(denied) },
  { protocol: "3.1.1" as const, denied, code: codeOver311(denied) },
]);

function codeOver5(denied: string): ReasonCode | undefined {
  // Whoever may not say its state cannot say that; `health` does. Over 5 it needs to hear nothing.
  return denied === "state" || SILENT.includes(denied) ? undefined : "topic-refused";
}

function codeOver311(denied: string): ReasonCode | undefined {
  if (denied === "read") return "unverified";
  return VERDICTS.includes(denied) ? "verdicts-swallowed" : undefined;
}

/** Lines of mosquitto's ACL. */
function aclOf(denied: string | undefined): string {
  const device = ALL.filter((topic) => topic !== denied).map((topic) => {
    const own = denied === "read" && topic !== "request/#";
    return `topic ${own ? "write" : "readwrite"} ${ROOT}${topic}`;
  });
  return [...ALLOW_EARS, "user device", ...device, ""].join("\n");
}

/** ACLs that deny each topic in turn, over MQTT 5 and 3.1.1: the other verdicts flow, and the state says it. */
export const acls: Attack = {
  name: "acl",
  count: CASES.length,
  skip: withoutMosquitto,
  run: (rounds, tell) =>
    withParts(async (keep) => {
      const broker = keep(await Mosquitto.start(["acl_file %/acl"], { acl: aclOf(undefined) }));
      const mqtt: Mqtt = { url: urlOf(broker), username: "device" };
      const asker = keep(await Subscriber.connect(broker.port, [`${ROOT}response/#`], { username: EARS }));
      // Sent there only once somebody listens: its first verdicts would be heard by nobody.
      const line = keep(await BrokerLine.open());
      await line.listen(broker.port);
      await line.goTo(mqtt);
      await line.more(1);
      for (const [n, { protocol, denied, code }] of spread(CASES, rounds).entries()) {
        const what = `MQTT ${protocol}, ${denied} denied`;
        const from = line.ears.heard.length;
        await writeFile(join(broker.folder, "acl"), aclOf(denied));
        await broker.reload();
        await line.goTo({ ...mqtt, protocol, clientId: `round-${n}` });
        if (denied === "response/#" && protocol === "5") await asker.ask(`${ROOT}request/enroll`, '{"count":0}');
        const others = denied === "lane/belt/verdict" ? "cups" : "belt";
        if (code !== undefined) await line.says(what, code, topicIn(code, denied));
        if (denied === "state" && protocol === "5") await refusedIn(line, what);
        await line.more(3, others);
        // What is held back must be; the others must not wait.
        const heard = line.ears.heard.slice(from).filter(({ topic }) => topic.endsWith(`${others}/verdict`));
        line.waited(what, heard);
        await writeFile(join(broker.folder, "acl"), aclOf(undefined));
        await broker.reload();
        await line.goTo({ ...mqtt, protocol, clientId: `after-${n}` });
        await line.more(1, denied === "lane/cups/verdict" ? "cups" : "belt");
        tell(`acl ${n + 1}/${rounds}`);
      }
      await line.whole();
      return line.result(rounds);
    }),
};

function topicIn(code: ReasonCode, denied: string): string {
  if (code !== "topic-refused" && code !== "verdicts-swallowed") return "";
  return denied === "response/#" ? "response/enroll" : denied;
}

async function refusedIn(line: BrokerLine, what: string): Promise<void> {
  const since = performance.now();
  await line.ears.until(() => JSON.stringify(line.ears.latest("board/health")).includes("board/state") || undefined, {
    what: `${what}: health names it`,
  });
  line.noted(what, "`health` names it", performance.now() - since);
}
