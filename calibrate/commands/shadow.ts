import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";

/** `shadow` */
export function shadowCommand(program: Command, within: Within): void {
  program
    .command("shadow")
    .description("Lets a second recipe decide beside the active one, and counts how they differ.")
    .argument("[recipe]", "file of a recipe, or NAME-VERSION of one that is installed; without it: what was counted")
    .requiredOption("--config <file>", "the daemon's configuration")
    .option("--stop", "ends it")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      `
No verdict changes or waits: what has been decided and written is decided once more when the line does not need the
machine. Items for which there is no time are left out and counted. It goes on after a restart, counting anew.

Examples:
  gradeline-calibrate shadow apples-4.recipe --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate shadow --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate shadow --json --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate shadow --stop --config /etc/gradeline/gradeline.yaml`,
    )
    .action((recipe: string | undefined, options: CommonOptions & { stop?: boolean }) =>
      within(
        options,
        async (context) => {
          const stop = options.stop === true;
          if (recipe !== undefined && stop) {
            throw new GradelineError("USAGE", "found both a recipe and --stop, wanted one of them");
          }
          const { shadow } = await import("../recipes/shadow.ts");
          return shadow(context, needConfig(context.config, "shadow"), { recipe, stop });
        },
        "configuration",
      ),
    );
}
