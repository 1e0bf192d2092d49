import { DEFAULT_ALPHA } from "../../device/grade/thresholds.ts";
import { UNKNOWN } from "../pictures/images.ts";
import type { PassedOver } from "../pictures/remarks.ts";
import { RULES, type Rule } from "./base-line.ts";
import {
  auroc,
  bootstrap,
  type Confusion,
  confusionOf,
  type GradeFigures,
  type Interval,
  interval,
  meanOfShares,
  perGrade,
  type Range,
  type RocPoint,
  rocCurve,
  wilson,
} from "./figures.ts";
import type { Judgement } from "./judge.ts";
import type { Judged } from "./methods.ts";
import { type Mistake, mistakesOf } from "./mistakes.ts";
import { randomFrom } from "./random.ts";
import { type GradeTolerance, tolerancesOf } from "./tolerance.ts";

const MEASURES = ["itemBalancedAccuracy", "viewBalancedAccuracy", "unknownAuroc"] as const;
export type Measure = (typeof MEASURES)[number];

/** Figures that an embedding and its base line are compared by. */
export interface Headline {
  /** Best of the enrolled grades for each item, whatever its distance; mean over the grades. Strangers do not count. */
  readonly itemBalancedAccuracy: number;
  /** The same for each view on its own. */
  readonly viewBalancedAccuracy: number;
  /** Strangers told from items of a grade by their distance; null without strangers. */
  readonly unknownAuroc: number | null;
  /** 95 %: of the draws with shots, else for other items of the same kind; null where the figure is. */
  readonly interval: Readonly<Record<Measure, Interval | null>>;
}

export interface BaseLineFigures extends Headline {
  readonly name: "HSV histogram";
  /** The better of the rules, by items. */
  readonly rule: Rule;
  /** Each rule's itemBalancedAccuracy. */
  readonly rules: Readonly<Record<Rule, number>>;
}

export interface Contamination extends GradeTolerance {
  /** Items that got this grade. */
  readonly given: number;
  /** Share of them that are of a worse grade, or of none; null where none got it. */
  readonly contamination: number | null;
  readonly interval: Range | null;
  /** Share of them that are of a better grade: no fault of the class, but money lost. */
  readonly tooGood: number | null;
  /** `within`, `over`, or `unclear` where the interval holds the tolerance; null where none applies. */
  readonly keeps: "within" | "over" | "unclear" | null;
}

/** How many good items have a p-value of at most t. */
export interface PValuePoint extends Range {
  readonly t: number;
  readonly share: number;
}

export interface Evaluation extends Headline {
  readonly items: number;
  readonly views: number;
  readonly method: Judged["method"];
  /** Parts of the items that were left out together; null where it was one item at a time. */
  readonly folds: number | null;
  /** Best first. */
  readonly grades: readonly string[];
  /** confusion[truth][best grade], items; summed over the draws with shots. */
  readonly confusion: Confusion;
  readonly perGrade: readonly (GradeFigures & {
    readonly interval: { readonly precision: Range | null; readonly recall: Range };
  })[];
  readonly intervalOf: "draws" | "items";
  readonly baseLine: BaseLineFigures | null;
  /** What the daemon would have said: grade, `unknown` or `unsure`. */
  readonly verdicts: {
    readonly confusion: Confusion;
    /** Share of the items that belong to a grade which got their own. */
    readonly right: number;
    /** Share of the items that belong to a grade which were called unknown or unsure. */
    readonly turnedAway: number;
    readonly turnedAwayInterval: Range;
    /** Share of good fruit that was to be called unknown at most. */
    readonly alpha: number;
    /** Share of strangers that were called unknown; null without strangers. */
    readonly strangersFound: number | null;
    readonly strangersFoundInterval: Range | null;
  };
  readonly contamination: readonly Contamination[];
  readonly pValues: { readonly items: number; readonly points: readonly PValuePoint[] };
  /** Strangers against items of a grade, and where the fitted limit lies on the curve; null without strangers. */
  readonly roc: { readonly points: readonly RocPoint[]; readonly atLimit: RocPoint } | null;
  readonly mistakes: readonly Mistake[];
  readonly skipped: readonly PassedOver[];
  readonly warnings: readonly string[];
}

export interface EvaluationExtras {
  readonly seed: number;
  readonly alpha: number | undefined;
  readonly tolerances: ReadonlyMap<string, number> | undefined;
  readonly skipped: readonly PassedOver[];
  readonly warnings: readonly string[];
}

