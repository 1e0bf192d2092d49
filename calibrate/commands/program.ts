import { Command, Option } from "commander";
import { VERSION } from "../../device/base/version.ts";
import { DEFAULT_GALLERY, type Within } from "../cli/context.ts";
import { fitHelp } from "../cli/fit-help.ts";
import { activateCommands } from "./activate.ts";
import { auditCommand } from "./audit.ts";
import { completionCommand } from "./completion.ts";
import { configCommands } from "./config.ts";
import { doctorCommand } from "./doctor.ts";
import { engineCommand } from "./engine.ts";
import { enrollCommand } from "./enroll.ts";
import { evaluateCommand } from "./evaluate.ts";
import { fitCommand } from "./fit.ts";
import { galleryCommands } from "./gallery.ts";
import { lotCommand } from "./lot.ts";
import { mapCommand } from "./map.ts";
import { queueCommand } from "./queue.ts";
import { recordCommand } from "./record.ts";
import { releaseCommand } from "./release.ts";
import { repeatCommand } from "./repeat.ts";
import { setupCommand } from "./setup.ts";
import { shadowCommand } from "./shadow.ts";
import { stillCommand } from "./still.ts";
import { verdictsCommand } from "./verdicts.ts";
import { watchCommand } from "./watch.ts";

/** What only commands about a gallery need. */
const IDLE = ["gallery", "model", "precision"] as const;
const BOARD = " Board: what it runs on";

/** The whole command line. @param within runs what a command does */
export function commands(within: Within): Command {
  const program = new Command("gradeline-calibrate")
    .description("Teaches gradeline: enrolls reference fruit and measures what it makes of fruit it has not seen.")
    .version(VERSION)
    .exitOverride()
    // What a command takes is in its own help; here it would leave no room for what it does.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput({ writeOut: (text) => void process.stdout.write(fitHelp(text, process.stdout.columns)) })
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate enroll sound photos/sound          a folder of folders: one item each
  gradeline-calibrate enroll reject bad1.jpg bad2.jpg    one item per image
  gradeline-calibrate list --json
  gradeline-calibrate audit --html audit.html            what spoils verdicts, with pictures
  gradeline-calibrate map --out map.html                 which grades lie apart
  gradeline-calibrate evaluate photos --json             photos/GRADE/ITEM/*.jpg, leaving one item out
  gradeline-calibrate release apples 3 --key release.key  all of it as one signed file
  gradeline-calibrate activate apples-3.recipe --config gradeline.yaml

Exit code: 0; 1 where something failed; 2 for wrong use; 130 when stopped.`,
    );
  // One heading over all groups: commander has none.
  program.commandsGroup("Commands:\n Teach: what each grade looks like");
  enrollCommand(program, common, within);
  stillCommand(program, within);
  galleryCommands(program, common, within);
  queueCommand(program, ofDaemon, within);
  program.commandsGroup(" Measure: how well it grades");
  evaluateCommand(program, common, within);
  auditCommand(program, common, within);
  fitCommand(program, common, within);
  mapCommand(program, common, within);
  repeatCommand(program, ofDaemon, within);
  program.commandsGroup(" Line: what passes now");
  watchCommand(program, ofDaemon, within);
  recordCommand(program, within);
  verdictsCommand(program, ofDaemon, within);
  lotCommand(program, ofDaemon, within);
  program.commandsGroup(" Release: what the daemons grade by");
  releaseCommand(program, common, within);
  activateCommands(program, within);
  shadowCommand(program, within);
  program.commandsGroup(BOARD);
  setupCommand(program, within);
  doctorCommand(program, within);
  engineCommand(program, common, within);
  configCommands(program);
  completionCommand(program);
  const help = new Command("help").argument("[command]").description("Shows the help of a command.");
  return program.addHelpCommand(help.helpGroup(BOARD));
}

/**
 * Options of what asks the daemon, or reads what it keeps: all else is in its configuration. Options of the other
 * commands are taken as well, since scripts give them to every command, and told to do nothing.
 */
function ofDaemon(command: Command): Command {
  for (const idle of IDLE) command.addOption(new Option(`--${idle} <value>`).hideHelp());
  return command
    .option("--config <file>", "the daemon's configuration")
    .option("--json", "one JSON object on standard output")
    .hook("preAction", (_, own) => {
      const given = IDLE.filter((idle) => own.getOptionValue(idle) !== undefined);
      for (const idle of given) process.stderr.write(`warning: --${idle} does nothing here\n`);
    });
}

function common(command: Command): Command {
  return command
    .option("--gallery <dir>", `folder of the gallery (default: of the configuration, else ./${DEFAULT_GALLERY})`)
    .option("--model <file>", "description of the model (default: of the configuration, else the shipped one)")
    .option(
      "--config <file>",
      "the daemon's configuration: its gallery and model, or those of its active recipe, are used",
    )
    .addOption(
      new Option("--precision <name>", "precision of the model (default: of the configuration, else fp32)").choices([
        "fp32",
        "fp16",
        "int8",
      ]),
    )
    .option("--json", "one JSON object on standard output");
}
