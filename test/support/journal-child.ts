/**
 * A process with a journal of its own. Arguments: the journal's path, verdicts to append (0: without end).
 * Standard output: one JSON line per event.
 */
import { parseArgs } from "node:util";
import { asGradelineError } from "../../device/base/errors.ts";
import { Journal } from "../../device/publish/journal.ts";
import { PLANT } from "../../device/publish/journal-file.ts";
import { draft, journalConfig } from "./verdicts.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [path, count] = positionals;

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

try {
  const journal = await Journal.open(journalConfig({ path: path! }));
  const { depth } = journal.cursor(PLANT).stats;
  say({ event: "open", depth });
  journal.events.on("problem", (problem) => {
    if (problem === undefined) return say({ event: "again" });
    const { code, message, retry } = problem;
    say({ event: "failed", code, message, retry });
  });
  const last = Number(count) === 0 ? Number.POSITIVE_INFINITY : Number(count);
  for (let n = depth + 1; n <= last; n++) {
    const { verdict } = await journal.append(draft("a", n));
    say({ event: "durable", n, seq: verdict.seq });
  }
  await journal.close();
  say({ event: "closed" });
} catch (error) {
  const { code, message, retry } = asGradelineError(error);
  say({ event: "refused", code, message, retry });
}
process.stdin.destroy();
