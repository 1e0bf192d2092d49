import { Worker } from "node:worker_threads";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import { errorOf, type FailedAnswer } from "../base/worker.ts";
import type { Model } from "../embed/embedder.ts";
import { readAnyGallery, readGallery } from "../gallery/store.ts";
import { fitGrader, type GraderFit } from "../grade/fit.ts";
import type { Gallery } from "../grade/gallery.ts";
import { Grader } from "../grade/grader.ts";
import { type ItemGrader, UNTAUGHT } from "../grade/untaught.ts";
import type { InstalledRecipe } from "./bundle/installed.ts";
import type { Manifest } from "./bundle/manifest.ts";
import { otherThresholds } from "./bundle/thresholds.ts";

/** A gallery that fits the model, and the grader fitted to it. */
export interface Recipe {
  /** Name and version of the installed recipe, with `+` where it was taught since; null without one. */
  readonly name: string | null;
  readonly installed: InstalledRecipe | undefined;
  /** Where the gallery lies, and what is taught goes. */
  readonly folder: string;
  readonly grader: ItemGrader;
  /** What is enrolled; undefined where nothing is. */
  readonly gallery: Gallery | undefined;
  /** sha256 of the gallery, hex. */
  readonly galleryHash: string;
  /** Enrolled items; 0 where everything is unknown because nothing was taught yet. */
  readonly references: number;
  /** Best grade first. */
  readonly grades: readonly { readonly grade: string; readonly references: number }[];
  /** The newest gallery is damaged and an older one is used, or this release of the program would grade otherwise. */
  readonly warning: string | undefined;
}

/** A gallery's folder, and the recipe that it belongs to. */
export interface GalleryPlace {
  readonly gallery: string;
  readonly installed?: InstalledRecipe | undefined;
}

/**
 * Reads a gallery and prepares it for grading.
 *
 * @throws {GradelineError} GALLERY, GALLERY_MODEL, GALLERY_EMPTY
 */
export async function loadRecipe(place: GalleryPlace, model: Model): Promise<Recipe> {
  return recipeOf(await prepareRecipe(place.gallery, model, place.installed?.manifest), place);
}

/** {@link loadRecipe} in a thread of its own, so that a line that runs does not wait for a large gallery. */
export async function loadRecipeAside(place: GalleryPlace, model: Model): Promise<Recipe> {
  const worker = new Worker(new URL("./load-thread.ts", import.meta.url), {
    workerData: { folder: place.gallery, model, manifest: place.installed?.manifest } satisfies RecipeWanted,
  });
  const answer = await new Promise<RecipeAnswer>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new GradelineError("INTERNAL", `the gallery's thread ended with ${code}`)));
  });
  if (answer.kind === "ready") return recipeOf(answer.prepared, place);
  throw errorOf(answer);
}

/** What a gallery is made into, in numbers alone. */
export interface PreparedRecipe {
  readonly gallery: Gallery;
  readonly hash: string;
  readonly warning: string | undefined;
  readonly fit: GraderFit;
}

export interface RecipeWanted {
  readonly folder: string;
  readonly model: Model;
  /** Of the recipe that the gallery belongs to. */
  readonly manifest: Manifest | undefined;
}

export type RecipeAnswer = { readonly kind: "ready"; readonly prepared: PreparedRecipe } | FailedAnswer;

/** @throws {GradelineError} GALLERY, GALLERY_MODEL, GALLERY_EMPTY */
export async function prepareRecipe(
  folder: string,
  model: Model,
  manifest: Manifest | undefined,
): Promise<PreparedRecipe> {
  const { gallery, hash, warning } = await readGallery(folder, model);
  if (gallery.references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `the gallery in ${folder} has no references`, {
      hint: `enroll some first: gradeline-calibrate enroll GRADE PATH… --gallery ${folder}`,
    });
  }
  const fit = fitGrader(gallery);
  // What was taught since moves the limits, as it should.
  const released = manifest !== undefined && manifest.gallery.hash === hash;
  return { gallery, hash, warning: warning ?? (released ? otherThresholds(manifest, gallery, fit) : undefined), fit };
}

function recipeOf(
  { gallery, hash, warning, fit }: PreparedRecipe,
  { gallery: folder, installed }: GalleryPlace,
): Recipe {
  return {
    name: nameOf(installed, hash),
    installed,
    folder,
    grader: Grader.fitted(fit),
    gallery,
    galleryHash: hash,
    references: gallery.references.length,
    grades: gallery.grades.map((grade) => ({
      grade,
      references: gallery.references.filter((reference) => reference.grade === grade).length,
    })),
    warning,
  };
}

/**
 * {@link loadRecipe}, or where nothing is enrolled yet one by which everything is unknown: so that the line can be
 * taught from its own fruit.
 *
 * @throws {GradelineError} GALLERY when there is one that is damaged, GALLERY_MODEL
 */
export async function loadRecipeOrUntaught(
  place: GalleryPlace,
  model: Model,
  load: typeof loadRecipe = loadRecipe,
): Promise<Recipe> {
  try {
    return await load(place, model);
  } catch (error) {
    const { code } = asGradelineError(error);
    const missing = code === "GALLERY" && (await readAnyGallery(place.gallery).catch(() => null)) === undefined;
    if (!missing && code !== "GALLERY_EMPTY") throw error;
    return {
      name: nameOf(place.installed, undefined),
      installed: place.installed,
      folder: place.gallery,
      grader: UNTAUGHT,
      gallery: undefined,
      galleryHash: "0".repeat(64),
      references: 0,
      grades: [],
      warning: undefined,
    };
  }
}

function nameOf(installed: InstalledRecipe | undefined, hash: string | undefined): string | null {
  if (installed === undefined) return null;
  return installed.manifest.gallery.hash === hash ? installed.label : `${installed.label}+`;
}
