import { GradelineError } from "../base/errors.ts";
import { CoverSpace, coverItem } from "./cover.ts";
import { NO_ITEM } from "./distance.ts";
import type { Gallery } from "./gallery.ts";
import { describeItem, describeItems, fitPrototypes, type Prototypes, prototypeDistances } from "./prototypes.ts";
import { flatten, type ReferenceViews } from "./references.ts";
import { conformalP, fitThresholds, type Thresholds } from "./thresholds.ts";
import type { Decision } from "./verdict.ts";

/** Two grades whose prototypes are as near as this, relative to both distances, cannot be told apart: `unsure`. */
const UNSURE_BAND = 0.01;

/**
 * Decides items by one gallery; made once per gallery, deciding allocates nothing per view.
 *
 * The verdict is the best grade, though none better than that of the nearest prototype, whose references with those of
 * all better grades cover the item's views; an item that no grade covers is unknown. Prototypes alone would give every
 * stranger a grade; cover alone, measured on fruit left out, let small faults pass.
 */
export class Grader {
  readonly #references: ReferenceViews;
  readonly #prototypes: Prototypes;
  readonly #thresholds: Thresholds;
  readonly #names: readonly string[];
  readonly #descriptor: Float64Array;
  readonly #toPrototype: Float64Array;
  #space: CoverSpace;

  private constructor(references: ReferenceViews, thresholds: Thresholds, names: readonly string[]) {
    this.#references = references;
    this.#prototypes = fitPrototypes(references, describeItems(references));
    this.#thresholds = thresholds;
    this.#names = names;
    this.#descriptor = new Float64Array(references.dimension);
    this.#toPrototype = new Float64Array(names.length);
    this.#space = new CoverSpace(names.length, 64);
  }

  /**
   * @param alpha share of good fruit that may be turned away, 0..1
   * @throws {GradelineError} GALLERY_EMPTY when there is nothing to compare with
   */
  static from(gallery: Gallery, alpha?: number): Grader {
    if (gallery.references.length === 0) throw new GradelineError("GALLERY_EMPTY", "the gallery has no references");
    // A grade whose references were all removed cannot be given.
    const grades = gallery.grades.filter((name) => gallery.references.some(({ grade }) => grade === name));
    const references = flatten({ ...gallery, grades });
    return new Grader(references, fitThresholds(references, alpha), grades);
  }

  /**
   * @param embeddings (count, dimension) row-major, unit rows
   * @param count 1 or more
   * @throws {GradelineError} EMBEDDING_SHAPE when the length is not count * dimension
   */
  grade(embeddings: Float32Array, count: number): Decision {
    const nearest = this.#nearestPrototype(embeddings, count);
    const { distance, view } = this.#cover(embeddings, count);
    const { limit, scores } = this.#thresholds;
    const last = this.#names.length - 1;
    let given = nearest.grade;
    while (given <= last && !(distance[given]! <= limit[given]!)) given++;
    const known = given <= last;
    const deciding = known ? given : last;
    const margin = 1 - distance[deciding]! / limit[deciding]!;
    const unsure = known && nearest.lead < UNSURE_BAND;
    return {
      outcome: unsure ? "unsure" : known ? "graded" : "unknown",
      grade: known && !unsure ? this.#names[given]! : null,
      margin: Number.isFinite(margin) ? margin : null,
      grades: this.#names.map((grade, g) => ({
        grade,
        distance: Number.isFinite(distance[g]!) ? distance[g]! : null,
        pValue: conformalP(scores[g]!, distance[g]!),
      })),
      // The view that is least like the best grade tells most about why it is not of that.
      tellingView: view[0]!,
    };
  }

  /** The grade of the nearest prototype, whatever the distance: for measuring, where strangers are set apart. */
  choose(embeddings: Float32Array, count: number): string {
    return this.#names[this.#nearestPrototype(embeddings, count).grade]!;
  }

  /** How far an item is from being covered by all references: 1 at the limit, more for strangers. */
  strangeness(embeddings: Float32Array, count: number): number {
    const last = this.#names.length - 1;
    return this.#cover(embeddings, count).distance[last]! / this.#thresholds.limit[last]!;
  }

  #cover(embeddings: Float32Array, count: number) {
    if (count > this.#space.capacity) this.#space = new CoverSpace(this.#names.length, count * 2);
    return coverItem(embeddings, count, this.#references, NO_ITEM, this.#space);
  }

  #nearestPrototype(embeddings: Float32Array, count: number): { grade: number; lead: number } {
    const { dimension } = this.#references;
    if (count < 1 || embeddings.length < count * dimension) {
      throw new GradelineError("EMBEDDING_SHAPE", `${embeddings.length} values for ${count} views of ${dimension}`);
    }
    const distances = this.#toPrototype;
    describeItem(embeddings, count, this.#descriptor);
    prototypeDistances(this.#descriptor, this.#prototypes, distances);
    let grade = 0;
    for (let g = 1; g < distances.length; g++) if (distances[g]! < distances[grade]!) grade = g;
    let second = Number.POSITIVE_INFINITY;
    for (let g = 0; g < distances.length; g++) if (g !== grade) second = Math.min(second, distances[g]!);
    const sum = distances[grade]! + second;
    return { grade, lead: Number.isFinite(sum) && sum > 0 ? (second - distances[grade]!) / sum : 1 };
  }
}
