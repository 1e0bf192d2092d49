import assert from "node:assert/strict";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { GalleryWriter } from "../../../device/gallery/store.ts";
import { loadRecipe, loadRecipeAside, loadRecipeOrUntaught } from "../../../device/recipes/load.ts";
import { galleryOf, MADE_MODEL, madeGallery } from "../../support/gallery-made.ts";

let folder: string;
let writer: GalleryWriter;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-recipe-"));
  writer = await GalleryWriter.open(folder);
});
afterEach(async () => {
  writer.close();
  await rm(folder, { recursive: true, force: true });
});

test("a recipe counts the references of each grade, best first, and grades", async () => {
  const gallery = madeGallery(1, 7);
  await writer.save(gallery, "made");
  const recipe = await loadRecipe({ gallery: folder }, MADE_MODEL);
  assert.deepEqual(recipe.grades, [
    { grade: "sound", references: 3 },
    { grade: "second", references: 2 },
    { grade: "reject", references: 2 },
  ]);
  assert.deepEqual([recipe.references, recipe.warning], [7, undefined]);
  assert.match(recipe.galleryHash, /^[0-9a-f]{64}$/);
  const { embeddings, views } = gallery.references[0]!;
  assert.deepEqual(
    recipe.grader.grade(embeddings, views).grades.map(({ grade }) => grade),
    ["sound", "second", "reject"],
  );
});

test("the hash of a recipe's gallery changes with the gallery", async () => {
  await writer.save(madeGallery(1), "made");
  const first = await loadRecipe({ gallery: folder }, MADE_MODEL);
  await writer.save(madeGallery(2), "made");
  assert.notEqual((await loadRecipe({ gallery: folder }, MADE_MODEL)).galleryHash, first.galleryHash);
});

test("a folder without a gallery, and a gallery of another model, are refused", async () => {
  await assert.rejects(loadRecipe({ gallery: folder }, MADE_MODEL), { code: "GALLERY" });
  await writer.save(madeGallery(1), "made");
  await assert.rejects(loadRecipe({ gallery: folder }, { ...MADE_MODEL, hash: "cd".repeat(32) }), {
    code: "GALLERY_MODEL",
  });
});

test("a gallery without references is refused with how to enroll", async () => {
  await writer.save({ ...galleryOf([]), grades: ["sound"] }, "made");
  await assert.rejects(loadRecipe({ gallery: folder }, MADE_MODEL), {
    code: "GALLERY_EMPTY",
    hint: /calibrate enroll/,
  });
});

test("a damaged gallery is passed over for the one before it, and the recipe says so", async () => {
  await writer.save(madeGallery(1, 4), "made");
  await writer.save(madeGallery(2, 6), "made");
  await truncate(join(folder, "gallery.bin"), 99);
  const recipe = await loadRecipe({ gallery: folder }, MADE_MODEL);
  assert.equal(recipe.references, 4);
  assert.match(recipe.warning ?? "", /99 bytes.*the one before it is used/);
});

test("a recipe made in a thread of its own is the same and decides the same, and is refused the same", async () => {
  const gallery = madeGallery(3, 12);
  await writer.save(gallery, "made");
  const here = await loadRecipe({ gallery: folder }, MADE_MODEL);
  const aside = await loadRecipeAside({ gallery: folder }, MADE_MODEL);
  const { grader, ...rest } = aside;
  const { grader: other, ...same } = here;
  assert.deepEqual(rest, same);
  for (const { embeddings, views } of gallery.references) {
    assert.deepEqual(grader.grade(embeddings, views), other.grade(embeddings, views));
  }
  await truncate(join(folder, "gallery.bin"), 60);
  await assert.rejects(loadRecipeAside({ gallery: folder }, MADE_MODEL), {
    code: "GALLERY",
    message: /is not a whole gallery/,
    hint: /backup/,
  });
});

test("where nothing is enrolled yet everything is unknown; a gallery that is damaged or another model's is refused all the same", async () => {
  const load = () => loadRecipeOrUntaught({ gallery: folder }, MADE_MODEL);
  const query = madeGallery(1).references[0]!;
  for (const save of [undefined, { ...galleryOf([]), grades: ["sound"] }]) {
    if (save !== undefined) await writer.save(save, "made");
    const recipe = await load();
    assert.deepEqual([recipe.references, recipe.grades, recipe.gallery, recipe.name], [0, [], undefined, null]);
    assert.equal(recipe.grader.grade(query.embeddings, query.views).outcome, "unknown");
    assert.equal(recipe.galleryHash, "0".repeat(64));
  }
  await writer.save(madeGallery(1), "made");
  assert.equal((await load()).references, 6);
  await assert.rejects(loadRecipeOrUntaught({ gallery: folder }, { ...MADE_MODEL, hash: "cd".repeat(32) }), {
    code: "GALLERY_MODEL",
  });
  for (const name of ["gallery.bin", "gallery.previous.bin"]) await truncate(join(folder, name), 99).catch(() => {});
  await assert.rejects(load(), { code: "GALLERY" });
});
