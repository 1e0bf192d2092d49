import { type Command, Option } from "commander";
import type { Within } from "../cli/context.ts";
import { wholeNumber } from "./whole-number.ts";

const POSITIVE = (text: string): number => {
  const value = Number(text);
  // Commander turns this into wrong use of the option.
  if (!(value > 0)) throw new TypeError(`found ${text}, wanted a number above 0`);
  return value;
};

/** `setup` */
export function setupCommand(program: Command, within: Within): void {
  program
    .command("setup")
    .description("Asks for what this board grades, checks it, and writes the daemon's configuration.")
    .option("--device <name>", "name of this board in topics")
    .option("--broker <url>", "mqtt://host:port or mqtts://host:port")
    .option("--username <name>", "login at the broker")
    .option("--password-file <file>", "file that holds its password")
    .option("--camera <camera>", "gige:NAME, usb:DEVICE, csi:NUMBER, rtsp:URL, libcamera:NUMBER or simulated")
    .option("--lanes <n>", "rows of fruit that the camera sees, one above the other", wholeNumber(1))
    .option("--frame <size>", "of the camera's picture, WIDTHxHEIGHT, pixels; needed for several lanes")
    .option("--mm-per-px <mm>", "millimetres that one pixel covers at the height of the fruit", POSITIVE)
    .option("--gate-mm <mm>", "from the edge of the picture where fruit leave it to the gate", POSITIVE)
    .option("--speed <mm>", "of the conveyor, millimetres per second", POSITIVE)
    .addOption(new Option("--conveyor <kind>", "belt: fruit lie freely; cups: one in each").choices(["belt", "cups"]))
    .option("--pitch <mm>", "distance between two cups", POSITIVE)
    .option("--windows <n>", "cups that one picture shows whole", wholeNumber(1))
    .option("--config <file>", "file that is written", "/etc/gradeline/gradeline.yaml")
    .option("--replace", "writes it even where the board is set up already; what was there is kept beside it")
    .option("--yes", "asks nothing: what is not given takes its usual value; a camera must be given")
    .option("--start", "starts the service once everything is checked")
    .option("--json", "one JSON object on standard output")
    .addHelpText(
      "after",
      `
Looks for cameras as \`doctor\` does, and asks for what is not given. Camera, broker and model are checked before anything is
written, and nothing is started before that.

Examples:
  gradeline-calibrate setup --config gradeline.yaml      in this folder, without root
  sudo gradeline-calibrate setup                         for the service
  sudo gradeline-calibrate setup --yes --camera gige:192.168.10.20 --broker mqtt://plc.local:1883 --start
  sudo gradeline-calibrate setup --yes --camera simulated --start

Exit code: 0; 1 where a check found a problem, and nothing was written; 2 for wrong use; 130 when stopped.`,
    )
    .action(({ config, ...options }: Record<string, unknown>) =>
      // The configuration is what comes out, not what is read.
      within({ json: options.json === true }, async (context) =>
        (await import("../setup/setup.ts")).setup(context, { ...options, config: String(config) }),
      ),
    );
}
