import type { Command } from "commander";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { percent } from "./share.ts";

interface AuditOptions extends CommonOptions {
  readonly html?: string;
  readonly sheet?: string;
  readonly strict?: boolean;
  readonly alpha?: number;
}

/** `audit` */
export function auditCommand(program: Command, common: Common, within: Within): void {
  common(program.command("audit"))
    .description("Looks through the enrolled references for what spoils verdicts, and says what to do.")
    .option("--html <file>", "write a report with pictures: one file, opens offline")
    .option("--sheet <file>", "write a contact sheet, PNG")
    .option("--strict", "exit code 1 where anything is found")
    .option(
      "--alpha <percent>",
      "share of good fruit that may be called unknown, for the items it takes (default: 5)",
      (text: string) => percent(text, "between"),
    )
    .addHelpText(
      "after",
      `
Looks for: the same fruit under two grades or enrolled twice; references nearer to another grade than to their own;
grades that cannot be told apart, or have too few items; items blurred, cut off, badly exposed, or seen from one side.
enroll does so by itself for what it adds.

Examples:
  gradeline-calibrate audit --gallery /var/lib/gradeline/gallery
  gradeline-calibrate audit --html audit.html --sheet audit.png
  gradeline-calibrate audit --strict --json`,
    )
    .action((options: AuditOptions) =>
      within(options, async (context) =>
        (await import("../audit/run.ts")).auditCommand(context, {
          html: options.html,
          sheet: options.sheet,
          strict: options.strict === true,
          alpha: options.alpha,
        }),
      ),
    );
}
