import { type Command, InvalidArgumentError } from "commander";
import { nameWordSchema } from "../../device/recipes/bundle/manifest.ts";
import type { Common, CommonOptions, Within } from "../cli/context.ts";

/** `release`, `release key`, `release show` */
export function releaseCommand(program: Command, common: Common, within: Within): void {
  const release = program
    .command("release")
    .description("Model, gallery, thresholds and grades as one signed file that a daemon activates: a recipe.")
    .addHelpText(
      "after",
      `
Examples:
  gradeline-calibrate release key --out release.key
  gradeline-calibrate release apples 3 --key release.key --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate release show apples-3.recipe`,
    );

  common(release.command("make", { isDefault: true }))
    .description("Makes a recipe (the word `make` may be left out).")
    .argument("<name>", "what it grades, e.g. apples", word)
    .argument("[version]", "of the recipe (default: date and time)", word)
    .requiredOption("--key <file>", "private key that signs it; `release key` makes one")
    .option("--out <file>", "default: NAME-VERSION.recipe here")
    .option("--force", "it may take the place of another file")
    .addHelpText(
      "after",
      `
The file is a plain tar archive: manifest.json, its signature (Ed25519), the model with its description, the gallery and
the pictures of its items. The manifest says the hash of each, the grades in their order and the limits.

Examples:
  gradeline-calibrate release apples 3 --key release.key --config /etc/gradeline/gradeline.yaml
  gradeline-calibrate release apples --key release.key --gallery gallery --out apples.recipe --json`,
    )
    .action(
      (
        name: string,
        version: string | undefined,
        options: CommonOptions & { key: string; out?: string; force?: boolean },
      ) =>
        within(options, async (context) =>
          (await import("../release/make.ts")).makeRelease(context, {
            name,
            version,
            key: options.key,
            out: options.out,
            force: options.force === true,
          }),
        ),
    );

  release
    .command("key")
    .description("Makes a pair of keys: a private one in a file that only you may read, and the public one to trust.")
    .option("--out <file>", "file of the private key; never written over", "release.key")
    .option("--json", "one JSON object on standard output")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate release key --out release.key")
    .action((options: CommonOptions & { out: string }) =>
      within(options, async (context) => (await import("../release/key.ts")).releaseKey(context, options.out)),
    );

  release
    .command("show")
    .description("Shows what a recipe is and who signed it, and checks that it is whole.")
    .argument("<file>")
    .option("--config <file>", "the daemon's configuration, which says whom it trusts")
    .option("--json", "one JSON object on standard output")
    .addHelpText("after", "\nExample:\n  gradeline-calibrate release show apples-3.recipe --config gradeline.yaml")
    .action((file: string, options: CommonOptions) =>
      within(options, async (context) => (await import("../release/show.ts")).showRelease(context, file)),
    );
}

function word(text: string): string {
  const parsed = nameWordSchema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`wanted ${parsed.error.issues[0]!.message}`);
  return parsed.data;
}
