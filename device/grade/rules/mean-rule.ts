import { describeItems } from "../descriptors.ts";
import type { ReferenceViews } from "../references.ts";
import { type ItemRule, type ItemSeen, type Leaning, leanToLeast } from "./rule.ts";

/**
 * The nearest mean of the grades' items, all components counting alike.
 *
 * @see Snell, Swersky, Zemel 2017, "Prototypical networks for few-shot learning"
 */
export class MeanRule implements ItemRule {
  readonly name = "mean";
  /** (grades, dimension); NaN for a grade without items. */
  readonly #means: Float64Array;
  readonly #distances: Float64Array;

  constructor(references: ReferenceViews) {
    const { grades, dimension, items, itemGrade } = references;
    const { descriptors } = describeItems(references);
    const counts = new Float64Array(grades);
    this.#means = new Float64Array(grades * dimension);
    this.#distances = new Float64Array(grades);
    for (let item = 0; item < items; item++) counts[itemGrade[item]!]!++;
    for (let item = 0; item < items; item++) {
      const grade = itemGrade[item]!;
      for (let d = 0; d < dimension; d++) {
        this.#means[grade * dimension + d]! += descriptors[item * dimension + d]! / counts[grade]!;
      }
    }
    for (let g = 0; g < grades; g++)
      if (counts[g] === 0) this.#means.fill(Number.NaN, g * dimension, (g + 1) * dimension);
  }

  lean({ descriptor }: ItemSeen, out: Leaning): void {
    const dimension = descriptor.length;
    for (let g = 0; g < this.#distances.length; g++) {
      let square = 0;
      for (let d = 0; d < dimension; d++) square += (descriptor[d]! - this.#means[g * dimension + d]!) ** 2;
      this.#distances[g] = Number.isNaN(square) ? Number.POSITIVE_INFINITY : square;
    }
    leanToLeast(this.#distances, out);
  }
}
