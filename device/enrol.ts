import { randomUUID } from "node:crypto";
import { GradelineError } from "./base/errors.ts";
import { formatMicros, nowMicros } from "./base/time.ts";
import type { Embedder } from "./embed/embedder.ts";
import type { GalleryWriter } from "./gallery-store.ts";
import { type Gallery, type Reference, withReferences } from "./grade/gallery.ts";

/** One item to enrol. */
export interface Sample {
  readonly grade: string;
  /** Where it came from, for people. */
  readonly origin: string;
  /** Each (sizePx, sizePx, 3). */
  readonly crops: readonly Uint8Array[];
}

export interface EnrolOptions {
  /** Called after each item that is embedded. */
  readonly onItem?: (done: number) => void;
  /** Ends the enrolment before anything is written. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Embeds samples and adds them to the gallery, all or nothing: until the last one is embedded the gallery on disk is
 * as it was.
 *
 * @returns the new gallery
 * @throws {GradelineError} GALLERY_MODEL, FILE, INFERENCE; GALLERY_EMPTY when there is no sample; whatever `samples` throws
 */
export async function enrol(
  writer: GalleryWriter,
  embedder: Embedder,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: EnrolOptions = {},
): Promise<Gallery> {
  const before = await writer.readFor(embedder.model);
  try {
    const gallery = withReferences(before, await embedSamples(writer, embedder, samples, options));
    await writer.save(gallery, embedder.model.name);
    return gallery;
  } catch (error) {
    // What went wrong first is what is told.
    await writer.forgetUnused().catch(() => {});
    throw error;
  }
}

async function embedSamples(
  writer: GalleryWriter,
  embedder: Embedder,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  { signal, onItem }: EnrolOptions,
): Promise<Reference[]> {
  const added: Reference[] = [];
  for await (const { grade, origin, crops } of samples) {
    signal?.throwIfAborted();
    if (crops.length === 0) throw new GradelineError("GALLERY_EMPTY", `${origin} has no views to enrol`);
    const id = randomUUID();
    const embeddings = await embedAll(embedder, crops);
    await writer.saveCrops(id, crops, embedder.model.sizePx);
    added.push({ id, grade, origin, enrolledAt: formatMicros(nowMicros()), views: crops.length, embeddings });
    onItem?.(added.length);
  }
  signal?.throwIfAborted();
  if (added.length === 0) throw new GradelineError("GALLERY_EMPTY", "there is nothing to enrol");
  return added;
}

/**
 * @param crops each (sizePx, sizePx, 3)
 * @returns (crops, dimension) row-major, unit rows
 */
export async function embedAll(embedder: Embedder, crops: readonly Uint8Array[]): Promise<Float32Array> {
  const { dimension, sizePx } = embedder.model;
  const viewBytes = sizePx * sizePx * 3;
  const out = new Float32Array(crops.length * dimension);
  const works: Promise<void>[] = [];
  for (let from = 0; from < crops.length; from += embedder.maxBatch) {
    const part = crops.slice(from, from + embedder.maxBatch);
    const views = new Uint8Array(part.length * viewBytes);
    for (const [index, crop] of part.entries()) views.set(crop, index * viewBytes);
    works.push(embedder.embed(views, part.length, out.subarray(from * dimension, (from + part.length) * dimension)));
  }
  await Promise.all(works);
  return out;
}
