import { GradelineError } from "../base/errors.ts";
import { type Cover, CoverSpace, coverItem } from "./cover.ts";
import { describeItem } from "./descriptors.ts";
import { fitGrader, type GraderFit } from "./fit.ts";
import type { Gallery } from "./gallery.ts";
import { type Novelty, noveltyDistance } from "./novelty.ts";
import type { ReferenceViews } from "./references.ts";
import { makeRule } from "./rules/make.ts";
import type { ItemRule, ItemSeen, Leaning, RuleName } from "./rules/rule.ts";
import { NO_ITEM, nearestByGrade } from "./search/distance.ts";
import { conformalP, type Thresholds } from "./thresholds.ts";
import type { Decision, Reasons } from "./verdict.ts";

/** Two grades that an item is as much like, to this share, relative to both distances, cannot be told apart: `unsure`. */
const UNSURE_BAND = 0.01;

/**
 * Decides items by one gallery; made once per gallery, deciding allocates nothing per view.
 *
 * The verdict is the best grade, though none better than the one that the item rule leans to, whose references with those of
 * all better grades cover the item's views. An item that no grade covers, or that as a whole is like none that is
 * enrolled, is unknown. Where two prototypes are as near and would give different verdicts the item is unsure.
 * Prototypes alone would give every stranger a grade; cover alone, measured on fruit left out, let small faults pass.
 */
export class Grader {
  readonly #references: ReferenceViews;
  readonly #rule: ItemRule;
  readonly #novelty: Novelty;
  readonly #thresholds: Thresholds;
  readonly #names: readonly string[];
  readonly #descriptor: Float64Array;
  readonly #descriptor32: Float32Array;
  readonly #leaning: Leaning = { grade: 0, second: -1, lead: 1 };
  readonly #seen: { -readonly [K in keyof ItemSeen]: ItemSeen[K] };
  #space: CoverSpace;

  private constructor(fit: GraderFit) {
    const { references, names, thresholds, novelty } = fit;
    this.#references = references;
    this.#rule = makeRule(fit);
    this.#thresholds = thresholds;
    this.#novelty = novelty;
    this.#names = names;
    this.#descriptor = new Float64Array(references.dimension);
    this.#descriptor32 = new Float32Array(references.dimension);
    this.#space = new CoverSpace(names.length, 64);
    const embeddings = new Float32Array(0);
    this.#seen = { descriptor: this.#descriptor, embeddings, views: 0, nearest: () => this.#nearest() };
  }

  /**
   * @param alpha share of good fruit that may be called unknown, 0..1; undefined: as calibrated, else the usual one
   * @param rule likewise
   * @throws {GradelineError} GALLERY_EMPTY when there is nothing to compare with
   */
  static from(gallery: Gallery, alpha?: number, rule?: RuleName): Grader {
    return new Grader(fitGrader(gallery, { alpha, rule }));
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
    const { distance, view } = this.#look(embeddings, count);
    const nearest = this.#leaning;
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

  /**
   * The best of the enrolled grades, whatever the distance: for measuring, where strangers are set apart. A rule that
   * leans to none says the one that covers, else the worst.
   */
  choose(embeddings: Float32Array, count: number): string {
    this.#look(embeddings, count);
    const { grade } = this.#leaning;
    const said = this.#rule.name === "cover" ? Math.min(this.#covered(0), this.#names.length - 1) : grade;
    return this.#names[said]!;
  }

  /**
   * What the decision about an item hangs on, for people who ask why.
   *
   * @param embeddings (count, dimension) row-major, unit rows
   * @param count 1 or more
   */
  reasons(embeddings: Float32Array, count: number): Reasons {
    const decision = this.grade(embeddings, count);
    const { grade, second, lead } = this.#leaning;
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
    const { distance } = this.#look(embeddings, count);
    return Math.max(distance[last]! / this.#thresholds.limit[last]!, this.#kinShare(count));
  }

  /** Computes an item's descriptor, its cover and the grade that the rule prefers. */
  #look(embeddings: Float32Array, count: number): Cover {
    const { dimension } = this.#references;
    if (count < 1 || embeddings.length < count * dimension) {
      throw new GradelineError("EMBEDDING_SHAPE", `${embeddings.length} values for ${count} views of ${dimension}`);
    }
    if (count > this.#space.capacity) this.#space = new CoverSpace(this.#names.length, count * 2);
    describeItem(embeddings, count, this.#descriptor);
    const cover = coverItem(embeddings, count, this.#references, NO_ITEM, this.#space);
    this.#seen.embeddings = embeddings;
    this.#seen.views = count;
    this.#rule.lean(this.#seen, this.#leaning);
    return cover;
  }

  /** For a rule that asks each view. */
  #nearest(): Float64Array {
    const { nearest } = this.#space;
    const { embeddings, views } = this.#seen;
    nearestByGrade(embeddings, views, this.#references, NO_ITEM, nearest);
    return nearest;
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
    return noveltyDistance(this.#descriptor32, count, this.#novelty, NO_ITEM) / this.#novelty.limit;
  }
}
