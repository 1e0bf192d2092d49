#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, Option } from "commander";
import { asGradelineError, GradelineError } from "../device/base/errors.ts";
import { Scope } from "../device/base/lifecycle.ts";
import { report } from "../device/base/run.ts";
import { VERSION } from "../device/base/version.ts";
// What a command does is loaded when it is asked for: all of them together take longer to load than most to run.
import type { Config } from "../device/config/schema.ts";
import type { CommonOptions, Context } from "./cli/context.ts";
import { activateCommands } from "./commands/activate.ts";
import { auditCommand } from "./commands/audit.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { fitCommand } from "./commands/fit.ts";
import { galleryCommands } from "./commands/gallery.ts";
import { mapCommand } from "./commands/map.ts";
import { queueCommand } from "./commands/queue.ts";
import { recordCommand } from "./commands/record.ts";
import { releaseCommand } from "./commands/release.ts";
import { repeatCommand } from "./commands/repeat.ts";
import { shadowCommand } from "./commands/shadow.ts";
import { stillCommand } from "./commands/still.ts";
import { watchCommand } from "./commands/watch.ts";
import { wholeNumber } from "./commands/whole-number.ts";
import { needConfig } from "./daemon/need-config.ts";

const DEFAULT_MODEL = fileURLToPath(new URL("../models/embedder.json", import.meta.url));
const DEFAULT_GALLERY = "gallery";

enableCompileCache();

const stop = new AbortController();
let json = false;

process.on("SIGINT", () => {
  if (stop.signal.aborted) process.exit(130);
  stop.abort(new GradelineError("USAGE", "stopped; nothing was changed"));
});

// Whoever reads along may stop reading: `list | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

/** All commands. */
export const program = new Command("gradeline-calibrate")
  .description("Teaches gradeline: enrolls reference fruit and measures what it makes of fruit it has not seen.")
  .version(VERSION)
  .exitOverride()
  .configureOutput({ writeErr: () => {} })
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

function common(command: Command): Command {
  return command
    .option("--gallery <dir>", `folder of the gallery (default: of the configuration, else ./${DEFAULT_GALLERY})`)
    .option("--model <file>", "description of the model (default: of the configuration, else the shipped one)")
    .option(
      "--config <file>",
      "the daemon's configuration: its gallery and model, or those of its active recipe, are used",
    )
    .addOption(
      new Option("--precision <name>", "of the model (default: of the configuration, else fp32)").choices([
        "fp32",
        "fp16",
        "int8",
      ]),
    )
    .option("--json", "one JSON object on standard output");
}

common(program.command("enroll"))
  .description("Adds reference items to a grade; all of them or, where one fails, none.")
  .argument("<grade>", "name of the grade; a new one needs no training")
  .argument("[path...]", "images (one item each), a folder of images (one item) or a folder of folders")
  .option("--lane <lane>", "fruit that pass this lane of the running daemon instead of images; with --config")
  .option("--recording <dir>", "fruit that pass in a recording, followed on the lanes of --config")
  .option("--count <n>", "how many, with --lane or of a recording", wholeNumber(1))
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
queueCommand(program, common, within);
repeatCommand(program, common, within);
recordCommand(program, within);
stillCommand(program, within);
doctorCommand(program, within);
watchCommand(program, common, within);

common(program.command("list"))
  .description("Shows the enrolled items.")
  .addHelpText("after", "\nExample:\n  gradeline-calibrate list --gallery /var/lib/gradeline/gallery")
  .action((options: CommonOptions) =>
    within(options, async (context) => (await import("./doctor/list.ts")).listCommand(context)),
  );

auditCommand(program, common, within);
galleryCommands(program, common, within);
fitCommand(program, common, within);
evaluateCommand(program, common, within);
mapCommand(program, common, within);
releaseCommand(program, common, within);
activateCommands(program, within);
shadowCommand(program, within);

