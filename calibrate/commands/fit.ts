import { type Command, Option } from "commander";
import { RULES, type RuleName } from "../../device/grade/rules/rule.ts";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { percent } from "./share.ts";

interface FitFlags extends CommonOptions {
  readonly alpha?: number;
  readonly rule?: RuleName;
  readonly dryRun?: boolean;
}

/** `fit` */
export function fitCommand(program: Command, common: Common, within: Within): void {
  common(program.command("fit"))
    .description(
      "Calibrates the gallery by its own items: how many good fruit may be called unknown, and by which rule.",
    )
    .option(
      "--alpha <percent>",
      "share of good fruit that may be called unknown (default: as before, else 5)",
      (text: string) => percent(text, "between"),
    )
    .addOption(
      new Option("--rule <name>", "item rule (default: the usual one, unless another is better)").choices([...RULES]),
    )
    .option("--dry-run", "only says what it would do")
    .addHelpText(
      "after",
      `
Each item is judged by all others. The limits are quantiles of how far left-out items are (split-conformal): of further
good fruit of the same kind at most the share asked for lies beyond them, once there are as many items as "needed"
says, since a p-value cannot fall under 1 / (items + 1). Good fruit may fail either of two tests, its cover and its
likeness as a whole, so each test gets half of the share. The calibration is kept in the gallery with its figures. It
expires when the model, a camera or its settings change (with --config they are kept, too) and when the light changes,
which the daemon watches. The daemon says so.

Rules, each with the grade that it gives an item:
  prototypes  the nearest mean of a grade, where what varies little within grades counts for much (the usual one)
  mean        the nearest mean of a grade
  majority    the grade that most views are nearest to
  worst-view  the worst grade that more than a tenth of the views are nearest to
  cover       the best grade that covers every view

Examples:
  gradeline-calibrate fit --alpha 5 --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate fit --dry-run --json --gallery gallery`,
    )
    .action((options: FitFlags) =>
      within(options, async (context) =>
        (await import("../fit/fit.ts")).fitGallery(context, {
          alpha: options.alpha,
          rule: options.rule,
          dryRun: options.dryRun === true,
        }),
      ),
    );
}
