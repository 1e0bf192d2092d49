import { GradelineError } from "../base/errors.ts";
import { type Fruit, fits, type ProductsConfig } from "../config/products.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { Reason } from "../contract/reasons.ts";
import type { Handlers } from "../contract/verbs.ts";

export type OutletState = "open" | "full" | "stopped";

/** Where a fruit leaves the line, and as what. */
export interface Leaving {
  readonly product: string;
  /** Undefined where every outlet that it may go to is closed: it runs to the end of the line. */
  readonly outlet: string | undefined;
  /** By how much later than at the lane's own gate, microseconds. */
  readonly laterUs: number;
}

/** Which fruit is which product and leaves where; reads the configuration anew for each fruit, so that a change holds. */
export class ProductMap {
  readonly #config: { readonly products: ProductsConfig };
  readonly #closed = new Map<string, Exclude<OutletState, "open">>();

  constructor(config: { readonly products: ProductsConfig }) {
    this.#config = config;
  }

  /** @returns undefined where there is no map: a grade is its own product */
  leaving(fruit: Fruit, { gateMm, conveyor }: Pick<LaneConfig, "gateMm" | "conveyor">): Leaving | undefined {
    const { rules, outlets } = this.#config.products;
    const fitting = rules.filter((rule) => fits(rule, fruit));
    const first = fitting[0];
    if (first === undefined) return undefined;
    // A full outlet sends its fruit to the next rule.
    const rule = fitting.find(({ outlet }) => !this.#closed.has(outlet));
    if (rule === undefined) return { product: first.product, outlet: undefined, laterUs: 0 };
    const { gateMm: outletMm } = outlets.find(({ id }) => id === rule.outlet)!;
    const laterUs = Math.round(((outletMm - gateMm) / conveyor.speedMmPerS) * 1e6);
    return { product: rule.product, outlet: rule.outlet, laterUs };
  }

  get outlets(): { outlet: string; state: OutletState }[] {
    return this.#config.products.outlets.map(({ id }) => ({ outlet: id, state: this.#closed.get(id) ?? "open" }));
  }

  /** @throws {GradelineError} REQUEST for an outlet that is not there */
  set(outlet: string, state: OutletState): void {
    const known = this.#config.products.outlets.map(({ id }) => id);
    if (!known.includes(outlet)) {
      const names = known.join(", ") || "none is configured";
      throw new GradelineError("REQUEST", `there is no outlet ${JSON.stringify(outlet)}, wanted one of: ${names}`);
    }
    if (state === "open") this.#closed.delete(outlet);
    else this.#closed.set(outlet, state);
  }

  *reasons(): Iterable<Reason> {
    const closed = this.outlets.filter(({ state }) => state !== "open");
    if (closed.length === 0) return;
    const words = closed.map(({ outlet, state }) => `outlet ${outlet} is ${state}`);
    yield { code: "outlet-closed", message: words.join(", ") };
  }
}

/** Answers the request by which outlets are closed and opened. */
export function outletHandlers(products: ProductMap): Pick<Handlers, "outlet"> {
  return {
    outlet: async ({ outlet, state }) => {
      if ((outlet === undefined) !== (state === undefined)) {
        throw new GradelineError("REQUEST", "found one of outlet and state, wanted both or none");
      }
      if (outlet !== undefined && state !== undefined) products.set(outlet, state);
      return { outlets: products.outlets };
    },
  };
}
