/** Plain figures of classification; counts and shares, no I/O. */

/** confusion[truth][said] = items. */
export type Confusion = Record<string, Record<string, number>>;

export interface Judged {
  readonly truth: string;
  readonly said: string;
}

/** Where a figure lies with a probability of 95 %. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Interval extends Range {
  readonly mean: number;
}

export function confusionOf(judged: Iterable<Judged>): Confusion {
  // Without a prototype: a grade may be called `constructor`.
  const confusion: Confusion = Object.create(null);
  for (const { truth, said } of judged) {
    confusion[truth] ??= Object.create(null) as Confusion[string];
    const row = confusion[truth]!;
    row[said] = (row[said] ?? 0) + 1;
  }
  return confusion;
}

/**
 * Mean over the true classes of the share that was called right.
 *
 * @returns 0..1; NaN where there is nothing
 */
export function balancedAccuracy(confusion: Confusion): number {
  const recalls = Object.entries(confusion).map(([truth, row]) => (row[truth] ?? 0) / total(row));
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

export interface GradeFigures {
  readonly grade: string;
  readonly items: number;
  /** Share of those called so that are so; null where none was called so. */
  readonly precision: number | null;
  /** Share of those that are so that were called so. */
  readonly recall: number;
}

export function perGrade(confusion: Confusion, grades: readonly string[]): GradeFigures[] {
  return grades
    .filter((grade) => confusion[grade] !== undefined)
    .map((grade) => {
      const row = confusion[grade]!;
      const right = row[grade] ?? 0;
      const called = Object.values(confusion).reduce((sum, other) => sum + (other[grade] ?? 0), 0);
      return { grade, items: total(row), precision: called === 0 ? null : right / called, recall: right / total(row) };
    });
}

/**
 * Area under the ROC curve: the chance that a stranger's score is above that of a known one, ties half.
 *
 * @returns 0..1; null where either side is empty
 * @see Hanley, McNeil 1982
 */
export function auroc(strangers: ArrayLike<number>, known: ArrayLike<number>): number | null {
  if (strangers.length === 0 || known.length === 0) return null;
  const sorted = Float64Array.from(known).sort();
  let wins = 0;
  for (let i = 0; i < strangers.length; i++) {
    const below = countBelow(sorted, strangers[i]!, false);
    wins += below + (countBelow(sorted, strangers[i]!, true) - below) / 2;
  }
  return wins / (strangers.length * known.length);
}

/** How many of the values, ascending, are below `value`, or not above it. */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A point of the ROC curve: the shares whose score is above some threshold. */
export interface RocPoint {
  /** Of the strangers, 0..1. */
  readonly found: number;
  /** Of the known ones, 0..1. */
  readonly falseAlarms: number;
}

/**
 * @returns from (0, 0) to (1, 1), at most `most` points between them; empty where either side is empty
 */
export function rocCurve(strangers: readonly number[], known: readonly number[], most = 200): RocPoint[] {
  if (strangers.length === 0 || known.length === 0) return [];
  const [up, across] = [Float64Array.from(strangers).sort(), Float64Array.from(known).sort()];
  const thresholds = [...new Set([...up, ...across])].sort((a, b) => b - a);
  const step = Math.max(1, Math.ceil(thresholds.length / most));
  const points: RocPoint[] = [{ found: 0, falseAlarms: 0 }];
  for (let i = 0; i < thresholds.length; i += step) {
    const share = (sorted: Float64Array): number => 1 - countBelow(sorted, thresholds[i]!, false) / sorted.length;
    points.push({ found: share(up), falseAlarms: share(across) });
  }
  const last = points.at(-1)!;
  if (last.found < 1 || last.falseAlarms < 1) points.push({ found: 1, falseAlarms: 1 });
  return points;
}

/** Mean, and the central 95 % of the values as they fell. */
export function interval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, low: at(0.025), high: at(0.975) };
}

/**
 * 95 % interval of a share, good for few items as well: for 4 of 4 it begins at one half.
 *
 * @param share 0..1
 * @param count of which it is the share, 1 or more; where draws repeat the same items, how many there are
 * @see Wilson 1927
 */
export function wilson(share: number, count: number): Range {
  const z2 = 1.959964 ** 2;
  const centre = share + z2 / (2 * count);
  const half = Math.sqrt(z2 * ((share * (1 - share)) / count + z2 / (4 * count * count)));
  const scale = 1 + z2 / count;
  return {
    // Without the rounding that would leave 4 of 4 a hair under 1.
    low: share === 0 ? 0 : Math.max(0, (centre - half) / scale),
    high: share === 1 ? 1 : Math.min(1, (centre + half) / scale),
  };
}

/**
 * 95 % interval of the mean of shares that were counted independently: each share's own distance to its bounds, squared
 * and added up. Unlike drawing again it does not collapse where every share is 0 or 1.
 *
 * @param shares each of `count` items, one or more
 * @see Zou, Donner 2008 (variance estimates recovered from confidence limits)
 */
export function meanOfShares(shares: readonly { readonly share: number; readonly count: number }[]): Interval {
  const mean = shares.reduce((sum, { share }) => sum + share, 0) / shares.length;
  let [down, up] = [0, 0];
  for (const { share, count } of shares) {
    const { low, high } = wilson(share, count);
    down += (share - low) ** 2;
    up += (high - share) ** 2;
  }
  const low = Math.max(0, mean - Math.sqrt(down) / shares.length);
  return { mean, low, high: Math.min(1, mean + Math.sqrt(up) / shares.length) };
}

/**
 * 95 % interval of a figure by drawing items again with replacement, each class for itself so that none is ever empty.
 *
 * @param classes numbers of items in each class
 * @param figure of items, given as numbers within each class; undefined draws do not count
 * @see Efron, Tibshirani 1993, chapter 13 (percentile interval)
 */
export function bootstrap(
  classes: readonly number[],
  figure: (drawn: readonly Int32Array[]) => number | null,
  random: () => number,
  draws = 1000,
): Range | null {
  const drawn = classes.map((count) => new Int32Array(count));
  const values: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    for (const own of drawn) for (let i = 0; i < own.length; i++) own[i] = Math.floor(random() * own.length);
    const value = figure(drawn);
    if (value !== null && Number.isFinite(value)) values.push(value);
  }
  if (values.length === 0) return null;
  const { low, high } = interval(values);
  return { low, high };
}

function total(row: Record<string, number>): number {
  return Object.values(row).reduce((sum, count) => sum + count, 0);
}
