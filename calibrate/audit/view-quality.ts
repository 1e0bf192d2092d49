import { setImmediate } from "node:timers/promises";
import type { Model } from "../../device/embed/embedder.ts";
import { readKeptCrops } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import { readAhead } from "../pictures/read-ahead.ts";
import { type Qualities, qualityOf, type ViewQuality } from "./quality.ts";

export interface MeasureOptions {
  readonly fill: number;
  /** References that must be looked at; of the others some are enough to know what is usual. */
  readonly only?: ReadonlySet<string>;
  /** What is known already, by reference; it is not looked at again. */
  readonly seen?: Qualities | undefined;
  readonly onItem?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** Others that are looked at to know what is usual. */
const USUAL_ITEMS = 50;
/** Views of one item that are looked at: more say nothing new. */
const MOST_VIEWS = 40;

/** Measures the kept pictures of references; those that are gone are left out. */
export async function measureReferences(
  folder: string,
  { references, sizePx }: Gallery,
  { fill, only, seen, onItem, signal }: MeasureOptions,
): Promise<Qualities> {
  const others = references.filter(({ id }) => only !== undefined && !only.has(id));
  const step = Math.max(1, Math.ceil(others.length / USUAL_ITEMS));
  const usual = new Set(others.filter((_, index) => index % step === 0));
  const wanted = only === undefined ? references : references.filter((one) => only.has(one.id) || usual.has(one));
  const qualities = new Map<string, readonly ViewQuality[]>(seen);
  const read = (id: string): Promise<Uint8Array[]> => readKeptCrops(folder, id, sizePx).catch(() => []);
  const left = wanted.filter(({ id }) => !qualities.has(id));
  let done = wanted.length - left.length;
  for await (const [{ id }, crops] of readAhead(left, (one) => read(one.id))) {
    await setImmediate();
    signal?.throwIfAborted();
    const views = viewQualities(crops, { sizePx, cropFill: fill });
    if (views.length > 0) qualities.set(id, views);
    onItem?.(++done);
  }
  return qualities;
}

/** @param crops of one item, each (sizePx, sizePx, 3) */
export function viewQualities(
  crops: readonly Uint8Array[],
  { sizePx, cropFill }: Pick<Model, "sizePx" | "cropFill">,
): ViewQuality[] {
  return crops.slice(0, MOST_VIEWS).map((crop) => qualityOf(crop, sizePx, cropFill));
}
