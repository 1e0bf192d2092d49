import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";
import { wholeNumber } from "./whole-number.ts";

/** `queue list`, `queue answer`, `queue dismiss`: items of the line that were unknown or unsure. */
export function queueCommand(program: Command, common: Common, within: Within): void {
  const queue = program
    .command("queue")
    .description("Items of the running line that were unknown or unsure: shows them, takes their grade, enrolls them.")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate queue list --config gradeline.yaml
  gradeline-calibrate queue answer belt-mf3k2-0-17 second --config gradeline.yaml
  gradeline-calibrate queue dismiss belt-mf3k2-0-18 --config gradeline.yaml`,
    );

  common(queue.command("list"))
    .description("Shows what waits: when it passed, its distances, and the picture with all its views.")
    .option("--limit <n>", "the newest so many (default: 20; all with --json)", wholeNumber(1))
    .addHelpText("after", "\nExample:\n  gradeline-calibrate queue list --config /etc/gradeline/gradeline.yaml")
    .action((options: CommonOptions & { limit?: number }) =>
      within(options, async (context) => {
        const { queueList } = await import("../daemon/queue.ts");
        return queueList(needConfig(context.config, "queue list"), context, options.limit);
      }),
    );

  common(queue.command("answer"))
    .description("Enrolls items of the queue; without an item asks for the grade of each in turn.")
    .argument("[item-and-grade...]", "ITEM… GRADE; the last word is the grade")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate queue answer --config gradeline.yaml                      each in turn
  gradeline-calibrate queue answer belt-mf3k2-0-17 second --config gradeline.yaml
  gradeline-calibrate queue answer a-1 a-2 a-3 reject --config gradeline.yaml --json`,
    )
    .action((words: string[], options: CommonOptions) =>
      within(options, async (context) => {
        const { queueAnswer, queueAsk } = await import("../daemon/queue.ts");
        const config = needConfig(context.config, "queue answer");
        if (words.length === 0) return queueAsk(config, context);
        const grade = words.at(-1)!;
        if (words.length === 1) {
          throw new GradelineError("USAGE", `found one word, ${JSON.stringify(grade)}, wanted ITEM… GRADE`, {
            hint: "gradeline-calibrate queue list shows the items",
          });
        }
        return queueAnswer(config, words.slice(0, -1), grade, context);
      }),
    );

  common(queue.command("dismiss"))
    .description("Takes items out of the queue without enrolling them.")
    .argument("<item...>", "names as `queue list` shows them")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate queue dismiss belt-mf3k2-0-17 --config gradeline.yaml")
    .action((items: string[], options: CommonOptions) =>
      within(options, async (context) =>
        (await import("../daemon/queue.ts")).queueDismiss(needConfig(context.config, "queue dismiss"), items, context),
      ),
    );
}
