import { randomFrom } from "../../calibrate/evaluate/random.ts";

/** The same numbers for the same seed, 0..1. */
export const seededRandom = randomFrom;

/** Normal deviates (Box, Muller 1958). */
export function seededNormal(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
