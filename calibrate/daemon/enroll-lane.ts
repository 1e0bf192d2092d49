import { GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";
import type { LaneStatsMessage, Verdict } from "../../device/contract/messages.ts";
import type { DataOf } from "../../device/contract/verbs.ts";
import { DaemonLink } from "./daemon-link.ts";
import { describeVerdict, nearestGrade } from "./describe.ts";

/** How long a daemon that was asked to stop counting may take to say so. */
const CANCEL_MS = 5000;
/** Verdicts that no count has named yet; the daemon counts within a moment. */
const MAX_VERDICTS = 500;

export interface EnrollLane {
  readonly grade: string;
  readonly lane: string;
  readonly count: number;
  /** Longest time without a fruit, seconds. */
  readonly idleS: number;
}

/** `enroll GRADE --lane L --count N`: the daemon counts fruit as they pass, here they are shown. */
export async function enrollLane(
  config: Config,
  { grade, lane, count, idleS }: EnrollLane,
  { json, stop }: { readonly json: boolean; readonly stop: AbortSignal },
): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    const shown = new Shown(lane, json);
    link.events.on("verdict", (verdict) => shown.verdict(verdict));
    link.events.on("stats", (stats) => shown.stats(stats));
    if (!json) process.stdout.write(`counting ${count} fruit on lane ${lane} as ${grade}; Ctrl-C enrolls none\n`);
    const answer = link.ask("enroll", { grade, lane, count, idleS }, 0);
    // Whoever waits for it below says what went wrong.
    answer.catch(() => {});
    let enrolled: DataOf<"enroll">;
    try {
      enrolled = await link.during(answer, stop);
    } catch (error) {
      if (!stop.aborted) throw error;
      enrolled = await cancel(link, lane, answer, stop);
    }
    tell(enrolled, shown, lane, json);
  } finally {
    await link.close();
  }
}

/** Where it was too late, what was enrolled. @throws the reason of `stop` where nothing was */
async function cancel(
  link: DaemonLink,
  lane: string,
  answer: Promise<DataOf<"enroll">>,
  stop: AbortSignal,
): Promise<DataOf<"enroll">> {
  try {
    await link.ask("enroll", { lane, count: 0 }, CANCEL_MS);
  } catch (error) {
    // The last fruit had passed, or another has cancelled it: its own answer says which.
    if (!(error instanceof GradelineError && error.code === "REQUEST")) throw error;
  }
  return answer.catch(() => {
    throw stop.reason;
  });
}

/** Shows each counted fruit once, when both its verdict and its count are here. */
class Shown {
  readonly verdicts = new Map<string, Verdict>();
  readonly #lane: string;
  readonly #quiet: boolean;
  #counted: readonly string[] = [];
  #wanted = 0;
  #next = 0;

  constructor(lane: string, quiet: boolean) {
    this.#lane = lane;
    this.#quiet = quiet;
  }

  verdict(verdict: Verdict): void {
    if (verdict.lane !== this.#lane || verdict.views === 0) return;
    this.verdicts.set(verdict.item, verdict);
    if (this.verdicts.size > MAX_VERDICTS) this.verdicts.delete(this.verdicts.keys().next().value!);
    this.#show();
  }

  stats({ lane, enrolling }: LaneStatsMessage): void {
    if (lane !== this.#lane || enrolling === null) return;
    this.count(enrolling.items, enrolling.count);
  }

  count(items: readonly string[], wanted: number): void {
    if (items.length < this.#counted.length) return;
    this.#counted = items;
    this.#wanted = wanted;
    this.#show();
  }

  #show(): void {
    for (; this.#next < this.#counted.length; this.#next++) {
      const verdict = this.verdicts.get(this.#counted[this.#next]!);
      if (verdict === undefined) return;
      if (this.#quiet) continue;
      const number = `${this.#next + 1}/${this.#wanted}`.padStart(7);
      process.stdout.write(`${number}  ${describeVerdict(verdict)}  ${verdict.item}\n`);
    }
  }
}

function tell(enrolled: DataOf<"enroll">, shown: Shown, lane: string, json: boolean): void {
  const { grade, items, gallery, references } = enrolled;
  shown.count(
    items.map(({ item }) => item),
    items.length,
  );
  const views = items.reduce((sum, item) => sum + item.views, 0);
  if (!json) {
    process.stdout.write(
      `enrolled ${items.length} items (${views} views) as ${grade}; ${references} references; the line is graded by them from now on\n`,
    );
    return;
  }
  const list = items.map(({ item, views: count }) => {
    const verdict = shown.verdicts.get(item);
    return {
      item,
      views: count,
      sizeMm: verdict?.sizeMm ?? null,
      outcome: verdict?.outcome ?? null,
      grade: verdict?.grade ?? null,
      nearest: verdict === undefined ? null : (nearestGrade(verdict.grades) ?? null),
    };
  });
  process.stdout.write(
    `${JSON.stringify({ enrolled: items.length, views, grade, lane, gallery, references, items: list })}\n`,
  );
}
