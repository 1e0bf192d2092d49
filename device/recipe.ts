import type { Config } from "./base/config.ts";
import { GradelineError } from "./base/errors.ts";
import type { Model } from "./embed/embedder.ts";
import { readGallery } from "./gallery-store.ts";
import { Grader } from "./grade/grader.ts";

/** What items are graded by: a gallery that fits the model, and what was made of it. */
export interface Recipe {
  readonly grader: Grader;
  /** sha256 of the gallery, hex. */
  readonly galleryHash: string;
  /** Enrolled items. */
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
    galleryHash: hash,
    references: gallery.references.length,
    grades: gallery.grades.map((grade) => ({
      grade,
      references: gallery.references.filter((reference) => reference.grade === grade).length,
    })),
    warning,
  };
}
