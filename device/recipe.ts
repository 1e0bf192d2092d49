import { Worker } from "node:worker_threads";
import type { Config } from "./base/config.ts";
import { asGradelineError, type ErrorCode, GradelineError } from "./base/errors.ts";
import type { Model } from "./embed/embedder.ts";
import { readAnyGallery, readGallery } from "./gallery-store.ts";
import { fitGrader, type GraderFit } from "./grade/fit.ts";
import type { Gallery } from "./grade/gallery.ts";
import { Grader } from "./grade/grader.ts";
import { type ItemGrader, UNTAUGHT } from "./grade/untaught.ts";

/** What items are graded by: a gallery that fits the model, and what was made of it. */
export interface Recipe {
  readonly grader: ItemGrader;
  /** What is enrolled; undefined where nothing is. */
  readonly gallery: Gallery | undefined;
  /** sha256 of the gallery, hex. */
  readonly galleryHash: string;
  /** Enrolled items; 0 where everything is unknown because nothing was taught yet. */
  readonly references: number;
  /** Best grade first. */
  readonly grades: readonly { readonly grade: string; readonly references: number }[];
  /** The newest gallery is damaged and an older one is used. */
  readonly warning: string | undefined;
}

/**
 * Reads the gallery that the configuration names and prepares it for grading.
 *
 * @throws {GradelineError} GALLERY, GALLERY_MODEL, GALLERY_EMPTY
 */
export async function loadRecipe(config: Pick<Config, "gallery">, model: Model): Promise<Recipe> {
  return recipeOf(await prepareRecipe(config.gallery, model));
}

/** {@link loadRecipe} in a thread of its own, so that a line that runs does not wait for a large gallery. */
export async function loadRecipeAside(config: Pick<Config, "gallery">, model: Model): Promise<Recipe> {
  const worker = new Worker(new URL("./recipe-thread.ts", import.meta.url), {
    workerData: { folder: config.gallery, model } satisfies RecipeWanted,
  });
  const answer = await new Promise<RecipeAnswer>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new GradelineError("INTERNAL", `the gallery's thread ended with ${code}`)));
  });
  if (answer.kind === "ready") return recipeOf(answer.prepared);
  const { code, message, hint, retry } = answer;
  throw new GradelineError(code, message, { retry, ...(hint === undefined ? {} : { hint }) });
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
}

export type RecipeAnswer =
  | { readonly kind: "ready"; readonly prepared: PreparedRecipe }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
      readonly retry: boolean;
    };

/** @throws {GradelineError} GALLERY, GALLERY_MODEL, GALLERY_EMPTY */
export async function prepareRecipe(folder: string, model: Model): Promise<PreparedRecipe> {
  const { gallery, hash, warning } = await readGallery(folder, model);
  if (gallery.references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `the gallery in ${folder} has no references`, {
      hint: `enrol some first: gradeline-calibrate enroll GRADE PATH… --gallery ${folder}`,
    });
  }
  return { gallery, hash, warning, fit: fitGrader(gallery) };
}

function recipeOf({ gallery, hash, warning, fit }: PreparedRecipe): Recipe {
  return {
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
export async function loadRecipeOrUntaught(config: Pick<Config, "gallery">, model: Model): Promise<Recipe> {
  try {
    return await loadRecipe(config, model);
  } catch (error) {
    const { code } = asGradelineError(error);
    const missing = code === "GALLERY" && (await readAnyGallery(config.gallery).catch(() => null)) === undefined;
    if (!missing && code !== "GALLERY_EMPTY") throw error;
    return {
      grader: UNTAUGHT,
      gallery: undefined,
      galleryHash: "0".repeat(64),
      references: 0,
      grades: [],
      warning: undefined,
    };
  }
}
