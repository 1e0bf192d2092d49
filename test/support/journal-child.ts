/**
 * A process with a journal of its own. Arguments: the journal's path, verdicts to append (0: without end).
 * Standard output: one JSON line per event. Standard input: a line `more` appends again after a failure.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { asGradelineError } from "../../device/base/errors.ts";
import { Journal } from "../../device/publish/journal.ts";
import { draft } from "./verdicts.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [path, count] = positionals;

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

try {
  const journal = await Journal.open({ path: path!, maxRows: 1_000_000, maxBytes: 512 * 1024 * 1024 });
  say({ event: "open", depth: journal.stats.depth });
  const last = Number(count) === 0 ? Number.POSITIVE_INFINITY : Number(count);
  for (let n = journal.stats.depth + 1; n <= last; n++) {
    try {
      const { verdict } = await journal.append(draft("a", n));
      say({ event: "durable", n, seq: verdict.seq });
    } catch (error) {
      const { code, message, retry } = asGradelineError(error);
      say({ event: "failed", n, code, message, retry });
      if ((await orders.next()).value !== "more") break;
      n--;
    }
  }
  await journal.close();
  say({ event: "closed" });
} catch (error) {
  const { code, message, retry } = asGradelineError(error);
  say({ event: "refused", code, message, retry });
}
process.stdin.destroy();
