import { GradelineError } from "../../device/base/errors.ts";
import { laneNamed } from "../../device/config/lane-names.ts";
import type { Config } from "../../device/config/schema.ts";
import type { LaneStatsMessage } from "../../device/contract/messages.ts";
import { readQueue } from "../../device/teach/queue.ts";
import { queueFolder } from "../../device/teach/teaching.ts";
import { DaemonLink } from "./daemon-link.ts";
import { queueAsk } from "./queue.ts";

/** Statistics are retained: those of every lane come at once. */
const FIRST_MS = 5000;

export interface Watch {
  /** All where empty. */
  readonly lanes: readonly string[];
  /** Tell how things are and end. */
  readonly once: boolean;
  /** Take the line as it is as how it should be, then end. */
  readonly relearn: boolean;
  /** Ask for the grades of what waits, then end. */
  readonly answer: boolean;
}

interface Terminal {
  readonly json: boolean;
  readonly stop: AbortSignal;
}

/** `watch`: what has changed on the lanes and since when, and how many unknown items wait. */
export async function watchLine(config: Config, wanted: Watch, terminal: Terminal): Promise<void> {
  const known = config.lanes.map(({ id }) => id);
  for (const lane of wanted.lanes) laneNamed(config, lane, "USAGE");
  const lanes = wanted.lanes.length > 0 ? wanted.lanes : known;
  const link = await DaemonLink.open(config);
  try {
    if (wanted.relearn) return await relearn(link, lanes, terminal);
    await watch(link, config, lanes, wanted.once || terminal.json || wanted.answer, terminal);
  } finally {
    await link.close();
  }
  if (wanted.answer && !terminal.json) await queueAsk(config, terminal);
}

async function relearn(link: DaemonLink, lanes: readonly string[], { json }: Terminal): Promise<void> {
  for (const lane of lanes) await link.ask("relearn", { lane });
  if (json) process.stdout.write(`${JSON.stringify({ lanes })}\n`);
  else process.stdout.write(`lane ${lanes.join(" and lane ")}: taken as it is from now on, and learnt anew\n`);
}

async function watch(
  link: DaemonLink,
  config: Config,
  lanes: readonly string[],
  once: boolean,
  { json, stop }: Terminal,
): Promise<void> {
  const latest = new Map<string, LaneStatsMessage>();
  const told = new Map<string, string>();
  const complete = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    const silent = lanes.filter((lane) => !latest.has(lane)).join(", ");
    complete.reject(new GradelineError("BROKER", `the daemon says nothing of lane ${silent}`, { retry: true }));
  }, FIRST_MS);
  link.events.on("stats", (stats) => {
    if (!lanes.includes(stats.lane)) return;
    latest.set(stats.lane, stats);
    if (latest.size === lanes.length) {
      clearTimeout(timer);
      if (once) complete.resolve();
    }
    if (once) return;
    // A line per change: it reads the same in a terminal and in a file.
    const text = describe(stats);
    if (told.get(stats.lane) === text) return;
    told.set(stats.lane, text);
    process.stdout.write(`${stats.at.slice(0, 19)}Z  ${text}`);
  });
  try {
    await link.during(complete.promise, stop);
  } catch (error) {
    // To watch until Ctrl-C is what it is for.
    if (!(stop.aborted && !once)) throw error;
    return;
  } finally {
    clearTimeout(timer);
  }
  const waiting = (await readQueue(queueFolder(config))).length;
  const all = lanes.map((lane) => latest.get(lane)!);
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ device: config.device, waiting, lanes: all.map(({ lane, items, drift }) => ({ lane, items, ...drift })) })}\n`,
    );
    return;
  }
  for (const stats of all) process.stdout.write(describe(stats) + table(stats));
  process.stdout.write(`${waiting} unknown items wait${waiting > 0 ? ": gradeline-calibrate queue list" : ""}\n`);
}

function describe({ lane, drift }: LaneStatsMessage): string {
  const { findings, learned, learntFrom } = drift;
  const lines = findings.map(({ since, text }) => `  since ${day(since)}: ${text}`);
  if (learned < 1) lines.unshift(`  learning the normal state: ${Math.floor(learned * 20) * 5} %`);
  const state = findings.length > 0 ? "has changed" : learned < 1 ? "no fruit yet" : "as it was";
  const from = learntFrom === null ? "" : `, learnt from ${day(learntFrom)}`;
  return `lane ${lane}: ${learned < 1 && findings.length === 0 && learntFrom !== null ? "learning" : state}${from}\n${lines.map((line) => `${line}\n`).join("")}`;
}

/** Names of the signals for people, in the order of the message. */
const NAMES: Readonly<Record<string, string>> = {
  sceneBrightness: "belt, brightness (log2)",
  sceneWarmth: "belt, red against blue (log2)",
  sceneTint: "belt, green (log2)",
  brightness: "fruit, brightness (log2)",
  warmth: "fruit, red against blue (log2)",
  tint: "fruit, green (log2)",
  sharpness: "fruit, sharpness (log2)",
  identity: "fruit, distance of their kind",
  condition: "fruit, distance of their condition",
  unknown: "fruit, share unknown",
};

function table({ drift }: LaneStatsMessage): string {
  const lines = drift.signals
    .filter(({ now }) => now !== null)
    .map(({ signal, baseline, now, since }) => {
      const was = baseline === null ? "learning" : baseline.toFixed(3);
      const name = (NAMES[signal] ?? signal).padEnd(36);
      return `  ${name} was ${was.padStart(8)}  is ${now!.toFixed(3).padStart(8)}${since === null ? "" : `  since ${day(since)}`}\n`;
    });
  return lines.join("");
}

function day(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}
