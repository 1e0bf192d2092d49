import type { Config } from "../../device/config/schema.ts";
import { type Figures, fruitOf } from "../../device/lots/figures.ts";
import { tolerancesOf } from "../evaluate/tolerance.ts";

/** A limit that a lot is held against. */
export interface Held {
  /** Whose limit it is, and for what. */
  readonly rule: string;
  /** Sold as this grade; null where the limit is not about one. */
  readonly soldAs: string | null;
  /** Share of the lot's fruit that do not fit, 0..1. */
  readonly share: number;
  readonly limit: number;
  readonly within: boolean;
}

/** USDA, United States Standards for Grades of Apples, tolerances: not more than 10 % of a lot. */
const USDA = 0.1;

/** Where the limits come from, in words. */
export const SOURCES = [
  "UNECE FFV-50, apples, section IV A, by number: Extra 5 %, Class I 10 %, Class II 10 % of fruit that do not satisfy their class.",
  "USDA, United States Standards for Grades of Apples, tolerances (7 CFR 51.306, in earlier editions 51.310): not more than 10 % of a lot may fail its grade; within it 5 % seriously damaged by insects and 1 % decay or internal breakdown.",
  "Grades do not tell insects and decay apart from other faults: give those grades limits of their own (lots.tolerances).",
] as const;

/**
 * What would be said of the lot if it were sold as it came, without what the line takes out: fruit of a worse grade,
 * and such without one, do not satisfy the grade that it is sold as.
 *
 * @param grades best first
 */
export function holdLot(figures: Figures, grades: readonly string[], own: Config["lots"]["tolerances"]): Held[] {
  const fruit = fruitOf(figures);
  if (fruit === 0) return [];
  const held: Held[] = [];
  const hold = (rule: string, soldAs: string | null, bad: number, limit: number): void => {
    const share = bad / fruit;
    held.push({ rule, soldAs, share, limit, within: share <= limit });
  };
  let good = 0;
  for (const { grade, class: name, tolerance } of tolerancesOf(grades)) {
    good += figures.grades.get(grade) ?? 0;
    if (name === null || tolerance === null) continue;
    hold(`UNECE FFV-50, ${name}`, grade, fruit - good, tolerance);
    hold("USDA, any grade", grade, fruit - good, USDA);
  }
  for (const { name, grades: limited, percent } of own) {
    const bad = limited.reduce((sum, grade) => sum + (figures.grades.get(grade) ?? 0), 0);
    hold(`${name}: ${limited.join(", ")}`, null, bad, percent / 100);
  }
  return held;
}
