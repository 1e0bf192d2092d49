import type { Prototypes } from "../prototypes.ts";
import type { ReferenceViews } from "../references.ts";
import { MeanRule } from "./mean-rule.ts";
import { PrototypeRule } from "./prototype-rule.ts";
import type { ItemRule, RuleName } from "./rule.ts";
import { CoverRule, MajorityRule, WorstViewRule } from "./view-rules.ts";

/** The rule of a name over a gallery's references. */
export function makeRule(name: RuleName, references: ReferenceViews, prototypes: Prototypes): ItemRule {
  switch (name) {
    case "prototypes":
      return new PrototypeRule(prototypes);
    case "mean":
      return new MeanRule(references);
    case "majority":
      return new MajorityRule(references.grades);
    case "worst-view":
      return new WorstViewRule(references.grades);
    case "cover":
      return new CoverRule();
  }
}
