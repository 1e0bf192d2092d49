import { GradelineError } from "../device/base/errors.ts";
import type { Embedder } from "../device/embed/embedder.ts";
import { embedAll } from "../device/enrol.ts";
import { emptyGallery, type Gallery, orderGrades, type Reference, withReferences } from "../device/grade/gallery.ts";
import { Grader } from "../device/grade/grader.ts";
import {
  auroc,
  balancedAccuracy,
  type Confusion,
  confusionOf,
  type GradeFigures,
  interval,
  type Judged,
  perGrade,
} from "./figures.ts";
import { type ItemFiles, readCrops, UNKNOWN } from "./images.ts";

/** An item with the embeddings of its views. */
export interface EmbeddedItem {
  readonly grade: string;
  readonly name: string;
  readonly views: number;
  /** (views, dimension). */
  readonly embeddings: Float32Array;
}

export interface Evaluation {
  readonly items: number;
  readonly views: number;
  /** How the items were judged: each by all others, by a gallery, or by a few drawn at random. */
  readonly method: "leave-one-item-out" | "gallery" | "shots";
  /** Best first, as they were ordered. */
  readonly grades: readonly string[];
  /** Best of the enrolled grades for each item, whatever its distance; mean over the grades. Strangers do not count. */
  readonly itemBalancedAccuracy: number;
  /** The same for each view on its own. */
  readonly viewBalancedAccuracy: number;
  /** Strangers told from items of a grade by their distance; null without strangers. */
  readonly unknownAuroc: number | null;
  /** confusion[truth][best grade], items. */
  readonly confusion: Confusion;
  readonly perGrade: readonly GradeFigures[];
  /** What the daemon would have said: grade, `unknown` or `unsure`. */
  readonly verdicts: {
    readonly confusion: Confusion;
    /** Share of the items that belong to a grade which got their own. */
    readonly right: number;
    /** Share of the items that belong to a grade which were called unknown or unsure. */
    readonly turnedAway: number;
    /** Share of strangers that were called unknown; null without strangers. */
    readonly strangersFound: number | null;
  };
  /** Over the repeats, central 95 %; only with shots. */
  readonly interval?: Readonly<
    Record<"itemBalancedAccuracy" | "viewBalancedAccuracy", { mean: number; low: number; high: number }>
  >;
}

export interface EvaluateOptions {
  /** Grades best to worst; names that are absent follow by the usual order. */
  readonly order: readonly string[];
  readonly onItem?: (done: number) => void;
}

