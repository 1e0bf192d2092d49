import { z } from "zod";
import type { Micros } from "../base/time.ts";
import type { Verdict } from "../contract/messages.ts";

/** Width of a class of the size histogram, millimetres: that of the market's size classes. */
export const SIZE_CLASS_MM = 5;
/** Span of time that is counted by itself: every shift and every zone's day begins at one. */
export const BUCKET_US = 15 * 60 * 1e6;

/** What passed: counts that can be added up, over any time, lanes and lots. */
export interface Figures {
  /** Verdicts, empty cups included. */
  items: number;
  late: number;
  readonly outcomes: Map<string, number>;
  /** Graded fruit by grade. */
  readonly grades: Map<string, number>;
  readonly products: Map<string, number>;
  /** Fruit by grade, or outcome where it has none, and lower bound of its size class in millimetres. */
  readonly sizes: Map<string, Map<number, number>>;
  /** Seconds for which nothing could be graded, by the code of the reason. */
  readonly downtime: Map<string, number>;
  /** Wall time of the first and the last decision; 0 where there was none. */
  firstUs: Micros;
  lastUs: Micros;
}

export function noFigures(): Figures {
  return {
    items: 0,
    late: 0,
    outcomes: new Map(),
    grades: new Map(),
    products: new Map(),
    sizes: new Map(),
    downtime: new Map(),
    firstUs: 0,
    lastUs: 0,
  };
}

/** What of a verdict is counted. */
export type Counted = Pick<Verdict, "outcome" | "grade" | "sizeMm" | "late" | "product">;

/** @param atUs wall time of its decision */
export function addVerdict(figures: Figures, { outcome, grade, sizeMm, late, product }: Counted, atUs: Micros): void {
  figures.items++;
  if (late) figures.late++;
  bump(figures.outcomes, outcome, 1);
  if (grade !== null) bump(figures.grades, grade, 1);
  if (product !== undefined) bump(figures.products, product, 1);
  if (sizeMm !== null) {
    const name = grade ?? outcome;
    const sizes = figures.sizes.get(name) ?? new Map<number, number>();
    figures.sizes.set(name, sizes);
    bump(sizes, Math.floor(sizeMm / SIZE_CLASS_MM) * SIZE_CLASS_MM, 1);
  }
  span(figures, atUs, atUs);
}

/** Adds `other` to `figures`. */
export function addFigures(figures: Figures, other: Figures): void {
  figures.items += other.items;
  figures.late += other.late;
  for (const key of ["outcomes", "grades", "products", "downtime"] as const) {
    for (const [name, count] of other[key]) bump(figures[key], name, count);
  }
  for (const [name, sizes] of other.sizes) {
    const into = figures.sizes.get(name) ?? new Map<number, number>();
    figures.sizes.set(name, into);
    for (const [mm, count] of sizes) bump(into, mm, count);
  }
  if (other.lastUs > 0) span(figures, other.firstUs, other.lastUs);
}

/** Fruit, with and without a grade: cups that were empty are none. */
export function fruitOf({ items, outcomes }: Figures): number {
  return items - (outcomes.get("empty") ?? 0);
}

export function bump<K>(counts: Map<K, number>, name: K, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function span(figures: Figures, first: Micros, last: Micros): void {
  figures.firstUs = figures.firstUs === 0 ? first : Math.min(figures.firstUs, first);
  figures.lastUs = Math.max(figures.lastUs, last);
}

/** Names are other people's words: lists of pairs, no keys. */
const counts = z.array(z.tuple([z.string(), z.number()]));
const bodySchema = z.strictObject({
  n: z.number(),
  l: z.number(),
  o: counts,
  g: counts,
  p: counts,
  s: z.array(z.tuple([z.string(), z.array(z.tuple([z.number(), z.number()]))])),
  d: counts,
  a: z.number(),
  z: z.number(),
});

/** As it is stored, short. */
export function figuresText({ items, late, outcomes, grades, products, sizes, downtime, ...times }: Figures): string {
  return JSON.stringify({
    n: items,
    l: late,
    o: [...outcomes],
    g: [...grades],
    p: [...products],
    s: [...sizes].map(([name, classes]) => [name, [...classes]]),
    d: [...downtime],
    a: times.firstUs,
    z: times.lastUs,
  } satisfies z.input<typeof bodySchema>);
}

/** @throws where it is no text of {@link figuresText} */
export function parseFigures(text: string): Figures {
  const { n, l, o, g, p, s, d, a, z: last } = bodySchema.parse(JSON.parse(text));
  return {
    items: n,
    late: l,
    outcomes: new Map(o),
    grades: new Map(g),
    products: new Map(p),
    sizes: new Map(s.map(([name, classes]) => [name, new Map(classes)])),
    downtime: new Map(d),
    firstUs: a,
    lastUs: last,
  };
}
