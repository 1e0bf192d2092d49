import { UNKNOWN } from "../pictures/images.ts";
import type { EmbeddedItem } from "./items.ts";
import type { Judgement } from "./judge.ts";

/** How a verdict was wrong, the costliest first. */
export const MISTAKES = ["stranger graded", "too good a grade", "too bad a grade", "called unknown"] as const;
export type MistakeKind = (typeof MISTAKES)[number];

export interface Mistake {
  readonly item: string;
  /** Path of the picture that decided. */
  readonly picture: string;
  readonly kind: MistakeKind;
  readonly truth: string;
  readonly verdict: string;
  /** How often it was judged, and got this verdict: more than once with draws. */
  readonly judged: number;
  readonly times: number;
  /** How sure the wrong verdict was, 0 at the limit. */
  readonly margin: number | null;
  readonly distances: Judgement["distances"];
}

/** A mistake with what it takes to show it. */
export interface ShownMistake extends Mistake {
  readonly source: EmbeddedItem;
  readonly tellingView: number;
}

/** More would be read by nobody. */
const MOST = 50;

/** Wrong verdicts, the worst first: by what they cost, how many grades they are off, how often, and how sure. */
export function mistakesOf(all: readonly Judgement[], grades: readonly string[]): Mistake[] {
  return shownMistakes(all, grades).map(({ source: _, tellingView: __, ...mistake }) => mistake);
}

export function shownMistakes(all: readonly Judgement[], grades: readonly string[]): ShownMistake[] {
  const mistakes: (ShownMistake & { readonly off: number })[] = [];
  for (const [source, judgements] of Map.groupBy(all, ({ item }) => item)) {
    const wrong = judgements.filter(({ verdict }) => verdict !== source.grade);
    const verdicts = [...Map.groupBy(wrong, ({ verdict }) => verdict).values()];
    const most = verdicts.sort((a, b) => b.length - a.length)[0];
    if (most === undefined) continue;
    const sure = (one: Judgement): number => one.margin ?? Number.NEGATIVE_INFINITY;
    const worst = most.reduce((a, b) => (sure(b) > sure(a) ? b : a));
    const { verdict, margin, distances, tellingView } = worst;
    const kind = kindOf(source.grade, verdict, grades);
    // A stranger that is called unsure is set aside as it should be.
    if (kind === undefined) continue;
    mistakes.push({
      item: source.name,
      picture: source.files[tellingView] ?? source.files[0] ?? source.name,
      kind,
      truth: source.grade,
      verdict,
      judged: judgements.length,
      times: most.length,
      margin,
      distances,
      source,
      tellingView,
      off: grades.includes(verdict) ? Math.abs(grades.indexOf(verdict) - grades.indexOf(source.grade)) : 0,
    });
  }
  return mistakes
    .sort(
      (a, b) =>
        MISTAKES.indexOf(a.kind) - MISTAKES.indexOf(b.kind) ||
        b.off - a.off ||
        b.times / b.judged - a.times / a.judged ||
        (b.margin ?? 0) - (a.margin ?? 0),
    )
    .slice(0, MOST)
    .map(({ off: _, ...mistake }) => mistake);
}

function kindOf(truth: string, verdict: string, grades: readonly string[]): MistakeKind | undefined {
  const given = grades.indexOf(verdict);
  if (truth === UNKNOWN) return given < 0 ? undefined : "stranger graded";
  if (given < 0) return "called unknown";
  // What is not enrolled at all is out of every class.
  const own = grades.indexOf(truth);
  return own < 0 || given < own ? "too good a grade" : "too bad a grade";
}
