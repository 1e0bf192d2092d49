import { asGradelineError, GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";
import { type QueuedItem, readQueue } from "../../device/teach/queue.ts";
import { queueFolder } from "../../device/teach/teaching.ts";
import { Answers } from "./answers.ts";
import { DaemonLink } from "./daemon-link.ts";
import { describeVerdict, nearestGrade } from "./describe.ts";

interface Terminal {
  readonly json: boolean;
  readonly stop: AbortSignal;
}

/** More of them would push the first off the screen. */
const MOST_LISTED = 20;

/** `queue list`: what waits on disk, newest first; needs no daemon. */
export async function queueList(config: Config, { json }: Terminal, limit: number | undefined): Promise<void> {
  const folder = queueFolder(config);
  const items = await readQueue(folder);
  if (json) {
    const shown = items.slice(0, limit).map(asJson);
    process.stdout.write(`${JSON.stringify({ queue: folder, waiting: items.length, items: shown })}\n`);
    return;
  }
  process.stdout.write(`${items.length === 1 ? "1 item waits" : `${items.length} items wait`} in ${folder}\n`);
  const shown = items.slice(0, limit ?? MOST_LISTED);
  for (const item of shown) process.stdout.write(describe(item));
  if (shown.length < items.length) {
    process.stdout.write(`and ${items.length - shown.length} older: --limit ${items.length} shows all\n`);
  }
  if (items.length > 0) {
    process.stdout.write("answer one: gradeline-calibrate queue answer ITEM GRADE, or all in turn: queue answer\n");
  }
}

/** `queue answer ITEM… GRADE` */
export async function queueAnswer(
  config: Config,
  items: readonly string[],
  grade: string,
  { json }: Terminal,
): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    const enrolled = await link.ask("enroll", { grade, items: [...items] }, 0);
    if (json) process.stdout.write(`${JSON.stringify(enrolled)}\n`);
    else {
      process.stdout.write(
        `enrolled ${enrolled.items.length} items as ${grade}; ${enrolled.references} references; the line is graded by them from now on\n`,
      );
    }
  } finally {
    await link.close();
  }
}

/** `queue dismiss ITEM…` */
export async function queueDismiss(config: Config, items: readonly string[], { json }: Terminal): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    const { dismissed } = await link.ask("dismiss", { items: [...items] });
    if (dismissed < items.length) {
      throw new GradelineError("REQUEST", `${items.length - dismissed} of ${items.length} items are not in the queue`, {
        hint: "gradeline-calibrate queue list",
      });
    }
    process.stdout.write(json ? `${JSON.stringify({ dismissed })}\n` : `dismissed ${dismissed} items\n`);
  } finally {
    await link.close();
  }
}

/** `queue answer` without an item: shows each and asks for its grade, until nothing waits or somebody ends it. */
export async function queueAsk(config: Config, { stop }: Terminal): Promise<void> {
  const items = await readQueue(queueFolder(config));
  if (items.length === 0) {
    process.stdout.write("nothing waits\n");
    return;
  }
  const link = await DaemonLink.open(config);
  const answers = new Answers(stop);
  try {
    process.stdout.write(`${items.length} items wait. A grade enrolls, - dismisses, nothing leaves it, q ends.\n`);
    let enrolled = 0;
    let dismissed = 0;
    for (const item of items) {
      process.stdout.write(describe(item));
      const answer = await answers.next("  grade: ");
      if (answer === undefined || answer === "q") break;
      if (answer === "") continue;
      try {
        if (answer === "-") dismissed += (await link.ask("dismiss", { items: [item.id] })).dismissed;
        else {
          const { references } = await link.ask("enroll", { grade: answer, items: [item.id] }, 0);
          enrolled++;
          process.stdout.write(`  enrolled as ${answer}; ${references} references\n`);
        }
      } catch (error) {
        const { code, message, hint } = asGradelineError(error);
        if (code === "BROKER") throw error;
        // One that went meanwhile, or a mistyped grade, ends nothing.
        process.stdout.write(`  ${message}${hint === undefined ? "" : ` (${hint})`}\n`);
      }
    }
    process.stdout.write(`enrolled ${enrolled}, dismissed ${dismissed}\n`);
  } finally {
    answers.close();
    await link.close();
  }
}

function describe({ id, verdict, picture }: QueuedItem): string {
  const distances = verdict.grades
    .filter(({ distance }) => distance !== null)
    .map(({ grade, distance }) => `${grade} ${distance!.toFixed(3)}`)
    .join(", ");
  return [
    `${id}  ${verdict.decidedAt.slice(0, 19)}Z  lane ${verdict.lane}`,
    `  ${describeVerdict(verdict)}`,
    ...(distances === "" ? [] : [`  distances ${distances}`]),
    `  ${picture}`,
    "",
  ].join("\n");
}

function asJson({ id, verdict, views, picture }: QueuedItem) {
  const { lane, outcome, grades, sizeMm, decidedAt } = verdict;
  return { item: id, lane, outcome, decidedAt, sizeMm, views, nearest: nearestGrade(grades) ?? null, grades, picture };
}
