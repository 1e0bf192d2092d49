import type { Command } from "commander";

/** `config explain` and `config example` */
export function configCommands(program: Command): void {
  const config = program
    .command("config")
    .description("The daemon's configuration: what each setting is, and one to begin with.")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate config explain mmPerPx
  gradeline-calibrate config example --minimal > gradeline.yaml`,
    );

  config
    .command("explain")
    .description("Says what a setting is, what values it takes, and its default.")
    .argument("[key]", "mmPerPx, lanes.mmPerPx, mqtt; without it, the sections")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  gradeline-calibrate config explain\n  gradeline-calibrate config explain lanes.conveyor.speedMmPerS",
    )
    .action(async (key: string | undefined, options: { json?: boolean }) =>
      (await import("../config/explain.ts")).configExplain(key ?? "", options.json === true),
    );

  config
    .command("example")
    .description("Prints a configuration: every key with its default, or the few that a line needs.")
    .option("--minimal", "one camera, one lane and a broker, in a page")
    .addHelpText(
      "after",
      `
It is YAML, with comments, so there is no --json.

Examples:
  gradeline-calibrate config example --minimal > gradeline.yaml
  gradeline --config gradeline.yaml --check`,
    )
    .action(async (options: { minimal?: boolean }) =>
      (await import("../config/example.ts")).configExample(options.minimal === true),
    );
}
