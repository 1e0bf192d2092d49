import { existsSync, readFileSync, statSync, truncateSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nowMicros } from "../../../device/base/time.ts";
import type { ConfigInput } from "../../../device/config/schema.ts";
import type { StateMessage } from "../../../device/contract/messages.ts";
import { type ReasonCode, reasonCodes } from "../../../device/contract/reasons.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Daemon, daemonFolder } from "../../support/daemon.ts";
import { smallLine } from "../../support/line-config.ts";
import { MosquittoSub } from "../../support/mosquitto-sub.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { type Attack, Findings } from "../attack.ts";
import { spread, withParts } from "../broker/rig.ts";
import { causes } from "./causes.ts";
import { ODD_PATH } from "./odd-sources.ts";

/** Fourteen cameras on a busy machine; ten seconds each on a quiet one. */
const LIMIT_MS = 240_000;

type SceneName = "cameras" | "bare";
type Keep = <P extends { close(): Promise<unknown> }>(part: P) => P;

/** What the state has said, as mosquitto_sub read it. */
class Told {
  readonly ears: MosquittoSub;
  readonly #since = performance.now();

  constructor(ears: MosquittoSub) {
    this.ears = ears;
  }

  /** Waits until the state has said each of them with a hint. @returns lines for people */
  async all(codes: readonly ReasonCode[]): Promise<string[]> {
    const lines: string[] = [];
    for (const code of codes) {
      const cause = await this.ears.until(() => this.#causes().find((each) => each.code === code), {
        what: `the state says ${code}`,
        limitMs: LIMIT_MS,
      });
      const seconds = ((performance.now() - this.#since) / 1000).toFixed(1);
      lines.push(`${code} within ${seconds} s: ${cause.message}${cause.hint === "" ? "; NO HINT" : ""}`);
    }
    return lines;
  }

  #causes(): StateMessage["causes"] {
    return this.ears.on("board/state").flatMap(({ text }) => (JSON.parse(text) as StateMessage).causes);
  }
}

const ODD = [
  "dark",
  "blind",
  "flicker",
  "torn",
  "frame-size",
  "frame-times",
  "frame-rate",
  "frozen",
  "silent",
  "dropped",
];

/** A camera for each thing that a camera may do, and lanes that are not as configured. */
function camerasConfig(folder: string, brokerPort: number): ConfigInput {
  const base = smallLine({ folder, brokerPort, pace: "real", startAt: nowMicros() });
  const source = base.cameras[0]!.source;
  const lane = base.lanes[0]!;
  const wrong: Record<string, object> = {
    direction: { direction: "left" },
    speed: { conveyor: { kind: "belt", speedMmPerS: 150 } },
    size: { fruitMm: { min: 20, max: 30 } },
  };
  return {
    ...base,
    messages: { gradeCodes: { sound: 1 } },
    cameras: [
      ...ODD.map((odd) => ({ id: odd, source: { kind: "replay" as const, path: ODD_PATH + odd } })),
      { id: "away", source: { kind: "replay", path: join(folder, "nowhere") } },
      ...Object.keys(wrong).map((id) => ({ id, source })),
    ],
    lanes: [
      ...[...ODD, "away"].map((id) => ({ ...lane, id, camera: id })),
      ...Object.entries(wrong).map(([id, other]) => ({ ...lane, id, camera: id, ...other })),
    ],
  };
}

async function cameras(keep: Keep): Promise<string[]> {
  const { folder, close } = await daemonFolder();
  keep({ close });
  const broker = keep(await Mosquitto.start());
  const told = new Told(keep(await MosquittoSub.start({ port: broker.port, filters: ["gradeline/board/#"] })));
  const asker = keep(await Subscriber.connect(broker.port, ["gradeline/board/response/#"]));
  await mkdir(join(folder, "recipes"), { recursive: true });
  await writeFile(join(folder, "recipes", "state.json"), "{torn");
  const standIns = new URL("./stand-ins.ts", import.meta.url).href;
  const environment = { NODE_OPTIONS: `--import=${standIns}` };
  const daemon = await Daemon.start(folder, camerasConfig(folder, broker.port), [], environment);
  keep({ close: () => daemon.kill() });
  const later: readonly ReasonCode[] = ["journal-damaged", "paused", "offline"];
  const lines = await told.all(codesOf("cameras").filter((code) => !later.includes(code)));
  const journal = join(folder, "journal.sqlite");
  truncateSync(journal, Math.floor(statSync(journal).size / 2));
  lines.push(...(await told.all(["journal-damaged"])));
  await asker.ask("gradeline/board/request/pause", "{}");
  lines.push(...(await told.all(["paused"])));
  await daemon.kill("SIGKILL");
  return [...lines, ...(await told.all(["offline"]))];
}

async function bare(keep: Keep): Promise<string[]> {
  const { folder, close } = await daemonFolder();
  keep({ close });
  const broker = keep(await Mosquitto.start());
  const told = new Told(keep(await MosquittoSub.start({ port: broker.port, filters: ["gradeline/board/#"] })));
  const base = smallLine({ folder, brokerPort: broker.port, pace: "real", startAt: nowMicros() });
  const daemon = await Daemon.start(folder, { ...base, gallery: join(folder, "none"), cameras: [], lanes: [] });
  keep({ close: () => daemon.kill() });
  return told.all(codesOf("bare"));
}

const SCENES: Readonly<Record<SceneName, (keep: Keep) => Promise<string[]>>> = { cameras, bare };

function codesOf(scene: SceneName): ReasonCode[] {
  return reasonCodes.filter((code) => {
    const cause = causes[code];
    return "scene" in cause && cause.scene === scene;
  });
}

/** A test that is said to cause a reason is there and has to do with it. */
function missingTests(): string[] {
  return reasonCodes.flatMap((code) => {
    const cause = causes[code];
    if (!("test" in cause)) return [];
    if (existsSync(cause.test) && readFileSync(cause.test, "utf8").length > 0) return [];
    return [`${code} has no cause: ${cause.test} is not there`];
  });
}

/** Every reason of the state is caused once on purpose; what a daemon can be brought to say is read by mosquitto_sub. */
export const reasons: Attack = {
  name: "reasons",
  count: Object.keys(SCENES).length,
  skip: withoutMosquitto,
  async run(rounds, tell) {
    const findings = new Findings();
    findings.wrong.push(...missingTests());
    for (const [n, scene] of spread(Object.values(SCENES), rounds).entries()) {
      const lines = await withParts(scene);
      findings.said.push(...lines);
      findings.wrong.push(...lines.filter((line) => line.endsWith("NO HINT")));
      tell(`reasons ${n + 1}/${rounds}`);
    }
    return findings.result(rounds);
  },
};
