import { createHash, randomUUID } from "node:crypto";
import { GradelineError } from "../base/errors.ts";
import { formatMicros, nowMicros } from "../base/time.ts";
import type { Embedder, Model } from "../embed/embedder.ts";
import type { Reference } from "../grade/gallery.ts";
import { seenBy } from "../grade/gallery-cameras.ts";

/** One item to enroll. */
export interface Sample {
  readonly grade: string;
  /** Where it came from, for people. */
  readonly origin: string;
  /** Each (sizePx, sizePx, 3). */
  readonly crops: readonly Uint8Array[];
  /** Name of the item; made up where absent. A reference of this name is replaced. */
  readonly id?: string | undefined;
  /** (crops, D) row-major, by the embedder's model; absent: the crops are embedded. */
  readonly embeddings?: Float32Array | undefined;
  /** Which camera saw each of them, where that is known. */
  readonly cameras?: readonly string[] | undefined;
}

/** What is known of a reference without its embeddings. */
export type KnownReference = Pick<Reference, "id" | "grade" | "origin" | "digest">;

/** Where enrolled items go: a gallery that is locked by this thread, or by a thread of its own. */
export interface EnrollStore<Saved> {
  /** The references so far. @throws {GradelineError} GALLERY_MODEL when they are of another model */
  known(model: Model): Promise<readonly KnownReference[]>;
  /** Keeps the views of an item that is to be added, each (sizePx, sizePx, 3). @throws {GradelineError} FILE */
  saveCrops(id: string, crops: readonly Uint8Array[], sizePx: number): Promise<void>;
  /** Adds references, all or none. @throws {GradelineError} GALLERY, GALLERY_MODEL, FILE */
  add(references: readonly Reference[], model: Model): Promise<Saved>;
  /** Removes the views of items that were not added. */
  forgetUnused(): Promise<void>;
}

export interface EnrollOptions {
  /** Called after each item that is embedded. */
  readonly onItem?: (done: number) => void;
  /** Called with each sample that is new to its grade, while its views are embedded, and the id of the item it becomes. */
  readonly onSample?: (sample: Sample, id: string) => void;
  /** Called with each sample whose very pictures the grade has already, and the id of that item. */
  readonly onKnown?: (sample: Sample, id: string) => void;
  /** Ends the enrollment before anything is written. */
  readonly signal?: AbortSignal | undefined;
}

/** Items whose views are with the embedder or on their way to the disk: the embedder always has the next one's. */
const AT_ONCE = 3;

/** Identifies pictures by their pixels, whatever their names. @returns sha256, hex */
export function digestOf(crops: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const crop of crops) hash.update(crop);
  return hash.digest("hex");
}

/**
 * Embeds samples and adds them to the gallery, all or nothing: until the last one is embedded the gallery on disk is
 * as it was. A sample that its grade has already is passed over. Both photographs and items of the running line come
 * this way.
 *
 * @returns what the store returns: the new gallery, where it is in this thread
 * @throws {GradelineError} GALLERY_MODEL, FILE, INFERENCE; GALLERY_EMPTY when there is no sample; GRADE when another
 *   grade has the same pictures; whatever `samples` throws
 */
export async function enroll<Saved>(
  store: EnrollStore<Saved>,
  embedder: Embedder,
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  options: EnrollOptions = {},
): Promise<Saved> {
  const known = await store.known(embedder.model);
  try {
    return await store.add(await embedSamples(store, embedder, known, samples, options), embedder.model);
  } catch (error) {
    // The first error is the one to tell.
    await store.forgetUnused().catch(() => {});
    throw error;
  }
}

async function embedSamples(
  store: EnrollStore<unknown>,
  embedder: Embedder,
  before: readonly KnownReference[],
  samples: AsyncIterable<Sample> | Iterable<Sample>,
  { signal, onItem, onSample, onKnown }: EnrollOptions,
): Promise<Reference[]> {
  const known = new Map<string, Omit<KnownReference, "digest">>();
  for (const reference of before) {
    if (reference.digest !== undefined) known.set(reference.digest, reference);
  }
  const added: Promise<Reference>[] = [];
  let seen = 0;
  let done = 0;
  const add = async (id: string, sample: Sample, digest: string): Promise<Reference> => {
    const { grade, origin, crops, embeddings, cameras } = sample;
    const enrolledAt = formatMicros(nowMicros());
    const saving = store.saveCrops(id, crops, embedder.model.sizePx);
    // Waits for both even if one fails: nothing may be written after the cleaning up.
    const [embedded, saved] = await Promise.allSettled([embeddings ?? embedAll(embedder, crops), saving]);
    if (embedded.status === "rejected") throw embedded.reason;
    if (saved.status === "rejected") throw saved.reason;
    onItem?.(++done);
    const described = { id, grade, origin, enrolledAt, views: crops.length, digest, ...seenBy(cameras) };
    return { ...described, embeddings: embedded.value };
  };
  try {
    for await (const sample of samples) {
      const { grade, origin, crops } = sample;
      signal?.throwIfAborted();
      if (crops.length === 0) throw new GradelineError("GALLERY_EMPTY", `${origin} has no views to enroll`);
      seen++;
      const digest = digestOf(crops);
      const same = known.get(digest);
      if (same !== undefined) {
        if (same.grade !== grade) throw twoGrades(same, sample);
        onKnown?.(sample, same.id);
        continue;
      }
      const id = sample.id ?? randomUUID();
      const adding = add(id, sample, digest);
      // It is awaited below, also where something else fails first.
      adding.catch(() => {});
      added.push(adding);
      known.set(digest, { id, grade, origin });
      onSample?.(sample, id);
      await added[added.length - AT_ONCE];
    }
    signal?.throwIfAborted();
    if (seen === 0) throw new GradelineError("GALLERY_EMPTY", "there is nothing to enroll");
    const references = await Promise.all(added);
    signal?.throwIfAborted();
    return references;
  } finally {
    await Promise.allSettled(added);
  }
}

function twoGrades(same: Omit<KnownReference, "digest">, { grade, origin }: Sample): GradelineError {
  return new GradelineError(
    "GRADE",
    `${origin} is enrolled as ${same.grade} already (${same.origin}), not as ${grade}`,
    {
      hint: `if it is ${grade}: gradeline-calibrate relabel ${same.id} ${grade}; nothing was enrolled`,
    },
  );
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
