import { OUTCOME_CODES } from "../config/schema.ts";
import type { Outcome } from "./messages.ts";

/** Numbers for controllers that compare no strings. */
export interface Codes {
  /** By name of the grade; undefined: 1 for the best, then in order. */
  readonly grades: ReadonlyMap<string, number> | undefined;
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** Those of a configuration that names none. */
export const USUAL_CODES: Codes = { grades: undefined, outcomes: OUTCOME_CODES };

/** The number of a grade and of an outcome; 0 for no grade, and for one that a given map does not name. */
export function codesFor(
  codes: Codes,
  decision: {
    readonly outcome: Outcome;
    readonly grade: string | null;
    /** Best grade first. */
    readonly grades: readonly { readonly grade: string }[];
  },
): { outcomeCode: number; gradeCode: number } {
  const { outcome, grade, grades } = decision;
  const rank = grades.findIndex((each) => each.grade === grade) + 1;
  return {
    outcomeCode: codes.outcomes[outcome],
    gradeCode: grade === null ? 0 : codes.grades === undefined ? rank : (codes.grades.get(grade) ?? 0),
  };
}
