import { setImmediate } from "node:timers/promises";
import { GradelineError } from "../../device/base/errors.ts";
import { fitGrader } from "../../device/grade/fit.ts";
import type { Gallery, Reference, RuleFigure } from "../../device/grade/gallery.ts";
import { Grader } from "../../device/grade/grader.ts";
import { RULES, type RuleName } from "../../device/grade/rules/rule.ts";
import { bootstrap, meanOfShares } from "../evaluate/figures.ts";
import { randomFrom } from "../evaluate/random.ts";

/** What each rule made of one item that it did not know. */
interface LeftOut {
  readonly reference: Reference;
  /** In the order of RULES: whether it found the grade. */
  readonly right: readonly boolean[];
  /** Whether the usual rule turned it away as unknown. */
  readonly turnedAway: boolean;
}

export interface Comparison {
  /** In the order of RULES. */
  readonly figures: readonly RuleFigure[];
  /** The one to use: the usual one, unless another is better beyond what chance does. */
  readonly best: RuleName;
  /** Items that were judged without themselves, and how many of them were called unknown, by grade. */
  readonly turnedAway: ReadonlyMap<string, { readonly items: number; readonly away: number }>;
}

/** Galleries are left out of item by item up to so many items, beyond that in as many parts. */
const MAX_FOLDS = 120;
/** One draw of all random numbers, so that the same gallery gives the same choice. */
const SEED = 1;

/**
 * Judges each item of a gallery by all others, by every rule.
 *
 * @throws {GradelineError} GALLERY_EMPTY with fewer than two items, or fewer than two grades
 */
export async function compareRules(
  gallery: Gallery,
  alpha: number,
  onDone: (done: number, of: number) => void,
  signal: AbortSignal,
): Promise<Comparison> {
  const { references } = gallery;
  const grades = gallery.grades.filter((name) => references.some(({ grade }) => grade === name));
  if (grades.length < 2) {
    throw new GradelineError("GALLERY_EMPTY", `found ${grades.length} grades with items, wanted two to tell apart`, {
      hint: "enroll items of another grade first",
    });
  }
  const folds = Math.min(references.length, MAX_FOLDS);
  const judged: LeftOut[] = [];
  for (let fold = 0; fold < folds; fold++) {
    await setImmediate();
    signal.throwIfAborted();
    onDone(fold, folds);
    const left = references.filter((_, index) => index % folds === fold);
    const fit = fitGrader(
      { ...gallery, references: references.filter((_, index) => index % folds !== fold) },
      { alpha },
    );
    const graders = RULES.map((rule) => Grader.fitted({ ...fit, rule }));
    for (const reference of left) {
      const { embeddings, views, grade } = reference;
      judged.push({
        reference,
        right: graders.map((grader) => grader.choose(embeddings, views) === grade),
        turnedAway: graders[0]!.grade(embeddings, views).outcome === "unknown",
      });
    }
  }
  onDone(folds, folds);
  const classes = grades.map((name) => judged.filter(({ reference }) => reference.grade === name));
  return { figures: figuresOf(classes), best: bestOf(classes), turnedAway: awayOf(grades, classes) };
}

function figuresOf(classes: readonly (readonly LeftOut[])[]): RuleFigure[] {
  return RULES.map((rule, r) => {
    const {
      mean: itemBalancedAccuracy,
      low,
      high,
    } = meanOfShares(
      classes.map((own) => ({ share: mean(own.map((item) => Number(item.right[r]))), count: own.length })),
    );
    return { rule, itemBalancedAccuracy, low, high };
  });
}

/** The usual rule, or the best of those that are better than it in 97.5 % of all draws of the same items. */
function bestOf(classes: readonly (readonly LeftOut[])[]): RuleName {
  let best: RuleName = RULES[0];
  let most = 0;
  for (const [r, rule] of RULES.entries()) {
    const gain = (item: LeftOut): number => Number(item.right[r]) - Number(item.right[0]);
    const mean = balanced(classes, gain);
    if (mean > most && drawn(classes, gain).low > 0) [best, most] = [rule, mean];
  }
  return best;
}

function awayOf(grades: readonly string[], classes: readonly (readonly LeftOut[])[]) {
  return new Map(
    grades.map((grade, g) => [
      grade,
      { items: classes[g]!.length, away: classes[g]!.filter(({ turnedAway }) => turnedAway).length },
    ]),
  );
}

/** Mean over the grades of the mean over their items. */
function balanced(classes: readonly (readonly LeftOut[])[], value: (item: LeftOut) => number): number {
  return mean(classes.map((own) => mean(own.map(value))));
}

function drawn(classes: readonly (readonly LeftOut[])[], value: (item: LeftOut) => number) {
  const values = classes.map((own) => own.map(value));
  const range = bootstrap(
    classes.map((own) => own.length),
    (draw) => mean(draw.map((chosen, g) => mean([...chosen].map((index) => values[g]![index]!)))),
    randomFrom(SEED),
  );
  return range ?? { low: 0, high: 1 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
