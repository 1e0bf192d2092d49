import { GradelineError } from "../base/errors.ts";
import { CoverSpace, coverItem } from "./cover.ts";
import { NO_ITEM } from "./distance.ts";
import { fitGrader, type GraderFit } from "./fit.ts";
import type { Gallery } from "./gallery.ts";
import { type Kin, kinDistance } from "./kin.ts";
import { describeItem, type Prototypes, prototypeDistances } from "./prototypes.ts";
import type { ReferenceViews } from "./references.ts";
import { conformalP, DEFAULT_ALPHA, type Thresholds } from "./thresholds.ts";
import type { Decision, Reasons } from "./verdict.ts";

/** Two grades whose prototypes are as near as this, relative to both distances, cannot be told apart: `unsure`. */
const UNSURE_BAND = 0.01;

/** The two grades whose prototypes are nearest. */
interface Nearest {
  grade: number;
  /** -1 where there is no other. */
  second: number;
  /** How much nearer the first is, relative to both distances, 0..1. */
  lead: number;
}

/**
 * Decides items by one gallery; made once per gallery, deciding allocates nothing per view.
 *
 * The verdict is the best grade, though none better than that of the nearest prototype, whose references with those of
 * all better grades cover the item's views. An item that no grade covers, or that as a whole is like none that is
 * enrolled, is unknown. Where two prototypes are as near and would give different verdicts the item is unsure.
 * Prototypes alone would give every stranger a grade; cover alone, measured on fruit left out, let small faults pass.
 */
export class Grader {
  readonly #references: ReferenceViews;
  readonly #prototypes: Prototypes;
  readonly #kin: Kin;
  readonly #thresholds: Thresholds;
  readonly #names: readonly string[];
  readonly #descriptor: Float64Array;
  readonly #descriptor32: Float32Array;
  readonly #toPrototype: Float64Array;
  readonly #nearest: Nearest = { grade: 0, second: -1, lead: 1 };
  #space: CoverSpace;

  private constructor({ references, names, prototypes, thresholds, kin }: GraderFit) {
    this.#references = references;
    this.#prototypes = prototypes;
    this.#thresholds = thresholds;
    this.#kin = kin;
    this.#names = names;
    this.#descriptor = new Float64Array(references.dimension);
    this.#descriptor32 = new Float32Array(references.dimension);
    this.#toPrototype = new Float64Array(names.length);
    this.#space = new CoverSpace(names.length, 64);
  }

  /**
   * @param alpha share of good fruit that may be turned away, 0..1
   * @throws {GradelineError} GALLERY_EMPTY when there is nothing to compare with
   */
  static from(gallery: Gallery, alpha: number = DEFAULT_ALPHA): Grader {
    return new Grader(fitGrader(gallery, alpha));
  }

  /** One that was fitted before, in another thread. */
  static fitted(fit: GraderFit): Grader {
    return new Grader(fit);
  }

  /**
   * @param embeddings (count, dimension) row-major, unit rows
   * @param count 1 or more
   * @throws {GradelineError} EMBEDDING_SHAPE when the length is not count * dimension
   */
  grade(embeddings: Float32Array, count: number): Decision {
    const nearest = this.#describe(embeddings, count);
    const { distance, view } = this.#cover(embeddings, count);
    const { limit, scores } = this.#thresholds;
    const strange = this.#kinShare(count);
    const last = this.#names.length - 1;
    const given = this.#covered(nearest.grade);
    const known = given <= last && strange <= 1;
    const unsure =
      known && nearest.second >= 0 && nearest.lead < UNSURE_BAND && this.#covered(nearest.second) !== given;
    const deciding = Math.min(given, last);
    const margin = 1 - Math.max(distance[deciding]! / limit[deciding]!, strange);
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
    return this.#names[this.#describe(embeddings, count).grade]!;
  }

  /**
   * What the decision about an item hangs on, for people who ask why.
   *
   * @param embeddings (count, dimension) row-major, unit rows
   * @param count 1 or more
   */
  reasons(embeddings: Float32Array, count: number): Reasons {
    const decision = this.grade(embeddings, count);
    const { grade, second, lead } = this.#nearest;
    return {
      decision,
      like: this.#names[grade]!,
      rival: second >= 0 && lead < UNSURE_BAND ? this.#names[second]! : null,
      strangeness: this.#kinShare(count),
      limits: this.#names.map((name, g) => ({ grade: name, limit: this.#thresholds.limit[g]! })),
    };
  }

  /** How far an item is from being known: 1 at the limit, more for strangers. */
  strangeness(embeddings: Float32Array, count: number): number {
    const last = this.#names.length - 1;
    this.#describe(embeddings, count);
    const { distance } = this.#cover(embeddings, count);
    return Math.max(distance[last]! / this.#thresholds.limit[last]!, this.#kinShare(count));
  }

  #cover(embeddings: Float32Array, count: number) {
    if (count > this.#space.capacity) this.#space = new CoverSpace(this.#names.length, count * 2);
    return coverItem(embeddings, count, this.#references, NO_ITEM, this.#space);
  }

  /** The best grade from `grade` on that covers the item seen last; one beyond the last where none does. */
  #covered(grade: number): number {
    const { limit } = this.#thresholds;
    const { distance } = this.#space.cover;
    let given = grade;
    while (given < this.#names.length && !(distance[given]! <= limit[given]!)) given++;
    return given;
  }

  /** Distance of the item described last to the most alike enrolled one, as a share of the limit. */
  #kinShare(count: number): number {
    this.#descriptor32.set(this.#descriptor);
    return kinDistance(this.#descriptor32, count, this.#kin, NO_ITEM) / this.#kin.limit;
  }

  #describe(embeddings: Float32Array, count: number): Nearest {
    const { dimension } = this.#references;
    if (count < 1 || embeddings.length < count * dimension) {
      throw new GradelineError("EMBEDDING_SHAPE", `${embeddings.length} values for ${count} views of ${dimension}`);
    }
    const distances = this.#toPrototype;
    describeItem(embeddings, count, this.#descriptor);
    prototypeDistances(this.#descriptor, this.#prototypes, distances);
    let grade = 0;
    for (let g = 1; g < distances.length; g++) if (distances[g]! < distances[grade]!) grade = g;
    let second = -1;
    for (let g = 0; g < distances.length; g++) {
      if (g !== grade && (second < 0 || distances[g]! < distances[second]!)) second = g;
    }
    const nearest = this.#nearest;
    const sum = second < 0 ? Number.POSITIVE_INFINITY : distances[grade]! + distances[second]!;
    nearest.grade = grade;
    nearest.second = second;
    nearest.lead = Number.isFinite(sum) && sum > 0 ? (distances[second]! - distances[grade]!) / sum : 1;
    return nearest;
  }
}