const P_POINTS = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** All figures of what was judged. */
export function evaluationOf(judged: Judged, extras: EvaluationExtras): Evaluation {
  const { method, grades, draws, items, folds } = judged;
  const all = draws.flat();
  const known = all.filter(({ item }) => item.grade !== UNKNOWN);
  const strangers = all.filter(({ item }) => item.grade === UNKNOWN);
  const distinct = (some: readonly Judgement[]): number => new Set(some.map(({ item }) => item)).size;
  const rangeOf = (some: readonly Judgement[], counts: (one: Judgement) => boolean): Range | null =>
    some.length === 0 ? null : wilson(some.filter(counts).length / some.length, distinct(some));
  const confusion = confusionOf(known.map(({ item, said }) => ({ truth: item.grade, said })));
  const turnedAway = (one: Judgement): boolean => one.verdict === "unknown" || one.verdict === "unsure";
  const found = (one: Judgement): boolean => one.verdict === "unknown";
  return {
    items: items.length,
    views: items.reduce((sum, { views }) => sum + views, 0),
    method,
    folds,
    grades,
    ...headlineOf(draws, EMBEDDING, extras.seed),
    intervalOf: method === "shots" ? "draws" : "items",
    confusion,
    perGrade: perGrade(confusion, grades).map((figures) => ({
      ...figures,
      items: items.filter(({ grade }) => grade === figures.grade).length,
      interval: {
        precision: rangeOf(
          known.filter(({ said }) => said === figures.grade),
          ({ item, said }) => item.grade === said,
        ),
        recall: rangeOf(
          known.filter(({ item }) => item.grade === figures.grade),
          ({ item, said }) => item.grade === said,
        )!,
      },
    })),
    baseLine: baseLineOf(draws, extras.seed),
    verdicts: {
      confusion: confusionOf(all.map(({ item, verdict }) => ({ truth: item.grade, said: verdict }))),
      right: share(known, ({ item, verdict }) => item.grade === verdict) ?? 0,
      turnedAway: share(known, turnedAway) ?? 0,
      turnedAwayInterval: rangeOf(known, turnedAway) ?? { low: 0, high: 1 },
      alpha: extras.alpha ?? DEFAULT_ALPHA,
      strangersFound: share(strangers, found),
      strangersFoundInterval: rangeOf(strangers, found),
    },
    contamination: contaminationOf(all, grades, extras.tolerances, distinct),
    pValues: pValuesOf(known),
    roc:
      strangers.length === 0 || known.length === 0
        ? null
        : {
            points: rocCurve(
              strangers.map(({ strangeness }) => strangeness),
              known.map(({ strangeness }) => strangeness),
            ),
            atLimit: {
              found: share(strangers, ({ strangeness }) => strangeness > 1)!,
              falseAlarms: share(known, ({ strangeness }) => strangeness > 1)!,
            },
          },
    mistakes: mistakesOf(all, grades),
    skipped: extras.skipped,
    warnings: extras.warnings,
  };
}

/** How to read a judgement: as the embedding says, or as colours alone say. */
interface Reading {
  readonly said: (one: Judgement) => string;
  readonly viewsRight: (one: Judgement) => number;
  readonly strangeness: (one: Judgement) => number;
}

const EMBEDDING: Reading = {
  said: ({ said }) => said,
  viewsRight: ({ viewsRight }) => viewsRight,
  strangeness: ({ strangeness }) => strangeness,
};

function coloursBy(rule: Rule): Reading {
  return {
    said: ({ colours }) => colours![rule].said,
    viewsRight: ({ colours }) => colours![rule].viewsRight,
    strangeness: ({ colours }) => colours![rule].distance,
  };
}

function baseLineOf(draws: Judged["draws"], seed: number): BaseLineFigures | null {
  if (draws.flat().some(({ colours }) => colours === undefined)) return null;
  const figures = RULES.map((rule) => ({ rule, ...headlineOf(draws, coloursBy(rule), seed) }));
  const best = figures.reduce((a, b) => (b.itemBalancedAccuracy > a.itemBalancedAccuracy ? b : a));
  const rules = Object.fromEntries(figures.map(({ rule, itemBalancedAccuracy }) => [rule, itemBalancedAccuracy]));
  return { name: "HSV histogram", ...best, rules: rules as Record<Rule, number> };
}

