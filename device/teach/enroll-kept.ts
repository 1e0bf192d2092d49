import { setTimeout as wait } from "node:timers/promises";
import { GradelineError } from "../base/errors.ts";
import { shortHash } from "../base/short-hash.ts";
import { formatMicros, nowMicros } from "../base/time.ts";
import type { Embedder } from "../embed/embedder.ts";
import { digestOf, embedAll } from "../gallery/enroll.ts";
import { GalleryAside } from "../gallery/writer.ts";
import type { Reference } from "../grade/gallery.ts";
import type { KeptItem } from "./kept.ts";

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
 * Adds items of the line to a grade, all of them or none. An item enrolled before takes its place: enrolling it twice,
 * as after a crash between two steps, makes one reference.
 *
 * @param signal ends it before anything is written
 * @throws {GradelineError} GALLERY (with `retry` where another process writes to it), GALLERY_MODEL, FILE, INFERENCE
 */
export async function enrollKept(
  folder: string,
  embedder: Embedder,
  grade: string,
  items: readonly KeptItem[],
  signal: AbortSignal,
): Promise<EnrolledItem[]> {
  const added: Reference[] = [];
  const viewBytes = embedder.model.sizePx ** 2 * 3;
  for (const { verdict, crops, embeddings } of items) {
    signal.throwIfAborted();
    if (crops.some(({ length }) => length !== viewBytes)) {
      throw new GradelineError(
        "REQUEST",
        `item ${verdict.item} was cut for a model of another size; nothing was enrolled`,
        {
          hint: `the model in use wants views of ${embedder.model.sizePx} px: enroll fruit that pass now, dismiss that one`,
        },
      );
    }
    const usable = verdict.model === shortHash(embedder.model.hash) ? embeddings : undefined;
    added.push({
      id: verdict.item,
      grade,
      origin: `lane ${verdict.lane}, ${verdict.exposedAt}`,
      enrolledAt: formatMicros(nowMicros()),
      views: crops.length,
      embeddings: usable ?? (await embedAll(embedder, crops)),
      digest: digestOf(crops),
    });
  }
  const { model } = embedder;
  const gallery = new GalleryAside({ folder, model });
  try {
    await lockWaiting(gallery, signal);
    for (const [index, { crops }] of items.entries()) {
      signal.throwIfAborted();
      await gallery.views(added[index]!.id, crops);
    }
    signal.throwIfAborted();
    await gallery.save(added);
  } finally {
    await gallery.close();
  }
  return added.map(({ id, views }) => ({ item: id, views }));
}

async function lockWaiting(gallery: GalleryAside, signal: AbortSignal): Promise<void> {
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
