import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommonOptions, Within } from "../cli/context.ts";
import { sourceOptions } from "../cli/source-option.ts";
import type { RecordOptions } from "../record/record.ts";
import { wholeNumber } from "./whole-number.ts";

/** `record` */
export function recordCommand(program: Command, within: Within): void {
  sourceOptions(program.command("record"))
    .description("Records a camera, without loss, as a ring of the newest frames that the source `replay` plays.")
    .argument("<dir>", "each recording gets a folder of its own in it, and earlier ones stay")
    .option("--seconds <n>", "ends after so long (default: when stopped by Ctrl-C)", wholeNumber(1))
    .option("--frames <n>", "ends when so many frames are recorded", wholeNumber(1))
    .addOption(
      new Option("--max-size <size>", "size of the recording, e.g. 500MB, 20GB; beyond it the oldest frames go")
        .argParser(size)
        .default(size("10GB"), "10GB"),
    )
    .option("--max-age <seconds>", "frames older than that go", wholeNumber(1))
    .option("--compress", "a quarter smaller, at six times the work")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      `
A frame of 720p has 2.8 MB, so that 30 a second are 83 MB a second; what the disk does not take in time is left out and
counted. A recording that was killed can be played up to its last frame. The daemon must not hold the camera meanwhile;
it records by itself where the camera has \`record\` in the configuration.

Figures:
  frames, seconds, fps           recorded; over how long; the rate that arrived
  dropped, lost, incomplete      passed over here; never arrived, by the camera's own numbers; with missing pixels
  leftOut                        arrived, but not written in time
  kept, bytes                    what the ring holds at the end

Examples:
  gradeline-calibrate record /data/rec --config /etc/gradeline/gradeline.yaml --camera north
  gradeline-calibrate record rec --source '{kind: gst, preset: test}' --seconds 10
  gradeline-calibrate record rec --source '{kind: gige, camera: 192.168.5.2}' --max-size 200GB --json

Exit code: 0; 1 where something failed; 2 for wrong use; 130 when stopped before --seconds or --frames.`,
    )
    .action((dir: string, options: CommonOptions & RecordOptions) =>
      within(options, async (context) => (await import("../record/record.ts")).record(context, dir, options)),
    );
}

/** @returns bytes */
function size(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?$/.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * 1000 ** " kMGT".indexOf(match[2] || " ");
  if (bytes < 1e6) throw new InvalidArgumentError("wanted a size of at least 1MB, such as 500MB or 20GB");
  return Math.round(bytes);
}
