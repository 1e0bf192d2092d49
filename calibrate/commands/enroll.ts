import type { Command } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { Common, CommonOptions, Context, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";
import { wholeNumber } from "./whole-number.ts";

interface EnrollOptions {
  readonly lane?: string;
  readonly recording?: string;
  readonly count?: number;
  readonly idle: number;
}

/** `enroll`, and `list` of what is enrolled */
export function enrollCommand(program: Command, common: Common, within: Within): void {
  common(program.command("enroll"))
    .description("Adds reference items to a grade; all of them or, where one fails, none.")
    .argument("<grade>", "name of the grade; a new one needs no training")
    .argument("[path...]", "images (one item each), a folder of images (one item) or a folder of folders")
    .option("--lane <lane>", "fruit that pass this lane of the running daemon instead of images; with --config")
    .option("--recording <dir>", "fruit that pass in a recording, followed on the lanes of --config")
    .option("--count <n>", "how many fruit, with --lane or --recording", wholeNumber(1))
    .option("--idle <seconds>", "give up when no fruit passes for so long, with --lane", wholeNumber(1), 120)
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate enroll second photos/second --gallery /var/lib/gradeline/gallery
  gradeline-calibrate enroll second --lane a --count 10 --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate enroll second --recording rec/20261123 --config /etc/gradeline/gradeline.yaml`,
    )
    .action((grade: string, paths: string[], options: CommonOptions & EnrollOptions) =>
      within(options, (context) => enroll(context, grade, paths, options)),
    );

  common(program.command("list"))
    .description("Shows the enrolled items.")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate list --gallery /var/lib/gradeline/gallery")
    .action((options: CommonOptions) =>
      within(options, async (context) => (await import("../doctor/list.ts")).listCommand(context)),
    );
}

async function enroll(context: Context, grade: string, paths: string[], options: EnrollOptions): Promise<void> {
  const { lane, recording, count, idle } = options;
  if (recording !== undefined) {
    if (paths.length > 0) throw new GradelineError("USAGE", "found both images and --recording, wanted one of them");
    return (await import("../enroll/recording.ts")).enrollRecording(context, {
      grade,
      path: recording,
      lane,
      count,
    });
  }
  if (lane === undefined) {
    if (count !== undefined) throw new GradelineError("USAGE", "--count goes with --lane or --recording");
    if (paths.length === 0) {
      throw new GradelineError("USAGE", "found neither images nor --lane nor --recording, wanted one of them", {
        hint: "gradeline-calibrate enroll --help",
      });
    }
    return (await import("../enroll/enroll.ts")).enrollCommand(context, grade, paths);
  }
  if (paths.length > 0) throw new GradelineError("USAGE", "found both images and --lane, wanted one of them");
  if (count === undefined) throw new GradelineError("USAGE", "--lane needs --count N");
  (await import("../pictures/images.ts")).checkGrade(grade);
  const config = needConfig(context.config, "enroll --lane");
  return (await import("../daemon/enroll-lane.ts")).enrollLane(config, { grade, lane, count, idleS: idle }, context);
}
