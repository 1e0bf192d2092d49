import { formatMicros, nowMicros } from "../../device/base/time.ts";
import { camerasOf, referencesOf } from "../../device/gallery/calibration.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { fitGrader } from "../../device/grade/fit.ts";
import type { GalleryFit } from "../../device/grade/gallery.ts";
import { RULES, type RuleName } from "../../device/grade/rules/rule.ts";
import { DEFAULT_ALPHA } from "../../device/grade/thresholds.ts";
import type { Context } from "../cli/context.ts";
import { Progress } from "../cli/progress.ts";
import { itemsNeeded } from "../evaluate/needed.ts";
import { describeTold, noGallery, tellDaemon } from "../gallery/change.ts";
import { compareRules } from "./compare.ts";

/** `fit`: calibrates a gallery by its own items. */
export async function fitGallery(
  context: Context,
  wanted: { readonly alpha: number | undefined; readonly rule: RuleName | undefined; readonly dryRun: boolean },
): Promise<void> {
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  const stored = await writer.read();
  if (stored === undefined) throw noGallery(context.gallery);
  const { gallery } = stored;
  const alpha = wanted.alpha ?? gallery.fit?.alpha ?? DEFAULT_ALPHA;
  const progress = new Progress("judging each item by the others", Math.min(120, gallery.references.length));
  const compared = await compareRules(gallery, alpha, (done) => progress.update(done), context.stop).finally(() =>
    progress.stop(),
  );
  const rule = wanted.rule ?? compared.best;
  const fit: GalleryFit = {
    rule,
    alpha,
    fittedAt: formatMicros(nowMicros()),
    references: referencesOf(gallery),
    figures: [...compared.figures].sort((a, b) => b.itemBalancedAccuracy - a.itemBalancedAccuracy),
    cameras: context.config === undefined ? null : camerasOf(context.config),
  };
  const { names, thresholds } = fitGrader(gallery, { alpha, rule });
  const needed = itemsNeeded(alpha);
  const perGrade = names.map((grade, g) => {
    const { items, away } = compared.turnedAway.get(grade)!;
    const pLeast = 1 / (thresholds.scores[g]!.length + 1);
    const missing = Math.max(0, needed - items);
    return { grade, items, needed, missing, limit: thresholds.limit[g]!, pLeast, turnedAway: away };
  });
  context.stop.throwIfAborted();
  if (!wanted.dryRun) await writer.save({ ...gallery, fit }, stored.modelName);
  writer.close();
  const told = wanted.dryRun ? undefined : await tellDaemon(context);
  if (context.json) {
    const { figures, fittedAt } = fit;
    const rules = figures;
    const summary = {
      gallery: context.gallery,
      alpha,
      rule,
      chosenBy: chosenBy(wanted.rule),
      fittedAt,
      rules,
      perGrade,
    };
    process.stdout.write(`${JSON.stringify({ ...summary, saved: !wanted.dryRun, told: told ?? null })}\n`);
    return;
  }
  process.stdout.write(describe(fit, perGrade, wanted.rule));
  process.stdout.write(wanted.dryRun ? "nothing was changed\n" : describeTold(told!));
}

function chosenBy(rule: RuleName | undefined): "figures" | "hand" {
  return rule === undefined ? "figures" : "hand";
}

interface GradeFit {
  readonly grade: string;
  readonly items: number;
  readonly needed: number;
  readonly missing: number;
  readonly limit: number;
  readonly pLeast: number;
  readonly turnedAway: number;
}

function describe(
  { rule, alpha, figures }: GalleryFit,
  grades: readonly GradeFit[],
  forced: RuleName | undefined,
): string {
  const share = (value: number): string => value.toFixed(3);
  const width = Math.max(5, ...grades.map(({ grade }) => grade.length));
  const lines = [
    "how often each item rule finds the grade of an item left out (balanced accuracy, 95 %)",
    ...figures.map(
      (figure) =>
        `  ${figure.rule === rule ? "*" : " "} ${figure.rule.padEnd(11)} ${share(figure.itemBalancedAccuracy)}  ` +
        `${share(figure.low)} to ${share(figure.high)}`,
    ),
    forced === undefined
      ? rule === RULES[0]
        ? "  none is better than the usual rule beyond chance"
        : `  ${rule} is better than ${RULES[0]} beyond chance`
      : "  chosen by hand",
    "",
    `at most ${Math.round(alpha * 1000) / 10} % of good fruit called unknown`,
    `  ${"grade".padEnd(width)}  items  needed  missing  limit  called unknown`,
    ...grades.map(
      ({ grade, items, needed, missing, limit, turnedAway }) =>
        `  ${grade.padEnd(width)}  ${String(items).padStart(5)}  ${String(needed).padStart(6)}  ` +
        `${String(missing).padStart(7)}  ${limit.toFixed(3)}  ${turnedAway} of ${items}`,
    ),
  ];
  const short = grades.filter(({ missing }) => missing > 0);
  if (short.length > 0) {
    const what = short.map(({ grade, missing }) => `${missing} more ${grade}`).join(", ");
    lines.push(`what was asked for holds once there are ${what}; until then the limits are a little wide`);
  }
  return `${lines.join("\n")}\n`;
}
