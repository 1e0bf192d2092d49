import { encodeJpeg } from "../capture/image.ts";
import type { Verdict } from "../contract/messages.ts";
import type { LotPicture, PictureKind } from "./figures-store.ts";

/** Fruit of each kind, lot and grade. */
const KEPT = 3;
/** Views of a fruit beside each other: what is wrong may be on one side only. */
const VIEWS = 4;
/** Lots and grades that are looked at: more at a time belong to no line. */
const MAX_GROUPS = 200;

interface Group {
  items: number;
  meanMargin: number;
  /** Margin of the worst, distance from the mean margin of the typical; by place. */
  readonly worst: number[];
  readonly typical: number[];
}

interface Place {
  readonly kind: PictureKind;
  readonly place: number;
}

/** Chooses which fruit stand for a lot's grades: those nearest to the mean margin, and those with the least. */
export class LotPictures {
  readonly #groups = new Map<string, Group>();
  #busy = false;

  /** Where a fruit with this margin is kept; nowhere for most. */
  places(lot: string, grade: string, margin: number): Place[] {
    const group = this.#groupOf(JSON.stringify([lot, grade]));
    group.items++;
    group.meanMargin += (margin - group.meanMargin) / group.items;
    const found: Place[] = [];
    for (const [kind, value] of [
      ["worst", margin],
      ["typical", Math.abs(margin - group.meanMargin)],
    ] as const) {
      const place = placeOf(group[kind], value);
      if (place === undefined) continue;
      group[kind][place] = value;
      found.push({ kind, place });
    }
    return found;
  }

  /**
   * The pictures that a fruit gives; none where it stands for nothing, or another one is being drawn.
   *
   * @param crops square, RGB8
   */
  async offer(verdict: Verdict, crops: readonly Uint8Array[]): Promise<LotPicture[]> {
    const { lot = "", grade, outcome, margin, sizeMm, item } = verdict;
    if (crops.length === 0 || this.#busy) return [];
    const name = grade ?? outcome;
    const places = this.places(lot, name, margin ?? 0);
    if (places.length === 0) return [];
    this.#busy = true;
    try {
      const jpeg = await encodeJpeg(strip(crops), 82);
      return places.map((place) => ({ lot, grade: name, item, margin: margin ?? 0, sizeMm, jpeg, ...place }));
    } finally {
      this.#busy = false;
    }
  }

  #groupOf(key: string): Group {
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { items: 0, meanMargin: 0, worst: [], typical: [] };
      if (this.#groups.size >= MAX_GROUPS) this.#groups.delete(this.#groups.keys().next().value!);
      this.#groups.set(key, group);
    }
    return group;
  }
}

/** A free place, or that of the largest value where the new one is smaller. */
function placeOf(values: readonly number[], value: number): number | undefined {
  if (values.length < KEPT) return values.length;
  const largest = Math.max(...values);
  return value < largest ? values.indexOf(largest) : undefined;
}

/** Some views, evenly spread over the passage, from left to right. */
function strip(crops: readonly Uint8Array[]): { widthPx: number; heightPx: number; data: Uint8Array } {
  const side = Math.round(Math.sqrt(crops[0]!.length / 3));
  const count = Math.min(VIEWS, crops.length);
  const data = new Uint8Array(side * side * count * 3);
  for (let view = 0; view < count; view++) {
    const crop = crops[Math.floor(((view + 0.5) * crops.length) / count)]!;
    for (let y = 0; y < side; y++) {
      data.set(crop.subarray(y * side * 3, (y + 1) * side * 3), (y * count + view) * side * 3);
    }
  }
  return { widthPx: side * count, heightPx: side, data };
}
