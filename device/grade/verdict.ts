/** Why an item got what it got; the field names are the contract of the published message. */
import type { Outcome } from "../contract/messages.ts";

export type { Outcome };

/** How far an item is from one grade. */
export interface GradeScore {
  readonly grade: string;
  /** The item rule's distance to this grade together with all better ones, 0..2; null where it cannot be said. */
  readonly distance: number | null;
  /** Share of good fruit of this grade that would lie at least as far; null without a calibration. */
  readonly pValue: number | null;
}

/** The decision for one item before it gets its sequence number and times. */
export interface Decision {
  readonly outcome: Outcome;
  /** Why, where the outcome alone does not say it. */
  readonly reason?: string | undefined;
  readonly grade: string | null;
  /** How far inside the threshold the item lies, relative to it: 1 on a reference, 0 at the threshold, negative outside; null without a view. */
  readonly margin: number | null;
  /** Best grade first. */
  readonly grades: readonly GradeScore[];
  /** The view that decided, for pictures; absent without a view. */
  readonly tellingView?: number;
}

/** What a decision hangs on. */
export interface Reasons {
  readonly decision: Decision;
  /** The grade that the item as a whole is most like: it gets none better. */
  readonly like: string;
  /** Another grade that it is as much like; null where there is none. */
  readonly rival: string | null;
  /** How unlike everything enrolled the item is as a whole: more than 1 makes it unknown. */
  readonly strangeness: number;
  /** Best grade first: the largest distance of a view that counts as covered, 0..2. */
  readonly limits: readonly { readonly grade: string; readonly limit: number }[];
}
