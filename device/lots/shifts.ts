/** When a shift begins, local time, `HH:MM`. */
export interface Shift {
  readonly name: string;
  readonly from: string;
}

/** The local day, `2026-11-23`. */
export function dayOf(us: number): string {
  const at = new Date(us / 1000);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/**
 * The shift that a moment lies in, with the day on which it began: `2026-11-23 night` still after midnight.
 *
 * @param shifts in any order; the whole day is one where there is none
 */
export function shiftOf(us: number, shifts: readonly Shift[]): string {
  if (shifts.length === 0) return dayOf(us);
  const sorted = shifts.toSorted((a, b) => (a.from < b.from ? -1 : 1));
  const at = new Date(us / 1000);
  const time = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
  const begun = sorted.findLast(({ from }) => from <= time);
  if (begun !== undefined) return `${dayOf(us)} ${begun.name}`;
  const before = new Date(at.getFullYear(), at.getMonth(), at.getDate() - 1);
  return `${dayOf(before.getTime() * 1000)} ${sorted.at(-1)!.name}`;
}
