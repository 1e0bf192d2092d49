import { setImmediate } from "node:timers/promises";
import { GradelineError } from "../../device/base/errors.ts";
import type { Model } from "../../device/embed/embedder.ts";
import { emptyGallery, type Gallery, orderGrades, type Reference, withReferences } from "../../device/grade/gallery.ts";
import { Grader } from "../../device/grade/grader.ts";
import { NO_ITEM } from "../../device/grade/search/distance.ts";
import { UNKNOWN } from "../pictures/images.ts";
import { BaseLine, type ColourItem, withColours } from "./base-line.ts";
import type { EmbeddedItem } from "./items.ts";
import { type Judgement, judge } from "./judge.ts";
import { randomFrom, shuffled } from "./random.ts";

/** How items were judged, and what was made of them. */
export interface Judged {
  readonly method: "leave-one-item-out" | "gallery" | "shots";
  /** Best first. */
  readonly grades: readonly string[];
  /** Each judges by another set of references; one where items are judged once. */
  readonly draws: readonly (readonly Judgement[])[];
  /** All that there were, also those that were drawn for references every time. */
  readonly items: readonly EmbeddedItem[];
  /** Parts of the items that were left out together; null where it was one item at a time. */
  readonly folds: number | null;
}

export interface JudgeOptions {
  readonly model: Model;
  /** Grades best to worst; names that are absent follow by the usual order. */
  readonly order: readonly string[];
  /** Share of good fruit that may be called unknown, 0..1; undefined: the usual one. */
  readonly alpha: number | undefined;
  /** Items of one name are the same fruit, at other times under other grades: none of them judges another. */
  readonly sameFruit: boolean;
  readonly onDone?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/** Multiplications that leaving items out may cost, some minutes of one core. */
const MOST_WORK = 4e11;
/** Fewer sets of references than this would leave out too many at once. */
const LEAST_FOLDS = 20;
/** Items that thresholds are fitted on, at most. */
const FITTED_ITEMS = 400;

/**
 * Each item judged by all others. Where there are thousands, each by all but a small part of them that it is in, so that
 * it takes minutes, not days.
 *
 * @throws {GradelineError} SOURCE_EMPTY when no other is left
 */
export async function leaveOneOut(items: readonly EmbeddedItem[], options: JudgeOptions): Promise<Judged> {
  const known = items.filter(({ grade }) => grade !== UNKNOWN);
  if (known.length < 2) throw tooFew(`grades with ${known.length} items in all`);
  const grades = gradesOf(known, options.order);
  const fruit = options.sameFruit ? [...Map.groupBy(known, ({ name }) => name).values()] : known.map((item) => [item]);
  const folds = foldsFor(known, fruit.length, options.model.dimension);
  const alone = folds === known.length;
  const all = baseLineOf(known, grades);
  const judgements: Judgement[] = [];
  // Neighbours in the list are often of one grade: dealt out, each part has something of all.
  for (let fold = 0; fold < folds; fold++) {
    await breathe(options, fold, folds);
    const left = new Set(fruit.filter((_, index) => index % folds === fold).flat());
    // Made anew without the items: neither their views nor the thresholds know of them.
    const others = known.filter((item) => !left.has(item));
    if (others.length === 0) throw tooFew("one fruit");
    const grader = graderOf(others, grades, options);
    // Colours alone need no fitting: one of all, which passes over the item, will do.
    const baseLine = alone ? all : baseLineOf(others, grades);
    for (const item of left) judgements.push(judge(item, grader, baseLine, alone ? known.indexOf(item) : NO_ITEM));
  }
  const strangers = items.filter(({ grade }) => grade === UNKNOWN);
  if (strangers.length > 0) {
    const grader = graderOf(known, grades, options);
    for (const item of strangers) judgements.push(judge(item, grader, all, NO_ITEM));
  }
  options.onDone?.(folds, folds);
  return {
    method: "leave-one-item-out",
    grades,
    draws: [judgements],
    items,
    folds: folds === fruit.length ? null : folds,
  };
}

/** Each item judged by a gallery that knows none of them. @param colours of the gallery's items, where they are kept */
export async function byGallery(
  items: readonly EmbeddedItem[],
  gallery: Gallery,
  colours: readonly ColourItem[] | undefined,
  options: JudgeOptions,
): Promise<Judged> {
  const grader = Grader.from(gallery, options.alpha);
  const grades = gallery.grades.filter((name) => gallery.references.some(({ grade }) => grade === name));
  const baseLine = colours === undefined ? undefined : new BaseLine(colours, grades);
  const judgements: Judgement[] = [];
  for (const [index, item] of items.entries()) {
    if (index % 50 === 0) await breathe(options, index, items.length);
    judgements.push(judge(item, grader, baseLine, NO_ITEM));
  }
  options.onDone?.(items.length, items.length);
  return { method: "gallery", grades, draws: [judgements], items, folds: null };
}

export interface Shots {
  /** Items enrolled per grade. */
  readonly shots: number;
  readonly repeats: number;
  readonly seed: number;
}

/**
 * `shots` items per grade drawn and enrolled, all others judged; repeated.
 *
 * @throws {GradelineError} SOURCE_EMPTY when there is nothing to draw
 */
export async function byShots(
  items: readonly EmbeddedItem[],
  { shots, repeats, seed }: Shots,
  options: JudgeOptions,
): Promise<Judged> {
  const known = items.filter(({ grade }) => grade !== UNKNOWN);
  const grades = gradesOf(known, options.order);
  const random = randomFrom(seed);
  const draws: Judgement[][] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    await breathe(options, repeat, repeats);
    const enrolled = new Set<EmbeddedItem>();
    for (const grade of grades) {
      const own = known.filter((item) => item.grade === grade);
      // At least one is left to judge.
      for (const item of shuffled(own, random).slice(0, Math.min(shots, own.length - 1))) enrolled.add(item);
    }
    if (enrolled.size === 0) throw tooFew("no grade with two items");
    const names = new Set(options.sameFruit ? [...enrolled].map(({ name }) => name) : []);
    const left = items.filter((item) => !enrolled.has(item) && (item.grade === UNKNOWN || !names.has(item.name)));
    const grader = graderOf([...enrolled], grades, options);
    const baseLine = baseLineOf([...enrolled], grades);
    draws.push(left.map((item) => judge(item, grader, baseLine, NO_ITEM)));
  }
  options.onDone?.(repeats, repeats);
  return { method: "shots", grades, draws, items, folds: null };
}

