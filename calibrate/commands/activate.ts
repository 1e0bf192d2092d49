import type { Command } from "commander";
import type { CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";

interface Flags extends CommonOptions {
  readonly offline?: boolean;
}

/** `activate`, `rollback` and `recipes`: which recipe a daemon grades by. */
export function activateCommands(program: Command, within: Within): void {
  const about = (command: Command): Command =>
    command
      .requiredOption("--config <file>", "the daemon's configuration")
      .option("--json", "one JSON object on standard output");
  const offline = (command: Command): Command =>
    command.option("--offline", "the daemon does not run: from its next start on");

  offline(about(program.command("activate")))
    .description("Has the daemon grade by a recipe, from the next fruit on.")
    .argument("<recipe>", "file of a recipe, or NAME-VERSION of one that is installed")
    .addHelpText(
      "after",
      `
The file's signature must be of a key that the daemon trusts (recipes.trust). Its model is proven and its gallery read
beside the one in use; only then, in one step, does it take over. An item keeps the model it started with; each
verdict names its recipe, model and gallery. What is taught from then on goes into the recipe's own gallery: its name has
a + at its end. A file brings it as it was released, NAME-VERSION as it was taught since.

Examples:
  gradeline-calibrate activate apples-3.recipe --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate activate apples-2 --config /etc/gradeline/gradeline.yaml --json
  gradeline-calibrate activate apples-3.recipe --offline --config /etc/gradeline/gradeline.yaml`,
    )
    .action((recipe: string, options: Flags) =>
      within(
        options,
        async (context) => {
          const config = needConfig(context.config, "activate");
          return options.offline
            ? (await import("../recipes/offline.ts")).activateOffline(context, config, recipe)
            : (await import("../recipes/activate.ts")).activate(context, config, recipe);
        },
        "configuration",
      ),
    );

  offline(about(program.command("rollback")))
    .description("Has the daemon grade by what it graded by before the active recipe.")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate rollback --config /etc/gradeline/gradeline.yaml")
    .action((options: Flags) =>
      within(
        options,
        async (context) => {
          const config = needConfig(context.config, "rollback");
          return options.offline
            ? (await import("../recipes/offline.ts")).rollbackOffline(context, config)
            : (await import("../recipes/activate.ts")).rollback(context, config);
        },
        "configuration",
      ),
    );

  about(program.command("recipes"))
    .description("Shows which recipes are installed, which is active and what rollback goes back to.")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate recipes --config /etc/gradeline/gradeline.yaml")
    .action((options: CommonOptions) =>
      within(
        options,
        async (context) =>
          (await import("../recipes/list.ts")).listRecipes(context, needConfig(context.config, "recipes")),
        "configuration",
      ),
    );
}
