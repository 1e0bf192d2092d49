import { createReadStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Released, writeRelease } from "../../calibrate/release/make.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { Scope } from "../../device/base/lifecycle.ts";
import { loadModel } from "../../device/embed/model.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { Manifest, Part } from "../../device/recipes/bundle/manifest.ts";
import { encodeRecipe, RecipeFile } from "../../device/recipes/bundle/recipe-file.ts";
import { makeKey, Signer } from "../../device/recipes/bundle/signing.ts";
import { TINY } from "./embedder-tiny.ts";
import { galleryOf, madeCrops, randomReference } from "./gallery-made.ts";

export interface MadeKey {
  readonly path: string;
  readonly publicKey: string;
}

/** A key pair; the private one in a file of the folder. */
export async function madeKey(folder: string, name = "release.key"): Promise<MadeKey> {
  const { secret, publicKey } = makeKey();
  const path = join(folder, name);
  await writeFile(path, secret, { mode: 0o600 });
  return { path, publicKey };
}

/** A gallery of the tiny model, with the pictures of its items; what it says of grades means nothing. */
export async function savePicturedGallery(
  folder: string,
  items: number,
  { seed = 0, grades = ["sound", "second", "reject"], model: path = TINY } = {},
): Promise<void> {
  const { model } = await loadModel(path);
  const references = Array.from({ length: items }, (_, item) =>
    randomReference(seed + item, grades[item % grades.length]!, 3, model.dimension),
  );
  const writer = await GalleryWriter.open(folder);
  for (const [item, { id, views }] of references.entries()) {
    await writer.saveCrops(id, madeCrops(seed + item, views, model.sizePx), model.sizePx);
  }
  await writer.save(galleryOf(references, model), model.name);
  writer.close();
}

/** Releases a gallery as the command does. */
export async function releaseMade(
  gallery: string,
  key: MadeKey,
  { name = "made", version = "1", out, model = TINY }: { name?: string; version?: string; out: string; model?: string },
): Promise<Released> {
  const scope = new Scope();
  try {
    const { signal: stop } = new AbortController();
    return await writeRelease(
      { scope, stop, json: false, gallery, model, embedder: undefined, precision: undefined, config: undefined },
      { name, version, key: key.path, out, force: false },
    );
  } finally {
    await scope.close();
  }
}

/** The same parts under another manifest, signed by the same key: what a maker with other ideas would hand over. */
export async function releasedOtherwise(
  file: string,
  key: MadeKey,
  out: string,
  change: (manifest: Manifest) => Manifest,
): Promise<void> {
  const opened = await RecipeFile.open(file, [key.publicKey]);
  const folder = `${out}.parts`;
  await opened.extract(folder);
  await opened.close();
  const manifest = change(opened.head.manifest);
  const content = (part: Part) => createReadStream(join(folder, part.path));
  await writeAtomic(out, encodeRecipe(manifest, await Signer.read(key.path), content));
  await rm(folder, { recursive: true });
}
