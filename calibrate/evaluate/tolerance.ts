/*
 * How much of a grade may be out of its class. UNECE FFV-50 (apples), section IV A, by number or weight: Extra 5 %,
 * Class I 10 %, Class II 10 %.
 */

export interface GradeTolerance {
  readonly grade: string;
  /** Whose tolerance it is: a class of the standard, or `own` where the gallery gives one; null where none applies. */
  readonly class: "Extra" | "Class I" | "Class II" | "own" | null;
  /** Share by number, 0..1; null where none applies. */
  readonly tolerance: number | null;
}

const CLASSES = [
  { class: "Extra", tolerance: 0.05, names: ["extra", "premium", "aa"] },
  {
    class: "Class I",
    tolerance: 0.1,
    names: ["sound", "fresh", "good", "healthy", "ok", "a", "class1", "class-1", "class 1", "first", "i"],
  },
  { class: "Class II", tolerance: 0.1, names: ["second", "mid", "b", "class2", "class-2", "class 2", "ii"] },
] as const;
/** What nobody sells as a class. */
const NO_CLASS = [
  ["third", "industry", "juice", "c", "class3", "class-3", "class 3", "iii"],
  ["reject", "rotten", "late", "bad", "waste", "cull"],
].flat();

/**
 * The tolerance of each grade: the grade's own where it has one, else of the class that its usual name stands for, else
 * of the class at its place in the order. The worst of several grades takes what is left over and has none.
 *
 * @param grades best first
 * @param own of the gallery, by grade, 0..1
 */
export function tolerancesOf(
  grades: readonly string[],
  own: ReadonlyMap<string, number> = new Map(),
): GradeTolerance[] {
  return grades.map((grade, rank) => {
    const given = own.get(grade);
    if (given !== undefined) return { grade, class: "own", tolerance: given };
    const name = grade.toLowerCase();
    const named = CLASSES.find(({ names }) => (names as readonly string[]).includes(name));
    if (named !== undefined) return { grade, class: named.class, tolerance: named.tolerance };
    const placed = CLASSES[rank];
    const last = grades.length > 1 && rank === grades.length - 1;
    if (placed === undefined || last || NO_CLASS.includes(name)) return { grade, class: null, tolerance: null };
    return { grade, class: placed.class, tolerance: placed.tolerance };
  });
}
