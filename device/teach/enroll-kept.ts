import { setTimeout as wait } from "node:timers/promises";
import { GradelineError } from "../base/errors.ts";
import { shortHash } from "../base/short-hash.ts";
import type { Embedder, Model } from "../embed/embedder.ts";
import { enroll, type Sample } from "../gallery/enroll.ts";
import { GalleryThread } from "../gallery/writer.ts";
import type { EnrollableItem } from "./enrollable.ts";

/** How long another writer of the gallery, somebody at a terminal, is waited for. */
const LOCK_WAIT_MS = 10_000;
const LOCK_RETRY_MS = 100;

/** One item that became a reference. */
export interface EnrolledItem {
  /** Name of the item, and of its reference. */
  readonly item: string;
  readonly views: number;
}

/**
 * Adds items of the line to a grade, all of them or none. Enrolling an item twice, as after a crash between two steps,
 * makes one reference.
 *
 * @param signal ends it before anything is written
 * @param newGradeBefore where a grade that is new takes its place; see `GalleryWriter.add`
 * @throws {GradelineError} GALLERY (with `retry` where another process writes to it), GALLERY_MODEL, FILE, INFERENCE;
 *   GRADE when another grade has the same pictures
 */
export async function enrollKept(
  folder: string,
  embedder: Embedder,
  grade: string,
  items: readonly EnrollableItem[],
  signal: AbortSignal,
  newGradeBefore?: string | null,
): Promise<EnrolledItem[]> {
  const { model } = embedder;
  const samples = items.map((item) => sampleOf(item, grade, model));
  const gallery = new GalleryThread({ folder, model, newGradeBefore });
  try {
    await lockWaiting(gallery, signal);
    await enroll(gallery, embedder, samples, { signal });
  } finally {
    await gallery.close();
  }
  return items.map(({ verdict, crops }) => ({ item: verdict.item, views: crops.length }));
}

/**
 * Takes the gallery's last change back.
 *
 * @returns whether there was one
 * @throws {GradelineError} GALLERY (with `retry` where another process writes to it), FILE
 */
export async function takeBack(folder: string, model: Model, signal: AbortSignal): Promise<boolean> {
  const gallery = new GalleryThread({ folder, model });
  try {
    await lockWaiting(gallery, signal);
    return await gallery.back();
  } finally {
    await gallery.close();
  }
}

function sampleOf(
  { verdict, crops, embeddings, cameras: seenBy }: EnrollableItem,
  grade: string,
  { sizePx, hash }: Model,
): Sample {
  const { item, lane, cameras, exposedAt, model } = verdict;
  if (crops.some(({ length }) => length !== sizePx ** 2 * 3)) {
    throw new GradelineError("REQUEST", `item ${item} was cut for a model of another size; nothing was enrolled`, {
      hint: `dismiss this item and enroll fruit that pass from now on: the active model needs ${sizePx} px views`,
    });
  }
  const origin = `lane ${lane}${cameras === undefined ? "" : ` (${cameras.join(", ")})`}, ${exposedAt}`;
  return {
    id: item,
    grade,
    origin,
    crops,
    cameras: seenBy,
    embeddings: model === shortHash(hash) ? embeddings : undefined,
  };
}

async function lockWaiting(gallery: GalleryThread, signal: AbortSignal): Promise<void> {
  const until = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await gallery.lock();
    } catch (error) {
      if (!(error instanceof GradelineError) || !error.retry || performance.now() > until) throw error;
    }
    await wait(LOCK_RETRY_MS);
    signal.throwIfAborted();
  }
}
