/**
 * Items of a grade by which a share of good fruit can be told at all: a p-value cannot fall under 1 / (n + 1). Good
 * fruit may fail either of two tests, each of which gets half of the share.
 *
 * @param alpha share of good fruit that may be called unknown, 0..1
 * @see Vovk, Gammerman, Shafer 2005, "Algorithmic learning in a random world", 2.2
 */
export function itemsNeeded(alpha: number): number {
  // Rounding of 2 / alpha must not ask for one item more.
  return Math.ceil(2 / alpha - 1e-9) - 1;
}
