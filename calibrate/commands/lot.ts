import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
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
    .description("Lots of fruit: says which one is on a lane, and shows it.")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate lot set 4711 --grower Huber --variety Gala --config gradeline.yaml
  gradeline-calibrate lot show --config gradeline.yaml
  gradeline-calibrate lot end --config gradeline.yaml`,
    );

  common(lot.command("set"))
    .description("Says which lot the fruit belong to that come into view from now on; those in view keep theirs.")
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

  reportCommands(lot, common, within);

  for (const [name, about] of [
    ["end", "Ends the lot: the next fruit belong to none."],
    ["show", "Shows which lot is on each lane."],
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

interface ListOptions extends CommonOptions {
  readonly by: string;
  readonly csv?: boolean;
  readonly jsonl?: boolean;
}

interface ReportOptions extends CommonOptions {
  readonly html?: string;
  readonly pdf?: string;
}

/** `lot list`, `lot report` */
function reportCommands(lot: Command, common: Common, within: Within): void {
  common(lot.command("list"))
    .description("What became of each lot, shift, day or lane. The daemon may run meanwhile.")
    .option("--by <what>", "lot, shift, day or lane", "lot")
    .option("--csv", "as a table for spreadsheets")
    .option("--jsonl", "one JSON object on each line")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate lot list --config gradeline.yaml
  gradeline-calibrate lot list --by shift --csv --config gradeline.yaml > shifts.csv`,
    )
    .action(({ by, csv, jsonl, ...options }: ListOptions) =>
      within(options, async (context) => {
        const forms = [csv && "csv", jsonl && "jsonl", context.json && "json"].filter(Boolean);
        if (forms.length > 1) {
          throw new GradelineError("USAGE", `found --${forms.join(" and --")}, wanted one of them`);
        }
        const { byOf, listLots } = await import("../lots/list.ts");
        const form = (forms[0] || "table") as "csv" | "jsonl" | "json" | "table";
        const write = (text: string): void => void process.stdout.write(text);
        listLots(needConfig(context.config, "lot list"), byOf(by), form, write);
      }),
    );

  common(lot.command("report"))
    .description("One lot: grades, sizes, tolerances, typical and worst fruit, as a file that opens anywhere.")
    .argument("<id>", "of the lot")
    .option("--html <file>", "one file with everything in it, without a script")
    .option("--pdf <file>", "the same on A4; needs Chromium")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate lot report 4711 --html lot-4711.html --config gradeline.yaml
  gradeline-calibrate lot report 4711 --pdf lot-4711.pdf --config gradeline.yaml
  gradeline-calibrate lot report 4711 --json --config gradeline.yaml`,
    )
    .action((id: string, { html, pdf, ...options }: ReportOptions) =>
      within(options, async (context) => {
        const { describeLot, reportLot } = await import("../lots/report.ts");
        const lotted = await reportLot(needConfig(context.config, "lot report"), id, { html, pdf });
        process.stdout.write(describeLot(lotted, context.json));
        for (const file of [html, pdf]) if (file !== undefined) process.stderr.write(`wrote ${file}\n`);
      }),
    );
}
