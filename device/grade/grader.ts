import { GradelineError } from "../base/errors.ts";
import { CoverScratch, coverItem } from "./cover.ts";
import { NO_ITEM } from "./distance.ts";
import type { Gallery } from "./gallery.ts";
import { flatten, type ReferenceViews } from "./references.ts";
import { conformalP, type FitOptions, type Fitted, fitCover } from "./thresholds.ts";
import type { Decision } from "./verdict.ts";

/** A strain this near to its limit, as a share of it, can fall either way: `unsure`. */
const UNSURE_BAND = 0.02;

/** Decides items by one gallery. Made once per gallery; deciding allocates nothing per view. */
export class Grader {
  readonly #references: ReferenceViews;
  readonly #fitted: Fitted;
  readonly #names: readonly string[];
  #scratch: CoverScratch;

  private constructor(references: ReferenceViews, fitted: Fitted, names: readonly string[]) {
    this.#references = references;
    this.#fitted = fitted;
    this.#names = names;
    this.#scratch = new CoverScratch(names.length, 64);
  }

  /** @throws {GradelineError} GALLERY_EMPTY when there is nothing to compare with */
  static from(gallery: Gallery, options?: FitOptions): Grader {
    if (gallery.references.length === 0) throw new GradelineError("GALLERY_EMPTY", "the gallery has no references");
    // A grade whose references were all removed cannot be given.
    const grades = gallery.grades.filter((name) => gallery.references.some(({ grade }) => grade === name));
    const references = flatten({ ...gallery, grades });
    return new Grader(references, fitCover(references, options), grades);
  }

  /**
   * @param embeddings (count, dimension) row-major, unit rows
   * @param count 1 or more
   * @param leaveOut index of a reference of the gallery that does not count, for measuring
   * @throws {GradelineError} EMBEDDING_SHAPE when the length is not count * dimension
   */
  grade(embeddings: Float32Array, count: number, leaveOut: number = NO_ITEM): Decision {
    const { dimension } = this.#references;
    if (count < 1 || embeddings.length < count * dimension) {
      throw new GradelineError("EMBEDDING_SHAPE", `${embeddings.length} values for ${count} views of ${dimension}`);
    }
    if (count > this.#scratch.capacity) this.#scratch = new CoverScratch(this.#names.length, count * 2);
    const { rule, scores } = this.#fitted;
    const fit = coverItem(embeddings, count, this.#references, rule, leaveOut, this.#scratch);
    const last = this.#names.length - 1;
    let given = -1;
    for (let g = 0; g <= last && given < 0; g++) if (fit.strain[g]! <= rule.limit[g]!) given = g;
    const deciding = given < 0 ? last : given;
    const margin = 1 - fit.strain[deciding]! / rule.limit[deciding]!;
    // Just inside: the next shake of the camera gives the next grade. Just outside of a better one: the same.
    const betterMargin = given > 0 ? 1 - fit.strain[given - 1]! / rule.limit[given - 1]! : -1;
    const unsure = Math.abs(margin) < UNSURE_BAND || Math.abs(betterMargin) < UNSURE_BAND;
    return {
      outcome: unsure ? "unsure" : given < 0 ? "unknown" : "graded",
      grade: given < 0 || unsure ? null : this.#names[given]!,
      margin: Number.isFinite(margin) ? margin : null,
      grades: this.#names.map((grade, g) => ({
        grade,
        distance: Number.isFinite(fit.distance[g]!) ? fit.distance[g]! : null,
        pValue: conformalP(scores[g]!, fit.strain[g]!),
      })),
      tellingView: fit.view[given > 0 ? given - 1 : deciding]!,
    };
  }
}
