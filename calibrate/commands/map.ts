import { type Command, Option } from "commander";
import { GradelineError } from "../../device/base/errors.ts";
import type { Common, CommonOptions, Context, Within } from "../cli/context.ts";
import { wholeNumber } from "./whole-number.ts";

interface MapOptions extends CommonOptions {
  readonly out: readonly string[];
  readonly items?: string;
  readonly new: readonly string[];
  readonly queue?: string | true;
  readonly views?: boolean;
  readonly umap?: boolean;
  readonly seed: number;
}

const DEFAULT_OUT = "map.html";

/** `map` */
export function mapCommand(program: Command, common: Common, within: Within): void {
  const collect = (value: string, before: readonly string[]): string[] => [...before, value];
  common(program.command("map"))
    .description(
      "Draws the enrolled references in two dimensions: which grades lie apart, and where something new lands.",
    )
    .addOption(
      new Option("--out <file>", "what to write: .html, .svg or .png; may be given again")
        .argParser(collect)
        .default([], DEFAULT_OUT),
    )
    .option("--items <dir>", "draw the items of DIR/GRADE/ITEM/*.jpg as well, hollow")
    .addOption(
      new Option("--new <grade=path>", "draw items of a grade that is not enrolled; may be given again")
        .argParser(collect)
        .default([], "none"),
    )
    .option("--queue [dir]", "draw what waits for its grade on the line: a queue's folder, or the configuration's")
    .option("--views", "a point for every view instead of one for every item")
    .option("--umap", "UMAP instead of principal components: clusters stand out, distances mean nothing")
    .option("--seed <n>", "seed of UMAP", wholeNumber(0), 1)
    .addHelpText(
      "after",
      `
The plane is laid through the enrolled references; everything else lands on it where it belongs. In the .html file each
point shows its picture where it is pointed at, tapped or focused.

Examples:
  gradeline-calibrate map --gallery /var/lib/gradeline/gallery
  gradeline-calibrate map --new juice=photos/juice --out map.html --out map.png
  gradeline-calibrate map --queue --config /etc/gradeline/gradeline.yaml --umap`,
    )
    .action((options: MapOptions) =>
      within(options, async (context) =>
        (await import("../map/map.ts")).drawGallery(context, {
          out: options.out.length > 0 ? options.out : [DEFAULT_OUT],
          items: options.items,
          fresh: options.new,
          queue: await queueOf(options.queue, context),
          eachView: options.views === true,
          umap: options.umap === true,
          seed: options.seed,
        }),
      ),
    );
}

async function queueOf(given: string | true | undefined, { config }: Context): Promise<string | undefined> {
  if (given !== true) return given;
  if (config !== undefined) return (await import("../../device/teach/teaching.ts")).queueFolder(config);
  throw new GradelineError("USAGE", "--queue needs a folder, or --config FILE that names it");
}
