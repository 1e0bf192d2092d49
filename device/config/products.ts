import { z } from "zod";
import { nameSchema } from "./names.ts";

/** From inclusive, to exclusive; open where absent. */
const rangeSchema = z
  .strictObject({ from: z.number().optional(), to: z.number().optional() })
  .refine(({ from = -Infinity, to = Infinity }) => from < to, "`from` must be smaller than `to`");

const outcomeNames = ["graded", "unknown", "unsure", "foreign", "empty", "no-image"] as const;

const ruleSchema = z.strictObject({
  outcome: z.array(z.enum(outcomeNames)).min(1).optional().describe("any where absent"),
  grade: z.array(z.string().min(1).max(40)).min(1).max(50).optional().describe("any, also none, where absent"),
  sizeMm: rangeSchema.optional().describe("from inclusive, to exclusive; what has no size fits no range"),
  faultShare: rangeSchema.optional().describe("likewise, 0..1"),
  product: nameSchema.describe("what such fruit are sold as"),
  outlet: nameSchema.describe("where they leave the line"),
});

const outletSchema = z.strictObject({
  id: nameSchema,
  gateMm: z.number().min(0).describe("as `gateMm` of a lane: from the frame's exit edge to this outlet"),
});

export const productsSchema = z
  .strictObject({
    outlets: z.array(outletSchema).max(100).default([]),
    rules: z.array(ruleSchema).max(100).default([]).describe("the first that fits wins"),
  })
  .prefault({})
  .describe("which fruit is which product and leaves where; a grade is its own product where there are no rules");

export type ProductsConfig = z.output<typeof productsSchema>;
export type ProductRule = ProductsConfig["rules"][number];

/** What a rule looks at. */
export interface Fruit {
  readonly outcome: ProductRule extends { outcome?: (infer O)[] | undefined } ? O : never;
  readonly grade: string | null;
  readonly sizeMm: number | null;
  readonly faultShare?: number | undefined;
}

export function fits(rule: ProductRule, { outcome, grade, sizeMm, faultShare }: Fruit): boolean {
  return (
    (rule.outcome === undefined || rule.outcome.includes(outcome)) &&
    (rule.grade === undefined || (grade !== null && rule.grade.includes(grade))) &&
    within(rule.sizeMm, sizeMm ?? undefined) &&
    within(rule.faultShare, faultShare)
  );
}

function within(range: ProductRule["sizeMm"], value: number | undefined): boolean {
  if (range === undefined) return true;
  return value !== undefined && value >= (range.from ?? -Infinity) && value < (range.to ?? Infinity);
}

/** What is wrong with a map: fruit that no rule fits, rules that are never reached, outlets that are not there. */
export function productFaults({ outlets, rules }: ProductsConfig): { path: (string | number)[]; text: string }[] {
  const faults: { path: (string | number)[]; text: string }[] = [];
  outlets.forEach(({ id }, index) => {
    if (outlets.findIndex((each) => each.id === id) < index) {
      faults.push({ path: ["products", "outlets", index, "id"], text: `found ${id} a second time` });
    }
  });
  rules.forEach(({ outlet }, index) => {
    if (outlets.some(({ id }) => id === outlet)) return;
    const known = outlets.map(({ id }) => id).join(", ") || "none is given";
    faults.push({ path: ["products", "rules", index, "outlet"], text: `found ${outlet}, wanted one of: ${known}` });
  });
  if (rules.length === 0) return faults;
  const reached = new Set<number>();
  let gap: Fruit | undefined;
  for (const fruit of everyKind(rules)) {
    const first = rules.findIndex((rule) => fits(rule, fruit));
    if (first < 0) gap ??= fruit;
    else reached.add(first);
  }
  rules.forEach((_, index) => {
    if (!reached.has(index)) {
      faults.push({ path: ["products", "rules", index], text: "never reached: rules above it fit all of its fruit" });
    }
  });
  if (gap !== undefined) {
    faults.push({ path: ["products", "rules"], text: `no rule fits ${inWords(gap)}; end with a rule for the rest` });
  }
  return faults;
}

/** One fruit of every kind that the rules tell apart. */
function* everyKind(rules: readonly ProductRule[]): Generator<Fruit> {
  const grades = [...new Set(rules.flatMap(({ grade }) => grade ?? [])), OTHER];
  const sizes = valuesOf(rules.map(({ sizeMm }) => sizeMm));
  const shares = valuesOf(rules.map(({ faultShare }) => faultShare)).map((share) => share ?? undefined);
  for (const outcome of outcomeNames) {
    for (const grade of outcome === "graded" ? grades : [null]) {
      for (const sizeMm of sizes) {
        for (const faultShare of shares) yield { outcome, grade, sizeMm, faultShare };
      }
    }
  }
}

const OTHER = "any other grade";

/** One value between every two bounds, and none. */
function valuesOf(ranges: readonly ProductRule["sizeMm"][]): (number | null)[] {
  const bounds = [...new Set(ranges.flatMap((range) => [range?.from ?? [], range?.to ?? []].flat()))];
  bounds.sort((a, b) => a - b);
  if (bounds.length === 0) return [null];
  return [null, bounds[0]! - 1, ...bounds];
}

function inWords({ outcome, grade, sizeMm, faultShare }: Fruit): string {
  const what = grade === null ? outcome : `grade ${grade}`;
  const share = faultShare === undefined ? "" : `, fault share ${faultShare}`;
  return `${what} ${sizeMm === null ? "without a size" : `of ${sizeMm} mm`}${share}`;
}
