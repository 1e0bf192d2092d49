/** Plain figures of classification; counts and shares, no I/O. */

/** confusion[truth][said] = items. */
export type Confusion = Record<string, Record<string, number>>;

export interface Judged {
  readonly truth: string;
  readonly said: string;
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
export function auroc(strangers: readonly number[], known: readonly number[]): number | null {
  if (strangers.length === 0 || known.length === 0) return null;
  let wins = 0;
  for (const stranger of strangers) {
    for (const other of known) wins += stranger > other ? 1 : stranger === other ? 0.5 : 0;
  }
  return wins / (strangers.length * known.length);
}

/** Mean, and the central 95 % of the values as they fell. */
export function interval(values: readonly number[]): { mean: number; low: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, low: at(0.025), high: at(0.975) };
}

function total(row: Record<string, number>): number {
  return Object.values(row).reduce((sum, count) => sum + count, 0);
}
