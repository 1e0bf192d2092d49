import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";
import { wholeNumber } from "./whole-number.ts";

interface VerdictsOptions extends CommonOptions {
  readonly lane?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly csv?: boolean;
  readonly jsonl?: boolean;
}

/** Lines of the table that fit a terminal. */
const SHOWN = 20;

/** `verdicts` */
export function verdictsCommand(program: Command, common: Common, within: Within): void {
  common(program.command("verdicts"))
    .description("Verdicts that the journal keeps: shows the newest, or writes them out. The daemon may run meanwhile.")
    .option("--lane <lane>", "this lane only")
    .option("--from <number-or-time>", "from this number of the lane, or this time of decision in UTC")
    .option("--to <number-or-time>", "up to it")
    .option("--limit <count>", `the newest so many (default: ${SHOWN} as a table, else all)`, wholeNumber(1))
    .option("--csv", "as a table for spreadsheets")
    .option("--jsonl", "one JSON object on each line, as they were published")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate verdicts --config gradeline.yaml
  gradeline-calibrate verdicts --lane a --from 1200 --to 1300 --config gradeline.yaml
  gradeline-calibrate verdicts --from 2026-11-23T00:00:00Z --csv --config gradeline.yaml > monday.csv`,
    )
    .action((options: VerdictsOptions) =>
      within(options, async (context) => {
        const forms = [options.csv && "csv", options.jsonl && "jsonl", context.json && "json"].filter(Boolean);
        if (forms.length > 1) {
          throw new GradelineError("USAGE", `found --${forms.join(" and --")}, wanted one of them`);
        }
        const form = (forms[0] || "table") as "csv" | "jsonl" | "json" | "table";
        const { printVerdicts } = await import("../journal/print.ts");
        const { lane, from, to, limit = form === "table" ? SHOWN : undefined } = options;
        const config = needConfig(context.config, "verdicts");
        printVerdicts(config, { lane, from, to, limit }, form, (text) => void process.stdout.write(text));
      }),
    );
}
