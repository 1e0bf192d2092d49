import { describeItem } from "../../device/grade/descriptors.ts";
import { emptyGallery, type Reference, withReferences } from "../../device/grade/gallery.ts";
import { flatten, type ReferenceViews } from "../../device/grade/references.ts";
import { nearestByGrade } from "../../device/grade/search/distance.ts";

/*
 * What an embedding has to beat: how often each colour occurs. Only what it gains over this is worth a network.
 */

const BINS = 8;
/** Numbers of a histogram. */
export const HSV_LENGTH = BINS ** 3;
/** A pixel within this of the fill, in every channel, is background. */
const NEAR_FILL = 2;

/**
 * Histogram of hue, saturation and value of the fruit in a crop, 8 parts each; square roots of the counts, so that
 * distances between them are Hellinger's.
 *
 * @param crop RGB8
 * @param fill grey level of the background
 * @param out (HSV_LENGTH) unit length, or zeros where there is no fruit
 * @see Smith 1978 (HSV); the training recipe's `hsv_histogram` counts the same
 */
export function hsvHistogram(crop: Uint8Array, fill: number, out: Float32Array): void {
  out.fill(0);
  let pixels = 0;
  for (let p = 0; p < crop.length; p += 3) {
    const [r, g, b] = [crop[p]!, crop[p + 1]!, crop[p + 2]!];
    if (Math.abs(r - fill) <= NEAR_FILL && Math.abs(g - fill) <= NEAR_FILL && Math.abs(b - fill) <= NEAR_FILL) continue;
    pixels++;
    const high = Math.max(r, g, b);
    const span = high - Math.min(r, g, b);
    let hue = 0;
    if (span > 0) {
      if (high === r) hue = ((g - b) / span + 6) % 6;
      else if (high === g) hue = (b - r) / span + 2;
      else hue = (r - g) / span + 4;
    }
    out[part(hue / 6) * BINS * BINS + part(high === 0 ? 0 : span / high) * BINS + part(high / 255)]!++;
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(out[i]! / Math.max(1, pixels));
}

function part(value: number): number {
  return Math.min(BINS - 1, Math.floor(value * BINS));
}

/** An item as its colours. */
export interface ColourItem {
  readonly grade: string;
  readonly views: number;
  /** (views, HSV_LENGTH). */
  readonly histograms: Float32Array;
}

export const RULES = ["nearestReference", "gradeMean"] as const;
export type Rule = (typeof RULES)[number];

/** Items with their colours; undefined where one has none, for the others alone are no base line. */
export function withColours(
  items: readonly { grade: string; views: number; histograms: Float32Array | undefined }[],
): ColourItem[] | undefined {
  const found: ColourItem[] = [];
  for (const { grade, views, histograms } of items) {
    if (histograms === undefined) return undefined;
    found.push({ grade, views, histograms });
  }
  return found;
}

/** What a rule says of an item. */
export interface ColourJudgement {
  readonly said: string;
  /** To the nearest reference, or mean of a grade: strangers should be far. */
  readonly distance: number;
  /** How many views have the item's own grade nearest. */
  readonly viewsRight: number;
}

/** Grades by colour alone: nearest enrolled item, and nearest mean of a grade. */
export class BaseLine {
  readonly #grades: readonly string[];
  readonly #views: ReferenceViews;
  /** One row per item: the unit mean of its views. */
  readonly #items: ReferenceViews;
  /** (grades, HSV_LENGTH) sums of the items' rows. */
  readonly #sums: Float64Array;

  /** @param enrolled one item or more; of `grades` */
  constructor(enrolled: readonly ColourItem[], grades: readonly string[]) {
    this.#grades = grades.filter((name) => enrolled.some(({ grade }) => grade === name));
    const [views, whole]: [Reference[], Reference[]] = [[], []];
    this.#sums = new Float64Array(this.#grades.length * HSV_LENGTH);
    for (const [index, { grade, views: count, histograms }] of enrolled.entries()) {
      const common = { id: String(index), grade, origin: "", enrolledAt: "" };
      const row = describe(histograms, count);
      views.push({ ...common, views: count, embeddings: histograms });
      whole.push({ ...common, views: 1, embeddings: row });
      const at = this.#grades.indexOf(grade) * HSV_LENGTH;
      for (let d = 0; d < HSV_LENGTH; d++) this.#sums[at + d]! += row[d]!;
    }
    const empty = { ...emptyGallery({ hash: "", dimension: HSV_LENGTH, sizePx: 1 }), grades: this.#grades };
    const flat = (references: Reference[]): ReferenceViews =>
      flatten({ ...withReferences(empty, references), grades: this.#grades });
    this.#views = flat(views);
    this.#items = flat(whole);
  }

  /** @param leaveOut which of the enrolled items does not count, or NO_ITEM */
  judge(item: ColourItem, leaveOut: number): Record<Rule, ColourJudgement> {
    const { grade, views, histograms } = item;
    const own = this.#grades.indexOf(grade);
    const row = describe(histograms, views);
    const toItems = new Float64Array(this.#grades.length);
    nearestByGrade(row, 1, this.#items, leaveOut, toItems);
    const toViews = new Float64Array(this.#grades.length * views);
    nearestByGrade(histograms, views, this.#views, leaveOut, toViews);
    const means = this.#meansWithout(leaveOut);
    const toMeans = this.#toMeans(row, means);
    let nearestRight = 0;
    let meanRight = 0;
    for (let view = 0; view < views; view++) {
      if (smallest(toViews.subarray(view * this.#grades.length, (view + 1) * this.#grades.length)) === own) {
        nearestRight++;
      }
      const one = histograms.subarray(view * HSV_LENGTH, (view + 1) * HSV_LENGTH);
      if (smallest(this.#toMeans(one, means)) === own) meanRight++;
    }
    const judgement = (distances: Float64Array, viewsRight: number): ColourJudgement => {
      const said = smallest(distances);
      return { said: this.#grades[said]!, distance: distances[said]!, viewsRight };
    };
    return { nearestReference: judgement(toItems, nearestRight), gradeMean: judgement(toMeans, meanRight) };
  }

  /** (grades, HSV_LENGTH); NaN for a grade that has nothing left. */
  #meansWithout(leaveOut: number): Float64Array {
    const means = this.#sums.slice();
    const counts = new Float64Array(this.#grades.length);
    for (const grade of this.#items.itemGrade) counts[grade]!++;
    if (leaveOut < this.#items.items) {
      const grade = this.#items.itemGrade[leaveOut]!;
      counts[grade]!--;
      for (let d = 0; d < HSV_LENGTH; d++) {
        means[grade * HSV_LENGTH + d]! -= this.#items.rows[leaveOut * HSV_LENGTH + d]!;
      }
    }
    for (let at = 0; at < means.length; at++) {
      const count = counts[Math.floor(at / HSV_LENGTH)]!;
      means[at] = count === 0 ? Number.NaN : means[at]! / count;
    }
    return means;
  }

  #toMeans(row: Float32Array, means: Float64Array): Float64Array {
    const distances = new Float64Array(this.#grades.length);
    for (let g = 0; g < distances.length; g++) {
      let sum = 0;
      for (let d = 0; d < HSV_LENGTH; d++) sum += (row[d]! - means[g * HSV_LENGTH + d]!) ** 2;
      distances[g] = Number.isNaN(sum) ? Number.POSITIVE_INFINITY : Math.sqrt(sum);
    }
    return distances;
  }
}

function describe(histograms: Float32Array, views: number): Float32Array {
  const row = new Float64Array(HSV_LENGTH);
  describeItem(histograms, views, row);
  return Float32Array.from(row);
}

function smallest(values: Float64Array): number {
  let index = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[index]!) index = i;
  return index;
}
