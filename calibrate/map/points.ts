import { GradelineError } from "../../device/base/errors.ts";
import { readImage } from "../../device/capture/image.ts";
import type { Embedder } from "../../device/embed/embedder.ts";
import { embedAll } from "../../device/gallery/enroll.ts";
import { cutSheet } from "../../device/gallery/sheet.ts";
import { readKeptCrops } from "../../device/gallery/store.ts";
import { describeItem } from "../../device/grade/descriptors.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import { readQueue } from "../../device/teach/queue.ts";
import { embedItems } from "../evaluate/items.ts";
import type { ItemFiles } from "../pictures/images.ts";
import type { Remarks } from "../pictures/remarks.ts";
import { StillReader } from "../pictures/still-reader.ts";

/** What a point is: enrolled, of a folder, waiting on the line, or of a grade that is not enrolled yet. */
export type PointKind = "reference" | "item" | "queue" | "new";

/** An item, or one view of it, on its way to the map. */
export interface MapPoint {
  /** For people: a path, an item of the line. */
  readonly name: string;
  /** Which item it is, or is a view of; equal for views of one item. */
  readonly item: object;
  /** Undefined for what waits: its grade is not known. */
  readonly grade: string | undefined;
  readonly kind: PointKind;
  /** (dimension) unit length. */
  readonly embedding: Float32Array;
  /** A view that is typical of it; undefined where its picture is gone. */
  readonly crop: () => Promise<Uint8Array | undefined>;
}

interface Source {
  readonly name: string;
  readonly grade: string | undefined;
  readonly kind: PointKind;
  readonly views: number;
  readonly embeddings: Float32Array;
  readonly crop: (view: number) => Promise<Uint8Array | undefined>;
}

export interface PointOptions {
  /** A point for every view instead of one for the item's mean. */
  readonly eachView: boolean;
  readonly onDone?: (done: number) => void;
  readonly signal?: AbortSignal;
}

export function referencePoints(folder: string, { references, sizePx }: Gallery, options: PointOptions): MapPoint[] {
  return references.flatMap(({ id, grade, origin, views, embeddings }) =>
    pointsOf(
      {
        name: origin,
        grade,
        kind: "reference",
        views,
        embeddings,
        crop: async (view) => (await readKeptCrops(folder, id, sizePx))[view],
      },
      options,
    ),
  );
}

/** Items of a folder or of a grade that is not enrolled. */
export async function filePoints(
  files: readonly ItemFiles[],
  kind: "item" | "new",
  embedder: Embedder,
  options: PointOptions,
  remarks: Remarks,
): Promise<MapPoint[]> {
  const { onDone, signal } = options;
  const items = await embedItems(files, embedder, {
    remarks,
    ...(onDone === undefined ? {} : { onItem: onDone }),
    ...(signal === undefined ? {} : { signal }),
  });
  const reader = new StillReader(embedder.model);
  return items.flatMap(({ name, grade, files: pictures, views, embeddings }) =>
    pointsOf({ name, grade, kind, views, embeddings, crop: (view) => reader.crop(pictures[view]!) }, options),
  );
}

/** What waits in the unknown queue of a daemon, newest first; those of another model's size are left out. */
export async function queuePoints(folder: string, embedder: Embedder, options: PointOptions): Promise<MapPoint[]> {
  const points: MapPoint[] = [];
  const items = (await readQueue(folder)).filter(({ sizePx }) => sizePx === embedder.model.sizePx);
  for (const [index, item] of items.entries()) {
    options.signal?.throwIfAborted();
    // The daemon forgets the oldest while it runs.
    const crops = await readImage(item.picture).then(
      (image) => cutSheet(image, item),
      () => [],
    );
    if (crops.length === 0) continue;
    const embeddings = await embedAll(embedder, crops);
    const source: Source = {
      name: item.id,
      grade: undefined,
      kind: "queue",
      views: crops.length,
      embeddings,
      crop: async (view) => crops[view],
    };
    points.push(...pointsOf(source, options));
    options.onDone?.(index + 1);
  }
  return points;
}

function pointsOf(source: Source, { eachView }: PointOptions): MapPoint[] {
  const { views, embeddings, crop, name, grade, kind } = source;
  const dimension = embeddings.length / views;
  const row = (view: number): Float32Array => embeddings.subarray(view * dimension, (view + 1) * dimension);
  const shown = (view: number) => (): Promise<Uint8Array | undefined> => crop(view).catch(() => undefined);
  if (eachView) {
    return Array.from({ length: views }, (_, view) => ({
      name: `${name}, view ${view + 1}`,
      item: source,
      grade,
      kind,
      embedding: row(view),
      crop: shown(view),
    }));
  }
  const mean = new Float64Array(dimension);
  describeItem(embeddings, views, mean);
  let [typical, best] = [0, Number.NEGATIVE_INFINITY];
  for (let view = 0; view < views; view++) {
    const dot = row(view).reduce((sum, value, d) => sum + value * mean[d]!, 0);
    if (dot > best) [typical, best] = [view, dot];
  }
  return [{ name, item: source, grade, kind, embedding: Float32Array.from(mean), crop: shown(typical) }];
}

/** (points, dimension) row-major. */
export function rowsOf(points: readonly MapPoint[], dimension: number): Float32Array {
  const rows = new Float32Array(points.length * dimension);
  for (const [index, { embedding }] of points.entries()) {
    if (embedding.length !== dimension) {
      throw new GradelineError("EMBEDDING_SHAPE", `a point has ${embedding.length} values, wanted ${dimension}`);
    }
    rows.set(embedding, index * dimension);
  }
  return rows;
}
