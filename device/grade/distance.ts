import type { ReferenceViews } from "./references.ts";

/** Views that are compared in one pass over the references: what is read of a reference serves all of them. */
export const PASS = 4;

/** No item is left out. */
export const NO_ITEM = 0xffffffff;

/**
 * Distance from each view of an item to the nearest reference view of each grade, {@link PASS} views in one pass.
 *
 * @param embeddings (count, dimension) row-major, unit rows
 * @param count 1 or more
 * @param references unit rows
 * @param leaveOut item whose views do not count, or NO_ITEM
 * @param pass work space of PASS * dimension values
 * @param out (count, grades) Euclidean distances 0..2, written in place; Infinity where a grade has no view
 * @see Hadsell, Chopra, LeCun 2006, eq. 1 (the distance between embeddings)
 */
export function nearestByGrade(
  embeddings: Float32Array,
  count: number,
  references: ReferenceViews,
  leaveOut: number,
  pass: Float64Array,
  out: Float64Array,
): void {
  const { dimension, grades } = references;
  const last = count * grades;
  out.fill(-2, 0, last);
  for (let from = 0; from < count; from += PASS) {
    const views = Math.min(PASS, count - from);
    // Side by side, so that the loop below walks through both arrays; views that are missing are compared as zeros.
    pass.fill(0);
    for (let v = 0; v < views; v++) {
      for (let i = 0; i < dimension; i++) pass[i * PASS + v] = embeddings[(from + v) * dimension + i]!;
    }
    comparePass(pass, views, references, leaveOut, out, from * grades);
  }
  // Between unit vectors |x - y|² = 2 - 2 x·y.
  for (let at = 0; at < last; at++) {
    const dot = out[at]!;
    out[at] = dot === -2 ? Number.POSITIVE_INFINITY : Math.sqrt(Math.max(0, 2 - 2 * dot));
  }
}

/**
 * Two references against four views at a time: eight sums that wait for none of each other, and each number that is
 * read serves several of them.
 */
function comparePass(
  pass: Float64Array,
  views: number,
  { rows, count, dimension, itemOf, gradeOf, grades }: ReferenceViews,
  leaveOut: number,
  out: Float64Array,
  outFrom: number,
): void {
  const second = outFrom + grades;
  const third = second + grades;
  const fourth = third + grades;
  for (let r = 0; r < count; r += 2) {
    // The last of an odd number is compared twice, which changes no maximum.
    const other = Math.min(r + 1, count - 1);
    let at = r * dimension;
    let otherAt = other * dimension;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let otherA = 0;
    let otherB = 0;
    let otherC = 0;
    let otherD = 0;
    for (let q = 0; q < pass.length; q += PASS) {
      const x = rows[at++]!;
      const y = rows[otherAt++]!;
      const first = pass[q]!;
      const two = pass[q + 1]!;
      const three = pass[q + 2]!;
      const four = pass[q + 3]!;
      a += first * x;
      b += two * x;
      c += three * x;
      d += four * x;
      otherA += first * y;
      otherB += two * y;
      otherC += three * y;
      otherD += four * y;
    }
    if (itemOf[r] !== leaveOut) {
      const grade = gradeOf[r]!;
      if (a > out[outFrom + grade]!) out[outFrom + grade] = a;
      if (views > 1 && b > out[second + grade]!) out[second + grade] = b;
      if (views > 2 && c > out[third + grade]!) out[third + grade] = c;
      if (views > 3 && d > out[fourth + grade]!) out[fourth + grade] = d;
    }
    if (itemOf[other] !== leaveOut) {
      const grade = gradeOf[other]!;
      if (otherA > out[outFrom + grade]!) out[outFrom + grade] = otherA;
      if (views > 1 && otherB > out[second + grade]!) out[second + grade] = otherB;
      if (views > 2 && otherC > out[third + grade]!) out[third + grade] = otherC;
      if (views > 3 && otherD > out[fourth + grade]!) out[fourth + grade] = otherD;
    }
  }
}
