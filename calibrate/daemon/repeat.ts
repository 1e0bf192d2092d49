import { setInterval } from "node:timers";
import { GradelineError } from "../../device/base/errors.ts";
import { laneNamed } from "../../device/config/lane-names.ts";
import type { Config } from "../../device/config/schema.ts";
import type { Verdict } from "../../device/contract/messages.ts";
import { Progress } from "../cli/progress.ts";
import { DaemonLink } from "./daemon-link.ts";
import { type Repeatability, repeatability, type Share } from "./repeat-figures.ts";

/** What research machines reach, within a lane and between lanes: the mark to beat. */
const RESEARCH = { within: 0.9, between: 0.81 };
const LOOK_MS = 500;

export interface Repeat {
  readonly lanes: readonly string[];
  /** Fruit in one round. */
  readonly count: number;
  /** Rounds. */
  readonly times: number;
  /** Longest time without a fruit on a lane, seconds. */
  readonly idleS: number;
}

/** `repeat`: the same fruit go round, and what the running daemon says of each is compared. */
export async function repeatFruit(
  config: Config,
  wanted: Repeat,
  { json, stop }: { readonly json: boolean; readonly stop: AbortSignal },
): Promise<void> {
  for (const lane of wanted.lanes) laneNamed(config, lane, "USAGE");
  const link = await DaemonLink.open(config);
  try {
    const passes = await watchRounds(link, wanted, json, stop);
    const figures = repeatability(passes, wanted.count, wanted.times);
    process.stdout.write(json ? `${JSON.stringify(figures)}\n` : describe(figures));
  } finally {
    await link.close();
  }
}

async function watchRounds(
  link: DaemonLink,
  { lanes, count, times, idleS }: Repeat,
  quiet: boolean,
  stop: AbortSignal,
): Promise<Map<string, Verdict[]>> {
  const passes = new Map<string, Verdict[]>(lanes.map((lane) => [lane, []]));
  const seen = new Set<string>();
  const total = count * times;
  if (!quiet) {
    process.stdout.write(
      `${count} fruit, ${times} rounds, in the same order, on lane ${lanes.join(" and lane ")}: start the first now\n`,
    );
  }
  const progress = new Progress("fruit seen", total * lanes.length);
  const complete = Promise.withResolvers<void>();
  let lastAt = performance.now();
  link.events.on("verdict", (verdict) => {
    const lane = passes.get(verdict.lane);
    // An empty cup is no fruit; what was said before comes again after a lost connection.
    if (lane === undefined || verdict.outcome === "empty" || seen.has(verdict.item) || lane.length === total) return;
    seen.add(verdict.item);
    lane.push(verdict);
    lastAt = performance.now();
    progress.update([...passes.values()].reduce((sum, list) => sum + list.length, 0));
    if (!quiet && lane.length % count === 0) {
      process.stdout.write(`lane ${verdict.lane}: round ${lane.length / count} of ${times} is through\n`);
    }
    if ([...passes.values()].every((list) => list.length === total)) complete.resolve();
  });
  const timer = setInterval(() => {
    if (performance.now() - lastAt < idleS * 1000) return;
    const found = [...passes].map(([lane, list]) => `${list.length} on lane ${lane}`).join(", ");
    complete.reject(
      new GradelineError("REQUEST", `no fruit for ${idleS} s; found ${found}, wanted ${total} on each`, {
        hint: "is the line running? --idle SECONDS waits longer",
        retry: true,
      }),
    );
  }, LOOK_MS);
  try {
    await link.during(complete.promise, stop);
  } finally {
    clearInterval(timer);
    progress.stop();
  }
  return passes;
}

function describe(figures: Repeatability): string {
  const { fruit, rounds, lanes, withinLane, betweenLanes, sizeSdMm, distanceSd, shifted, items } = figures;
  const percent = ({ share, low, high }: Share): string =>
    `${(share * 100).toFixed(1)} % equal (95 %: ${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)})`;
  const lines = [
    `${fruit} fruit, ${rounds} rounds, lane ${lanes.join(" and lane ")}`,
    ...lanes.map(
      (lane) => `within lane ${lane}: ${percent(withinLane[lane]!)}; research machines ${RESEARCH.within * 100} %`,
    ),
    ...(betweenLanes === null
      ? []
      : [`between lanes: ${percent(betweenLanes)}; research machines ${RESEARCH.between * 100} %`]),
    `from round to round: size ${sizeSdMm === null ? "-" : `${sizeSdMm.toFixed(2)} mm`}, distance ${distanceSd === null ? "-" : distanceSd.toFixed(4)} (standard deviation)`,
    ...shifted.map((lane) => `warning: rounds of lane ${lane} look shifted: was a fruit missed or taken away?`),
    "",
    "fruit that were not always called the same:",
  ];
  const varying = items.filter(({ verdicts }) => new Set(Object.values(verdicts).flat()).size > 1);
  for (const { fruit: number, verdicts, sizeMm } of varying) {
    const said = Object.entries(verdicts).map(([lane, list]) => `${lane}: ${counts(list)}`);
    const size = sizeMm === null ? "" : `${sizeMm.mean.toFixed(1)} mm`;
    lines.push(`${String(number).padStart(5)}  ${size.padStart(8)}  ${said.join("; ")}`);
  }
  if (varying.length === 0) lines.push("    none");
  return `${lines.join("\n")}\n`;
}

function counts(verdicts: readonly string[]): string {
  const by = new Map<string, number>();
  for (const verdict of verdicts) by.set(verdict, (by.get(verdict) ?? 0) + 1);
  return [...by]
    .sort((a, b) => b[1] - a[1])
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(", ");
}