function headlineOf(draws: Judged["draws"], reading: Reading, seed: number): Headline {
  const each = draws.map((judgements) => new Scores(judgements, reading));
  const mean = (measure: Measure): number | null => {
    const values = each.map((scores) => scores.all(measure)).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const rangeOf = (measure: Measure): Interval | null => {
    if (each.length === 1) return each[0]!.interval(measure, randomFrom(seed));
    const values = each.map((scores) => scores.all(measure)).filter((value) => value !== null);
    return values.length === 0 ? null : interval(values);
  };
  return {
    itemBalancedAccuracy: mean("itemBalancedAccuracy")!,
    viewBalancedAccuracy: mean("viewBalancedAccuracy")!,
    unknownAuroc: mean("unknownAuroc"),
    interval: {
      itemBalancedAccuracy: rangeOf("itemBalancedAccuracy"),
      viewBalancedAccuracy: rangeOf("viewBalancedAccuracy"),
      unknownAuroc: rangeOf("unknownAuroc"),
    },
  };
}

/** What one draw came to, as flat numbers: the bootstrap draws from them a thousand times. */
class Scores {
  /** Per grade of the truth, then the strangers. */
  readonly #classes: { right: Float64Array; viewsRight: Float64Array; views: Float64Array; strange: Float64Array }[];
  readonly #strangers: boolean;

  constructor(judgements: readonly Judgement[], reading: Reading) {
    const groups = Map.groupBy(judgements, ({ item }) => item.grade);
    const strangers = groups.get(UNKNOWN);
    groups.delete(UNKNOWN);
    this.#strangers = strangers !== undefined;
    this.#classes = [...groups.values(), ...(strangers === undefined ? [] : [strangers])].map((own) => ({
      right: Float64Array.from(own, (one) => Number(reading.said(one) === one.item.grade)),
      viewsRight: Float64Array.from(own, reading.viewsRight),
      views: Float64Array.from(own, ({ item }) => item.views),
      strange: Float64Array.from(own, reading.strangeness),
    }));
  }

  all(measure: Measure): number | null {
    if (measure === "unknownAuroc") return this.#auroc(this.#classes.map(({ strange }) => strange));
    const shares = this.#shares(measure);
    return shares.reduce((sum, { share: value }) => sum + value, 0) / shares.length;
  }

  /** 95 %, for other items of the same kind. */
  interval(measure: Measure, random: () => number): Interval | null {
    if (measure !== "unknownAuroc") return meanOfShares(this.#shares(measure));
    const mean = this.all(measure);
    if (mean === null) return null;
    const counts = this.#classes.map(({ strange }) => strange.length);
    // Draws of what is told apart without exception are so as well: the smaller side says how little that means.
    const strangers = counts.at(-1)!;
    const known = counts.slice(0, -1).reduce((sum, count) => sum + count, 0);
    if (mean === 0 || mean === 1) return { mean, ...wilson(mean, Math.min(strangers, known)) };
    const range = bootstrap(
      counts,
      (drawn) =>
        this.#auroc(drawn.map((own, index) => Float64Array.from(own, (i) => this.#classes[index]!.strange[i]!))),
      random,
    );
    return range === null ? null : { mean, ...range };
  }

  /** Per grade; views of one item are not independent, so that items count. */
  #shares(measure: Measure): { share: number; count: number }[] {
    return (this.#strangers ? this.#classes.slice(0, -1) : this.#classes).map(({ right, viewsRight, views }) => ({
      share: measure === "itemBalancedAccuracy" ? sum(right) / right.length : sum(viewsRight) / sum(views),
      count: right.length,
    }));
  }

  #auroc(strange: readonly Float64Array[]): number | null {
    if (!this.#strangers) return null;
    const known = new Float64Array(strange.slice(0, -1).reduce((length, own) => length + own.length, 0));
    let at = 0;
    for (const own of strange.slice(0, -1)) {
      known.set(own, at);
      at += own.length;
    }
    return auroc(strange.at(-1)!, known);
  }
}

function sum(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0);
}

function contaminationOf(
  all: readonly Judgement[],
  grades: readonly string[],
  own: ReadonlyMap<string, number> | undefined,
  distinct: (some: readonly Judgement[]) => number,
): Contamination[] {
  return tolerancesOf(grades, own).map((tolerance, rank) => {
    const given = all.filter(({ verdict }) => verdict === tolerance.grade);
    if (given.length === 0) {
      return { ...tolerance, given: 0, contamination: null, interval: null, tooGood: null, keeps: null };
    }
    const rankOf = ({ item }: Judgement): number => {
      const at = grades.indexOf(item.grade);
      return at < 0 ? grades.length : at;
    };
    const contamination = share(given, (one) => rankOf(one) > rank)!;
    const range = wilson(contamination, distinct(given));
    return {
      ...tolerance,
      given: given.length,
      contamination,
      interval: range,
      tooGood: share(given, (one) => rankOf(one) < rank),
      keeps: tolerance.tolerance === null ? null : keeps(range, tolerance.tolerance),
    };
  });
}

function keeps({ low, high }: Range, tolerance: number): "within" | "over" | "unclear" {
  if (high <= tolerance) return "within";
  return low > tolerance ? "over" : "unclear";
}

function pValuesOf(known: readonly Judgement[]): Evaluation["pValues"] {
  const scored = known.filter(({ pValue }) => pValue !== null);
  const items = new Set(scored.map(({ item }) => item)).size;
  if (items === 0) return { items, points: [] };
  return {
    items,
    points: P_POINTS.map((t) => {
      const value = share(scored, ({ pValue }) => pValue! <= t)!;
      return { t, share: value, ...wilson(value, items) };
    }),
  };
}

function share(some: readonly Judgement[], counts: (one: Judgement) => boolean): number | null {
  return some.length === 0 ? null : some.filter(counts).length / some.length;
}
