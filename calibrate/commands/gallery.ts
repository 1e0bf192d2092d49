import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { percent } from "./share.ts";

/** `show`, `remove`, `relabel`, `undo`, `rebuild` and `grades`: what is done about items that are enrolled. */
export function galleryCommands(program: Command, common: Common, within: Within): void {
  showCommand(program, common, within);
  editCommands(program, common, within);
  wholeCommands(program, common, within);
  gradesCommands(program, common, within);
}

/** What shows one item. */
function showCommand(program: Command, common: Common, within: Within): void {
  common(program.command("show"))
    .description("Shows one enrolled item: where it is from, which others are most alike, and its views as a picture.")
    .argument("<item>", "its id, or four letters or more of its beginning")
    .option("--out <file>", "PNG with all its views")
    .addHelpText(
      "after",
      "\nExample:\n  gradeline-calibrate show 3f2a --out item.png --gallery /var/lib/gradeline/gallery",
    )
    .action((item: string, options: CommonOptions & { out?: string }) =>
      within(options, async (context) => (await import("../gallery/show.ts")).showItem(context, item, options.out)),
    );
}

/** What changes single items. */
function editCommands(program: Command, common: Common, within: Within): void {
  common(program.command("remove"))
    .description("Takes items out of the gallery, all of them or none. `undo` brings them back.")
    .argument("<item...>", "ids, or four letters or more of their beginnings")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate remove 3f2a 90bc --config /etc/gradeline/gradeline.yaml")
    .action((items: string[], options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/edit.ts")).removeItems(context, items)),
    );

  common(program.command("relabel"))
    .description("Gives items another grade.")
    .argument("<item-and-grade...>", "ITEM… GRADE; the last word is the grade")
    .option("--new", "the grade may be a new one; it becomes the worst, `grades order` moves it")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate relabel 3f2a 90bc second --config gradeline.yaml")
    .action((words: string[], options: CommonOptions & { new?: boolean }) =>
      within(options, async (context) => {
        if (words.length < 2) {
          throw new GradelineError("USAGE", `found one word, ${JSON.stringify(words[0])}, wanted ITEM… GRADE`);
        }
        return (await import("../gallery/edit.ts")).relabelItems(
          context,
          words.slice(0, -1),
          words.at(-1)!,
          options.new === true,
        );
      }),
    );
}

/** What concerns the whole gallery. */
function wholeCommands(program: Command, common: Common, within: Within): void {
  common(program.command("undo"))
    .description("Takes back the last change of the gallery, whichever command or click made it; 20 are kept.")
    .option("--redo", "takes back the last undo")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate undo --gallery /var/lib/gradeline/gallery")
    .action((options: CommonOptions & { redo?: boolean }) =>
      within(options, async (context) =>
        (await import("../gallery/undo.ts")).undoChange(context, options.redo === true),
      ),
    );

  common(program.command("rebuild"))
    .description("Embeds all references again from their kept views, for another model or precision.")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate rebuild --model models/embedder.json --gallery gallery")
    .action((options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/rebuild.ts")).rebuildGallery(context)),
    );
}

/** `grades` and what is below it. */
function gradesCommands(program: Command, common: Common, within: Within): void {
  const grades = program
    .command("grades")
    .description("The grades, best to worst, and what share of each may be of another grade.")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate grades --gallery gallery
  gradeline-calibrate grades order extra sound second reject --config gradeline.yaml
  gradeline-calibrate grades tolerance extra 5 --config gradeline.yaml`,
    );

  common(grades.command("list", { isDefault: true }))
    .description("Shows the grades.")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate grades --gallery gallery")
    .action((options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/grades.ts")).showGrades(context)),
    );

  common(grades.command("order"))
    .description("Sets the order of the grades.")
    .argument("<grade...>", "all grades, best first")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate grades order extra sound second reject")
    .action((order: string[], options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/grades.ts")).orderGradesOf(context, order)),
    );

  common(grades.command("rename"))
    .description("Renames a grade.")
    .argument("<from>")
    .argument("<to>")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate grades rename second juice")
    .action((from: string, to: string, options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/grades.ts")).renameGrade(context, from, to)),
    );

  common(grades.command("remove"))
    .description("Removes a grade that has no items.")
    .argument("<grade>")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate grades remove juice")
    .action((grade: string, options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/grades.ts")).removeGrade(context, grade)),
    );

  common(grades.command("tolerance"))
    .description("Sets what share of a lot may be of another grade; without a number the usual one (UNECE FFV-50).")
    .argument("<grade>")
    .argument("[percent]", "0 to 100", (text: string) => percent(text, "with 0 and 100"))
    .addHelpText("after", "\nExample:\n  gradeline-calibrate grades tolerance extra 5")
    .action((grade: string, share: number | undefined, options: CommonOptions) =>
      within(options, async (context) => (await import("../gallery/grades.ts")).setTolerance(context, grade, share)),
    );
}
