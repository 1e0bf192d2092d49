import type { Grader } from "../../device/grade/grader.ts";
import type { BaseLine, ColourJudgement, Rule } from "./base-line.ts";
import type { EmbeddedItem } from "./items.ts";

/** What was made of one item by a gallery that does not know it. */
export interface Judgement {
  readonly item: EmbeddedItem;
  /** The best of the enrolled grades, whatever its distance. */
  readonly said: string;
  /** What the daemon would have said: a grade, `unknown` or `unsure`. */
  readonly verdict: string;
  /** 1 at the limit of what is known, more for strangers. */
  readonly strangeness: number;
  readonly margin: number | null;
  /** Cover distances by grade. */
  readonly distances: readonly { readonly grade: string; readonly distance: number | null }[];
  /** p-value for its own grade; null for strangers, and where nothing is calibrated. */
  readonly pValue: number | null;
  /** The view that decided. */
  readonly tellingView: number;
  /** How many views have the item's own grade as their best. */
  readonly viewsRight: number;
  /** What colours alone say; undefined where they could not be compared. */
  readonly colours: Record<Rule, ColourJudgement> | undefined;
}

/** @param leaveOut which of the base line's items does not count, or NO_ITEM */
export function judge(item: EmbeddedItem, grader: Grader, baseLine: BaseLine | undefined, leaveOut: number): Judgement {
  const { embeddings, views, grade, histograms } = item;
  const decision = grader.grade(embeddings, views);
  const dimension = embeddings.length / views;
  let viewsRight = 0;
  for (let view = 0; view < views; view++) {
    const one = embeddings.subarray(view * dimension, (view + 1) * dimension);
    if (grader.choose(one, 1) === grade) viewsRight++;
  }
  return {
    item,
    said: grader.choose(embeddings, views),
    verdict: decision.grade ?? decision.outcome,
    strangeness: grader.strangeness(embeddings, views),
    margin: decision.margin,
    distances: decision.grades.map(({ grade: name, distance }) => ({ grade: name, distance })),
    pValue: decision.grades.find((score) => score.grade === grade)?.pValue ?? null,
    tellingView: decision.tellingView ?? 0,
    viewsRight,
    colours: histograms === undefined ? undefined : baseLine?.judge({ grade, views, histograms }, leaveOut),
  };
}
