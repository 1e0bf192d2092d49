import type { Config } from "../../device/config/schema.ts";
import { addFigures, BUCKET_US, type Figures, noFigures } from "../../device/lots/figures.ts";
import type { Span } from "../../device/lots/figures-store.ts";
import { dayOf, shiftOf } from "../../device/lots/shifts.ts";

export type By = "lot" | "shift" | "day" | "lane";

const LEAST_HOURS = 1 / 12;

/** Adds spans up by lot, shift, day or lane, in the order of their first fruit. */
export function groups(spans: readonly Span[], by: By, { lots }: Pick<Config, "lots">): Map<string, Figures> {
  const found = new Map<string, Figures>();
  for (const span of spans) {
    const name = nameOf(span, by, lots.shifts);
    const figures = found.get(name) ?? noFigures();
    found.set(name, figures);
    addFigures(figures, span.figures);
  }
  return found;
}

function nameOf({ lot, lane, bucket }: Span, by: By, shifts: Config["lots"]["shifts"]): string {
  if (by === "lot") return lot;
  if (by === "lane") return lane;
  const us = bucket * BUCKET_US;
  return by === "day" ? dayOf(us) : shiftOf(us, shifts);
}

/** Fruit an hour between the first and the last; null where that says nothing. */
export function perHour(fruit: number, { firstUs, lastUs }: Figures): number | null {
  const hours = (lastUs - firstUs) / 3.6e9;
  return fruit < 2 || hours < LEAST_HOURS ? null : Math.round(fruit / hours);
}
