import type { Command } from "commander";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { percent } from "./share.ts";
import { wholeNumber } from "./whole-number.ts";

interface EvaluateOptions extends CommonOptions {
  readonly grades?: string;
  readonly shots?: number;
  readonly repeats: number;
  readonly seed: number;
  readonly alpha?: number;
  readonly byGallery?: boolean;
  readonly sameFruit?: boolean;
  readonly html?: string;
}

/** `evaluate DIR` */
export function evaluateCommand(program: Command, common: Common, within: Within): void {
  common(program.command("evaluate"))
    .description(
      "Measures grading on images that are not enrolled: DIR/GRADE/ITEM/*.jpg; folder `unknown` belongs to no grade.",
    )
    .argument(
      "[dir]",
      "folder of grades; images directly under a grade are one item each; without it, what is enrolled",
    )
    .option("--by-gallery", "judge by the configuration's gallery; --gallery FILE says so by itself")
    .option("--shots <n>", "enroll so many items per grade, drawn at random, and judge all others", wholeNumber(1))
    .option("--repeats <n>", "draws with --shots", wholeNumber(1), 50)
    .option("--seed <n>", "seed of the draws and of the intervals", wholeNumber(0), 1)
    .option("--grades <names>", "grades best to worst, separated by commas (default: of usual names, else by alphabet)")
    .option(
      "--alpha <percent>",
      "share of good fruit that may be called unknown (default: the gallery's, else 5)",
      (text: string) => percent(text, "between"),
    )
    .option("--html <file>", "write a report with pictures of the worst mistakes: one file, opens offline")
    .option("--same-fruit", "items of one name under several grades are one fruit over time: left out together")
    .addHelpText(
      "after",
      `
Without --gallery and --shots each item is judged by all other items of DIR (where there are thousands, by all but a
small part of them). With --gallery it is judged by that gallery: a gallery's folder, or the gallery.bin in it. Without
DIR the items of the gallery itself are judged, each by all others.

Keys of --json:
  items, views          how many were judged
  itemBalancedAccuracy  share of items whose best grade, whatever its distance, is theirs; mean over the grades
  viewBalancedAccuracy  the same for each view on its own
  unknownAuroc          chance that a stranger (folder unknown) is farther than an item of a grade; null without strangers
  interval              mean and 95 % of these three: of the draws with --shots, else for other items of the same kind
  confusion             confusion[truth][best grade], items; with --shots summed over the draws
  perGrade              items, precision and recall of each grade, each with a 95 % interval (Wilson)
  baseLine              the same figures for a histogram of colours (HSV) in place of the model
  verdicts              what the daemon would have said, with unknown and unsure, at the fitted limits
  contamination         of what got each grade the share that is of a worse one, or of none, against the tolerance: the
                        gallery's own, else of UNECE FFV-50: Extra 5 %, Class I 10 %, Class II 10 % by number
  pValues               share of good fruit with p <= t, for several t: not above t where the calibration holds
  roc                   strangers found against good fruit called strange, and where the fitted limit lies
  mistakes              the worst wrong verdicts, worst first
  skipped, warnings     pictures that could not be used, and what to mind
  method, folds, grades, intervalOf   how it was done

Examples:
  gradeline-calibrate evaluate photos
  gradeline-calibrate evaluate photos --shots 10 --repeats 50 --seed 1 --json
  gradeline-calibrate evaluate photos --html report.html
  gradeline-calibrate evaluate photos --gallery /var/lib/gradeline/gallery
  gradeline-calibrate evaluate --gallery /var/lib/gradeline/gallery          what is enrolled, by itself`,
    )
    .action((dir: string | undefined, options: EvaluateOptions) =>
      within(options, async (context) =>
        (await import("../evaluate/evaluate.ts")).evaluate(context, dir, {
          order: options.grades === undefined ? [] : options.grades.split(",").map((name) => name.trim()),
          shots: options.shots,
          repeats: options.repeats,
          seed: options.seed,
          alpha: options.alpha,
          sameFruit: options.sameFruit === true,
          html: options.html,
          byGallery: options.byGallery === true || options.gallery !== undefined,
        }),
      ),
    );
}
