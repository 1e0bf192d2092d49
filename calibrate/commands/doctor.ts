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
    .option("--gpu", "run the checks of the GPU, with figures: at most 8 minutes, from a checkout of gradeline")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      `
Looks at: configuration; recipe; model and gallery; provider (GPU, ONNX Runtime); cameras that are found, their formats, and
what to install or change for them; broker; disk; clock; permissions; the service (unit, user, watchdog, restarts of the
last day, credentials, real-time limits, groups, firewall). The daemon may run meanwhile. Nothing is changed.

Each line is ok, a warning (it works, but not as well as it could) or a problem (the daemon cannot work so).

Examples:
  gradeline-calibrate doctor
  sudo -u gradeline gradeline-calibrate doctor --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate doctor --gpu                       every node and figure of the GPU
  gradeline-calibrate doctor --json | jq '.findings[] | select(.level != "ok")'

Exit code: 0; 1 where there is a problem; 2 for wrong use; 130 when stopped.`,
    )
    .action(({ config, gpu, ...options }: CommonOptions & { readonly gpu?: boolean }) =>
      within(options, async (context) => {
        if (gpu === true) return (await import("../doctor/gpu-checks.ts")).runGpuChecks(context);
        return (await import("../doctor/doctor.ts")).doctor(context, config);
      }),
    );
}
