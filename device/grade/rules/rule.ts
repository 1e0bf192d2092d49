/** Rules by which an item's views say which grade it is most like; the first is the usual one. */
export const RULES = ["prototypes", "mean", "majority", "worst-view", "cover"] as const;
export type RuleName = (typeof RULES)[number];

/** What a rule makes of an item; written again for the next. */
export interface Leaning {
  /** The grade it is most like, 0 the best. */
  grade: number;
  /** The one it is most like after that; -1 where there is no other, or the rule knows none. */
  second: number;
  /** How much more like the first, 0..1; 1 where the rule knows none. */
  lead: number;
}

/** What is known of an item when a rule is asked. */
export interface ItemSeen {
  /** (dimension) unit mean of its views. */
  readonly descriptor: Float64Array;
  /** (views, dimension) row-major, unit rows; there may be more behind them. */
  readonly embeddings: Float32Array;
  readonly views: number;
  /** (views, grades) distance of each view to the nearest reference of each grade, 0..2 or Infinity; looked up when asked. */
  nearest(): Float64Array;
}

/**
 * Says where to begin: the verdict is the best grade from there on that covers the item. Rules differ in what a single
 * odd view can do, and in how much they need to have seen.
 */
export interface ItemRule {
  readonly name: RuleName;
  /** Allocates nothing. */
  lean(item: ItemSeen, out: Leaning): void;
}

export function isRule(name: string): name is RuleName {
  return (RULES as readonly string[]).includes(name);
}

/**
 * The two least of some distances.
 *
 * @param distances (grades) 0 or more; Infinity or NaN for a grade that cannot be
 */
export function leanToLeast(distances: Float64Array, out: Leaning): void {
  let grade = 0;
  for (let g = 1; g < distances.length; g++) if (distances[g]! < distances[grade]!) grade = g;
  let second = -1;
  for (let g = 0; g < distances.length; g++) {
    if (g !== grade && (second < 0 || distances[g]! < distances[second]!)) second = g;
  }
  const sum = second < 0 ? Number.POSITIVE_INFINITY : distances[grade]! + distances[second]!;
  out.grade = grade;
  out.second = second;
  out.lead = Number.isFinite(sum) && sum > 0 ? (distances[second]! - distances[grade]!) / sum : 1;
}
