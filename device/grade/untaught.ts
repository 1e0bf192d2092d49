import type { Decision } from "./verdict.ts";

/** Decides items by something that was taught. */
export interface ItemGrader {
  /**
   * @param embeddings (count, dimension) row-major, unit rows
   * @param count 1 or more
   */
  grade(embeddings: Float32Array, count: number): Decision;
}

const UNKNOWN: Decision = { outcome: "unknown", grade: null, margin: null, grades: [] };

/** Where nothing is enrolled nothing is known. */
export const UNTAUGHT: ItemGrader = { grade: () => UNKNOWN };
