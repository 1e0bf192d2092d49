/** What can be wrong with references. */
export const FINDING_KINDS = [
  "same-fruit",
  "duplicate",
  "mislabelled",
  "alike-grades",
  "few-items",
  "blurred",
  "cut-off",
  "exposure",
  "one-sided",
  "cameras",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export const TITLES: Record<FindingKind, string> = {
  "same-fruit": "One fruit, two grades",
  duplicate: "Enrolled twice",
  mislabelled: "Likely mislabelled",
  "alike-grades": "Grades that lie together",
  "few-items": "Too few items",
  blurred: "Blurred",
  "cut-off": "Cut off",
  exposure: "Badly exposed",
  "one-sided": "One side only",
  cameras: "Cameras that differ",
};

/** One thing to look at. */
export interface Finding {
  readonly kind: FindingKind;
  /** A problem spoils verdicts; advice would make them better. */
  readonly severity: "problem" | "advice";
  /** The grade it is about; of a pair the better one. */
  readonly grade: string;
  /** The worse one, where it is about two whole grades. */
  readonly other?: string;
  /** References that show it, by their ids. */
  readonly items: readonly string[];
  /** The view of each of them that shows it best. */
  readonly views: readonly number[];
  /** What was found, with figures. */
  readonly found: string;
  /** What to do about it. */
  readonly advice: string;
}

/** Grades that a finding is about as a whole; none where it is about its items. */
export function aboutGrades({ kind, grade, other }: Finding): readonly string[] {
  if (kind !== "few-items" && kind !== "alike-grades") return [];
  return other === undefined ? [grade] : [grade, other];
}

/** Problems first, then by kind. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const rank = ({ kind, severity }: Finding): number =>
    (severity === "problem" ? 0 : FINDING_KINDS.length) + FINDING_KINDS.indexOf(kind);
  return [...findings].sort((a, b) => rank(a) - rank(b));
}