/** Lets Ctrl-C and the progress bar have their turn. */
async function breathe({ signal, onDone }: JudgeOptions, done: number, of: number): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
  onDone?.(done, of);
}

function gradesOf(items: readonly EmbeddedItem[], order: readonly string[]): string[] {
  return orderGrades(
    items.map(({ grade }) => grade),
    order,
  );
}

/** As many as there are fruit, unless that takes too long: fitting thresholds compares items with all views. */
function foldsFor(items: readonly EmbeddedItem[], fruit: number, dimension: number): number {
  const rows = items.reduce((sum, { views }) => sum + views, 0);
  const perFold = rows * Math.min(1, FITTED_ITEMS / items.length) * rows * dimension;
  return Math.min(fruit, Math.max(LEAST_FOLDS, Math.floor(MOST_WORK / perFold)));
}

function tooFew(found: string): GradelineError {
  return new GradelineError("SOURCE_EMPTY", `found ${found}, wanted items to judge and others to judge them by`, {
    hint: "add items as DIR/GRADE/ITEM/*.jpg, or judge by what is enrolled with --gallery",
  });
}

function baseLineOf(items: readonly EmbeddedItem[], grades: readonly string[]): BaseLine | undefined {
  const colours = withColours(items);
  return colours === undefined ? undefined : new BaseLine(colours, grades);
}

function graderOf(items: readonly EmbeddedItem[], grades: readonly string[], options: JudgeOptions): Grader {
  return Grader.from(galleryOf(items, grades, options.model), options.alpha);
}

function galleryOf(items: readonly EmbeddedItem[], grades: readonly string[], model: Model): Gallery {
  const references: Reference[] = items.map(({ grade, name, views, embeddings }, index) => ({
    id: String(index),
    grade,
    origin: name,
    enrolledAt: "",
    views,
    embeddings,
  }));
  return withReferences({ ...emptyGallery(model), grades: [...grades] }, references);
}
