import type { Command } from "commander";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { needConfig } from "../daemon/need-config.ts";

interface WatchOptions extends CommonOptions {
  readonly lane?: readonly string[];
  readonly once?: boolean;
  readonly relearn?: boolean;
  readonly answer?: boolean;
}

/** `watch` */
export function watchCommand(program: Command, common: Common, within: Within): void {
  common(program.command("watch"))
    .description(
      "Says what has changed on the running line, since when, and the likely reason: light, lens, other fruit.",
    )
    .option("--lane <lane...>", "these lanes only")
    .option("--once", "tell how things are, with what is measured, and end; as --json does")
    .option("--answer", "tell how things are, then ask for the grade of each unknown item that waits")
    .option("--relearn", "take the line as it is now as how it should be, as after a new lamp")
    .addHelpText(
      "after",
      `
What is followed, over blocks of fruit, against the first ones (drift.baselineItems):
  belt          its brightness and colour: what it does, the light does
  fruit         their brightness, colour and sharpness; how far their kind and condition are from the references;
                the share that is unknown
  places        brightness and sharpness at eight places of the frame: dirt stays where it is

Examples:
  gradeline-calibrate watch --config gradeline.yaml
  gradeline-calibrate watch --once --config gradeline.yaml --json
  gradeline-calibrate watch --answer --config gradeline.yaml
  gradeline-calibrate watch --relearn --lane a --config gradeline.yaml`,
    )
    .action((options: WatchOptions) =>
      within(options, async (context) =>
        (await import("../daemon/watch.ts")).watchLine(
          needConfig(context.config, "watch"),
          {
            lanes: options.lane ?? [],
            once: options.once === true,
            relearn: options.relearn === true,
            answer: options.answer === true,
          },
          context,
        ),
      ),
    );
}