/** Crops and embeds every item. */
export async function embedItems(
  files: readonly ItemFiles[],
  embedder: Embedder,
  onItem: (done: number) => void = () => {},
): Promise<EmbeddedItem[]> {
  const items: EmbeddedItem[] = new Array(files.length);
  let next = 0;
  let done = 0;
  // Reading and decoding run side by side in sharp's own threads; one at a time would leave the session waiting.
  const work = async (): Promise<void> => {
    for (let index = next++; index < files.length; index = next++) {
      const file = files[index]!;
      const crops = await readCrops(file, embedder.model);
      const embeddings = await embedAll(embedder, crops);
      items[index] = { grade: file.grade, name: file.name, views: crops.length, embeddings };
      onItem(++done);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return items;
}

/**
 * Each item judged by all others.
 *
 * @throws {GradelineError} SOURCE_EMPTY when no other is left
 */
export function leaveOneOut(items: readonly EmbeddedItem[], dimension: number, order: readonly string[]): Evaluation {
  const known = items.filter(({ grade }) => grade !== UNKNOWN);
  if (known.length < 2) throw tooFew(`grades with ${known.length} items in all`);
  const strangers = items.filter(({ grade }) => grade === UNKNOWN);
  const grades = orderGrades(
    known.map(({ grade }) => grade),
    order,
  );
  const tally = new Tally();
  for (const item of known) {
    // Made anew without the item: neither its views nor the thresholds know of it.
    const others = known.filter((other) => other !== item);
    tally.judge(item, Grader.from(galleryOf(others, grades, dimension)));
  }
  const all = Grader.from(galleryOf(known, grades, dimension));
  for (const item of strangers) tally.judge(item, all);
  return tally.evaluation("leave-one-item-out", grades);
}

/** Each item judged by a gallery that knows none of them. */
export function byGallery(items: readonly EmbeddedItem[], gallery: Gallery): Evaluation {
  const grader = Grader.from(gallery);
  const tally = new Tally();
  for (const item of items) tally.judge(item, grader);
  return tally.evaluation("gallery", gallery.grades);
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
export function byShots(
  items: readonly EmbeddedItem[],
  dimension: number,
  order: readonly string[],
  { shots, repeats, seed }: Shots,
): Evaluation {
  const known = items.filter(({ grade }) => grade !== UNKNOWN);
  const grades = orderGrades(
    known.map(({ grade }) => grade),
    order,
  );
  const random = randomFrom(seed);
  const pooled = new Tally();
  const itemAccuracy: number[] = [];
  const viewAccuracy: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const enrolled = new Set<EmbeddedItem>();
    for (const grade of grades) {
      const own = known.filter((item) => item.grade === grade);
      // At least one is left to judge.
      for (const item of shuffled(own, random).slice(0, Math.min(shots, own.length - 1))) enrolled.add(item);
    }
    if (enrolled.size === 0) throw tooFew("no grade with two items");
    const grader = Grader.from(galleryOf([...enrolled], grades, dimension));
    const tally = new Tally();
    for (const item of items) {
      if (enrolled.has(item)) continue;
      tally.judge(item, grader);
    }
    const result = tally.evaluation("shots", grades);
    itemAccuracy.push(result.itemBalancedAccuracy);
    viewAccuracy.push(result.viewBalancedAccuracy);
    pooled.add(tally);
  }
  const evaluation = pooled.evaluation("shots", grades);
  const itemInterval = interval(itemAccuracy);
  const viewInterval = interval(viewAccuracy);
  return {
    ...evaluation,
    items: items.length,
    views: items.reduce((sum, { views }) => sum + views, 0),
    itemBalancedAccuracy: itemInterval.mean,
    viewBalancedAccuracy: viewInterval.mean,
    interval: { itemBalancedAccuracy: itemInterval, viewBalancedAccuracy: viewInterval },
  };
}

function tooFew(found: string): GradelineError {
  return new GradelineError("SOURCE_EMPTY", `found ${found}, wanted items to judge and others to judge them by`, {
    hint: "add items as DIR/GRADE/ITEM/*.jpg, or judge by what is enrolled with --by-gallery",
  });
}

class Tally {
  readonly #items: Judged[] = [];
  readonly #views: Judged[] = [];
  readonly #verdicts: Judged[] = [];
  readonly #knownScores: number[] = [];
  readonly #strangerScores: number[] = [];
  #viewCount = 0;

  judge(item: EmbeddedItem, grader: Grader): void {
    const { embeddings, views, grade } = item;
    const decision = grader.grade(embeddings, views);
    this.#viewCount += views;
    this.#verdicts.push({ truth: grade, said: decision.grade ?? decision.outcome });
    const score = grader.strangeness(embeddings, views);
    if (grade === UNKNOWN) {
      this.#strangerScores.push(score);
      return;
    }
    this.#knownScores.push(score);
    this.#items.push({ truth: grade, said: grader.choose(embeddings, views) });
    const dimension = embeddings.length / views;
    for (let view = 0; view < views; view++) {
      const one = embeddings.subarray(view * dimension, (view + 1) * dimension);
      this.#views.push({ truth: grade, said: grader.choose(one, 1) });
    }
  }

  add(other: Tally): void {
    this.#viewCount += other.#viewCount;
    for (const [mine, theirs] of [
      [this.#items, other.#items],
      [this.#views, other.#views],
      [this.#verdicts, other.#verdicts],
    ] as const) {
      for (const judged of theirs) mine.push(judged);
    }
    for (const score of other.#knownScores) this.#knownScores.push(score);
    for (const score of other.#strangerScores) this.#strangerScores.push(score);
  }

  evaluation(method: Evaluation["method"], grades: readonly string[]): Evaluation {
    const confusion = confusionOf(this.#items);
    const known = this.#verdicts.filter(({ truth }) => truth !== UNKNOWN);
    const strangers = this.#verdicts.filter(({ truth }) => truth === UNKNOWN);
    return {
      items: this.#verdicts.length,
      views: this.#viewCount,
      method,
      grades,
      itemBalancedAccuracy: balancedAccuracy(confusion),
      viewBalancedAccuracy: balancedAccuracy(confusionOf(this.#views)),
      unknownAuroc: auroc(this.#strangerScores, this.#knownScores),
      confusion,
      perGrade: perGrade(confusion, grades),
      verdicts: {
        confusion: confusionOf(this.#verdicts),
        right: share(known, ({ truth, said }) => said === truth) ?? 0,
        turnedAway: share(known, ({ said }) => said === "unknown" || said === "unsure") ?? 0,
        strangersFound: share(strangers, ({ said }) => said === "unknown"),
      },
    };
  }
}

function share(judged: readonly Judged[], counts: (one: Judged) => boolean): number | null {
  return judged.length === 0 ? null : judged.filter(counts).length / judged.length;
}

function galleryOf(items: readonly EmbeddedItem[], grades: readonly string[], dimension: number): Gallery {
  const references: Reference[] = items.map(({ grade, name, views, embeddings }, index) => ({
    id: String(index),
    grade,
    origin: name,
    enrolledAt: "",
    views,
    embeddings,
  }));
  return withReferences({ ...emptyGallery("", dimension, 1), grades: [...grades] }, references);
}

/** mulberry32 by Tommy Ettinger (public domain): small, seeded, good enough to draw samples. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
