import { asGradelineError, type GradelineError } from "../base/errors.ts";
import type { Scope } from "../base/lifecycle.ts";
import type { Config } from "../config/schema.ts";
import { Journal } from "../publish/journal.ts";
import { lotsFolder } from "./lot-book.ts";
import { LotFigures } from "./lot-figures.ts";

export interface CountedJournal {
  readonly journal: Journal;
  /** Why there are none: the line grades without. */
  readonly figures: LotFigures | GradelineError;
}

/**
 * The journal, and what counts its verdicts by lot.
 *
 * @param sinks whoever else gets its verdicts
 * @throws {GradelineError} JOURNAL
 */
export async function openJournal(
  scope: Scope,
  config: Config,
  sinks: readonly string[] = [],
): Promise<CountedJournal> {
  let figures: LotFigures | GradelineError;
  try {
    figures = await LotFigures.open(lotsFolder(config));
  } catch (error) {
    figures = asGradelineError(error, "FILE");
  }
  const counting = figures instanceof LotFigures ? figures : undefined;
  try {
    const all = counting === undefined ? sinks : [...sinks, counting.sink];
    const journal = scope.add(await Journal.open(config.journal, { sinks: all }));
    // Closed before the journal: it counts to the end.
    if (counting !== undefined) {
      scope.add(counting);
      counting.follow(journal.cursor(counting.sink), () => journal.epoch);
    }
    return { journal, figures };
  } catch (error) {
    await counting?.close();
    throw error;
  }
}
