import type { GraderFit } from "../fit.ts";
import { MeanRule } from "./mean-rule.ts";
import { PrototypeRule } from "./prototype-rule.ts";
import type { ItemRule } from "./rule.ts";
import { CoverRule, MajorityRule, WorstViewRule } from "./view-rules.ts";

/** The rule that a gallery is judged by. */
export function makeRule({ rule, references, lens, prototypes }: GraderFit): ItemRule {
  switch (rule) {
    case "prototypes":
      return new PrototypeRule(lens, prototypes);
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
