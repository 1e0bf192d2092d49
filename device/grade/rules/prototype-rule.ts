import { type Prototypes, prototypeDistances } from "../prototypes.ts";
import { describeTelling, type Lens } from "../telling.ts";
import { type ItemRule, type ItemSeen, type Leaning, leanToLeast } from "./rule.ts";

/** The nearest prototype, where odd views count for more, and for little what varies much within grades. */
export class PrototypeRule implements ItemRule {
  readonly name = "prototypes";
  readonly #lens: Lens;
  readonly #prototypes: Prototypes;
  readonly #descriptor: Float64Array;
  readonly #distances: Float64Array;

  constructor(lens: Lens, prototypes: Prototypes) {
    this.#lens = lens;
    this.#prototypes = prototypes;
    this.#descriptor = new Float64Array(prototypes.dimension);
    this.#distances = new Float64Array(prototypes.grades);
  }

  lean({ embeddings, views }: ItemSeen, out: Leaning): void {
    describeTelling(embeddings, views, this.#lens, this.#descriptor);
    prototypeDistances(this.#descriptor, this.#prototypes, this.#distances);
    leanToLeast(this.#distances, out);
  }
}
