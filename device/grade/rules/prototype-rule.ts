import { type Prototypes, prototypeDistances } from "../prototypes.ts";
import { type ItemRule, type ItemSeen, type Leaning, leanToLeast } from "./rule.ts";

/** The nearest prototype, where what varies little within grades counts for much. */
export class PrototypeRule implements ItemRule {
  readonly name = "prototypes";
  readonly #prototypes: Prototypes;
  readonly #distances: Float64Array;

  constructor(prototypes: Prototypes) {
    this.#prototypes = prototypes;
    this.#distances = new Float64Array(prototypes.grades);
  }

  lean({ descriptor }: ItemSeen, out: Leaning): void {
    prototypeDistances(descriptor, this.#prototypes, this.#distances);
    leanToLeast(this.#distances, out);
  }
}