common(program.command("engine"))
  .description("Builds the TensorRT engines that the daemon would build at its first start: minutes, once per board.")
  .option("--library <path>", "libonnxruntime.so of the board, or its folder")
  .option("--cache <dir>", "folder of the engines (default: of the configuration, else where the daemon looks)")
  .option("--device <n>", "number of the GPU", wholeNumber(0))
  .option("--max-batch <n>", "views of the largest batch (default: of the configuration, else 16)", wholeNumber(1))
  .option("--rebuild", "build them anew, also where the cache holds them")
  .addHelpText(
    "after",
    `
An engine fits one model, precision, GPU, driver, TensorRT and set of batch sizes; for anything else another one is
built. fp16 is the default. int8 is calibrated on the images of the gallery, and is another model to it: embed its
references again afterwards (rebuild).

Examples:
  gradeline-calibrate engine --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate engine --precision int8 --gallery /var/lib/gradeline/gallery --json`,
  )
  .action((options: CommonOptions & Record<string, unknown>) =>
    within(options, async (context) =>
      (await import("./engine/engine.ts")).engineCommand(context, {
        precision: options.precision,
        library: options.library as string | undefined,
        cache: options.cache as string | undefined,
        device: options.device as number | undefined,
        maxBatch: options.maxBatch as number | undefined,
        rebuild: options.rebuild === true,
      }),
    ),
  );

// What makes the manual page out of the program reads it, and runs nothing.
if (import.meta.main) {
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = failed(error);
  }
}

interface EnrollOptions {
  readonly lane?: string;
  readonly recording?: string;
  readonly count?: number;
  readonly idle: number;
}

async function enroll(context: Context, grade: string, paths: string[], options: EnrollOptions): Promise<void> {
  const { lane, recording, count, idle } = options;
  if (recording !== undefined) {
    if (paths.length > 0) throw new GradelineError("USAGE", "found both images and --recording, wanted one of them");
    return (await import("./enroll/recording.ts")).enrollRecording(context, {
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
    return (await import("./enroll/enroll.ts")).enrollCommand(context, grade, paths);
  }
  if (paths.length > 0) throw new GradelineError("USAGE", "found both images and --lane, wanted one of them");
  if (count === undefined) throw new GradelineError("USAGE", "--lane needs --count N");
  (await import("./pictures/images.ts")).checkGrade(grade);
  const config = needConfig(context.config, "enroll --lane");
  return (await import("./daemon/enroll-lane.ts")).enrollLane(config, { grade, lane, count, idleS: idle }, context);
}

/** Opens what the options name, runs the command, closes everything. */
async function within(
  options: CommonOptions,
  command: (context: Context) => Promise<void>,
  about: "active" | "configuration" = "active",
): Promise<void> {
  json = options.json === true;
  const config = options.config === undefined ? undefined : await configOf(options.config);
  const places = config === undefined || about === "configuration" ? config : await placesOf(config);
  const scope = new Scope();
  try {
    await command({
      scope,
      stop: stop.signal,
      json,
      gallery: options.gallery ?? places?.gallery ?? DEFAULT_GALLERY,
      model: options.model ?? places?.model ?? DEFAULT_MODEL,
      embedder: config?.embedder,
      precision: options.precision,
      config,
    });
  } finally {
    await scope.close();
  }
}

async function configOf(path: string): Promise<Config> {
  return (await import("../device/config/file.ts")).loadConfig(path);
}

async function placesOf(config: Config): Promise<Pick<Config, "gallery" | "model">> {
  return (await import("../device/recipes/bundle/installed.ts")).readPlaces(config);
}

function failed(error: unknown): number {
  if (stop.signal.aborted) {
    process.stderr.write("stopped; the gallery is as it was\n");
    return 130;
  }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return report(
      new GradelineError("USAGE", error.message.replace(/^error: /, ""), { hint: "gradeline-calibrate --help" }),
    );
  }
  if (json) {
    const { code, message, hint } = asGradelineError(error);
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint: hint ?? null } })}\n`);
  }
  return report(error);
}
