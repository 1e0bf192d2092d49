import type { Command } from "commander";
import type { Common, CommonOptions, Within } from "../cli/context.ts";
import { wholeNumber } from "./whole-number.ts";

/** `engine` */
export function engineCommand(program: Command, common: Common, within: Within): void {
  common(program.command("engine"))
    .description("Builds the TensorRT engines that the daemon would build at its first start: minutes, once per board.")
    .option("--library <path>", "libonnxruntime.so of the board, or its folder")
    .option("--cache <dir>", "folder of the engines (default: of the configuration, else where the daemon looks)")
    .option("--device <n>", "number of the GPU", wholeNumber(0))
    .option("--max-batch <n>", "views of the largest batch (default: of the configuration, else 16)", wholeNumber(1))
    .option("--rebuild", "build them again even if the cache holds them")
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
        (await import("../engine/engine.ts")).engineCommand(context, {
          precision: options.precision,
          library: options.library as string | undefined,
          cache: options.cache as string | undefined,
          device: options.device as number | undefined,
          maxBatch: options.maxBatch as number | undefined,
          rebuild: options.rebuild === true,
        }),
      ),
    );
}
