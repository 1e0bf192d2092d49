import { MAX_RECIPE_BYTES } from "../../device/recipes/bundle/manifest.ts";
import { RecipeFile } from "../../device/recipes/bundle/recipe-file.ts";
import { fingerprint } from "../../device/recipes/bundle/signing.ts";
import type { Context } from "../cli/context.ts";
import { Progress } from "../cli/progress.ts";
import { describeManifest, manifestAsJson } from "./describe.ts";

const MB = 1e6;

/** `release show FILE`: what a recipe is; every hash in it is held against what is there. */
export async function showRelease({ scope, config, json }: Context, path: string): Promise<void> {
  const trust = config?.recipes.trust;
  // Somebody who only looks may look at what nobody trusts.
  const file = scope.add(await RecipeFile.open(path, undefined));
  const { manifest, digest, publicKey } = file.head;
  const total = manifest.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = new Progress("checking, MB", Math.ceil(Math.min(total, MAX_RECIPE_BYTES) / MB));
  let done = 0;
  try {
    await file.verify((bytes) => {
      done += bytes;
      progress.update(Math.floor(done / MB));
    });
  } finally {
    progress.stop();
  }
  const trusted = trust?.includes(publicKey) ?? null;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ file: path, trusted, ...manifestAsJson(manifest, digest, publicKey) })}\n`,
    );
    return;
  }
  const who =
    trusted === null
      ? "add --config FILE to see whether that daemon trusts it"
      : trusted
        ? "trusted by the daemon of the configuration"
        : `which the daemon of the configuration does not trust; where you know whose it is, add it to recipes.trust: ${publicKey}`;
  process.stdout.write(
    `${describeManifest(manifest, digest)}whole, and signed by the key ${fingerprint(publicKey)}, ${who}\n`,
  );
}
