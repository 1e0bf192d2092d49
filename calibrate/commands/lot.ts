import type { Command } from "commander";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";

interface SetOptions extends CommonOptions {
  readonly lane?: string;
  readonly grower?: string;
  readonly variety?: string;
  readonly bin?: string;
  readonly field?: readonly string[];
}

/** `lot set`, `lot end`, `lot show` */
export function lotCommand(program: Command, common: Common, within: Within): void {
  const lot = program
    .command("lot")
    .description("Lots of fruit: which one is on a lane, and what became of each.")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate lot set 4711 --grower Huber --variety Gala --config gradeline.yaml
  gradeline-calibrate lot show --config gradeline.yaml
  gradeline-calibrate lot end --config gradeline.yaml`,
    );

  common(lot.command("set"))
    .description("The lot that fruit belong to which come into view from now on; those in view keep theirs.")
    .argument("<id>", "of the lot, as on its label")
    .option("--lane <lane>", "this lane only; all where absent")
    .option("--grower <name>", "whose fruit they are")
    .option("--variety <name>", "of the fruit")
    .option("--bin <code>", "number or bar code of the bin")
    .option("--field <name=value...>", "whatever else belongs to it")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate lot set 4711 --grower Huber --variety Gala --config gradeline.yaml
  gradeline-calibrate lot set 4712 --lane a --field orchard=north --field picked=2026-09-14 --config gradeline.yaml`,
    )
    .action((id: string, { lane, grower, variety, bin, field = [], ...options }: SetOptions) =>
      within(options, async (context) => {
        const { currentLots, lotOf } = await import("../lots/current.ts");
        const words = { id, grower, variety, bin, fields: field };
        return currentLots(needConfig(context.config, "lot set"), lane, lotOf(words), context.json);
      }),
    );

  for (const [name, about] of [
    ["end", "No lot from the next fruit on."],
    ["show", "Which lots are on."],
  ] as const) {
    common(lot.command(name))
      .description(about)
      .option("--lane <lane>", "this lane only; all where absent")
      .addHelpText("after", `\nExample:\n  gradeline-calibrate lot ${name} --config gradeline.yaml`)
      .action(({ lane, ...options }: CommonOptions & { lane?: string }) =>
        within(options, async (context) => {
          const { currentLots } = await import("../lots/current.ts");
          const change = name === "end" ? null : undefined;
          return currentLots(needConfig(context.config, `lot ${name}`), lane, change, context.json);
        }),
      );
  }
}
