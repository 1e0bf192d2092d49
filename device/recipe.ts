import type { Config } from "./base/config.ts";
import { asGradelineError, GradelineError } from "./base/errors.ts";
import type { Model } from "./embed/embedder.ts";
import { readAnyGallery, readGallery } from "./gallery-store.ts";
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
  const { gallery, hash, warning } = await readGallery(config.gallery, model);
  if (gallery.references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `the gallery in ${config.gallery} has no references`, {
      hint: `enrol some first: gradeline-calibrate enroll GRADE PATH… --gallery ${config.gallery}`,
    });
  }
  return {
    grader: Grader.from(gallery),
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
