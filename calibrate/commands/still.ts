import type { Command } from "commander";
import type { CommonOptions, Within } from "../cli/context.ts";
import { type SourceOptions, sourceOptions } from "../cli/source-option.ts";

/** `still` */
export function stillCommand(program: Command, within: Within): void {
  sourceOptions(program.command("still"))
    .description("Takes one picture with a camera, without loss, as the next PNG of a folder: a view to enroll.")
    .argument("<dir>", "made where absent; the pictures in it stay")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      `
One folder is one fruit: turn it and take it again, from several sides. The daemon must not hold the camera meanwhile.
A camera on a Raspberry Pi's connector takes it by rpicam-still; others give a frame after half a second, once
their automatics have settled; one that waits for software triggers is triggered.

Examples:
  gradeline-calibrate still photos/second/apple7 --config /etc/gradeline/gradeline.yaml --camera north
  gradeline-calibrate still photos/second/apple7 --source '{kind: libcamera, widthPx: 4056, heightPx: 3040}'
  gradeline-calibrate enroll second photos/second

Exit code: 0; 1 where something failed; 2 for wrong use; 130 when stopped.`,
    )
    .action((dir: string, options: CommonOptions & SourceOptions) =>
      within(options, async (context) => (await import("../record/still.ts")).still(context, dir, options)),
    );
}
