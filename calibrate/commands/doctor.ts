import type { Command } from "commander";
import type { CommonOptions, Within } from "../cli/context.ts";

/** `doctor` */
export function doctorCommand(program: Command, within: Within): void {
  program
    .command("doctor")
    .description("Looks at what the daemon needs on this board, and says what is wrong and what to do about it.")
    .option("--config <file>", "the daemon's configuration: its cameras, broker and folders are looked at, too")
    .option("--gallery <dir>", "folder of the gallery (default: of the configuration, else ./gallery)")
    .option("--model <file>", "description of the model (default: of the configuration, else the shipped one)")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      `
Looks at: configuration; recipe; model and gallery; provider (GPU, ONNX Runtime); cameras that are found, their formats, and
what to install or change for them; broker; disk; clock; permissions. The daemon may run meanwhile. Nothing is changed.

Each line is ok, a warning (it works, but not as well as it could) or a problem (the daemon cannot work so).

Examples:
  gradeline-calibrate doctor
  sudo -u gradeline gradeline-calibrate doctor --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate doctor --json | jq '.findings[] | select(.level != "ok")'

Exit code: 0; 1 where there is a problem; 2 for wrong use; 130 when stopped.`,
    )
    .action(({ config, ...options }: CommonOptions) =>
      within(options, async (context) => (await import("../doctor/doctor.ts")).doctor(context, config)),
    );
}
