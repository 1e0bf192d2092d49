import { existsSync } from "node:fs";
import { copyFile, link, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { GradelineError } from "../base/errors.ts";
import { removeTemporary, unwritable, writeAtomic } from "../base/files.ts";
import { type FolderLock, lockFolder } from "../base/folder-lock.ts";
import { shortHash } from "../base/short-hash.ts";
import { encodePng, readImage } from "../capture/image.ts";
import type { Model } from "../embed/embedder.ts";
import { emptyGallery, type Gallery, type Reference, USUAL_CROP, withReferences } from "../grade/gallery.ts";
import { reordered } from "../grade/gallery-edit.ts";
import type { EnrollStore, KnownReference } from "./enroll.ts";
import { decodeGallery, encodeGallery, type GalleryFile, MAX_VIEWS } from "./file.ts";
import { GallerySteps } from "./history.ts";

const CURRENT = "gallery.bin";
const PREVIOUS = "gallery.previous.bin";
const SPARE = "gallery.spare.tmp";
const CROPS = "crops";

export interface StoredGallery extends GalleryFile {
  /** The newest file is damaged and this is the one before it; says what was found. */
  readonly warning: string | undefined;
}

/**
 * Reads the gallery in a folder. A damaged file is passed over for the one before it.
 *
 * @throws {GradelineError} GALLERY when there is none that can be read, GALLERY_MODEL when another model made it
 */
export async function readGallery(folder: string, model: Model): Promise<StoredGallery> {
  const stored = await readNewest(folder);
  if (stored === undefined) {
    throw new GradelineError("GALLERY", `there is no gallery in ${folder}`, {
      hint: `enroll references first: gradeline-calibrate enroll GRADE PATH… --gallery ${folder}`,
    });
  }
  checkModel(stored, model, folder);
  return { ...stored, gallery: withEmphasis(stored.gallery, model) };
}

/** What a model asks for counts, also for what was kept before it was asked for. */
function withEmphasis({ emphasis: _, ...gallery }: Gallery, { emphasis }: Model): Gallery {
  return emphasis === undefined ? gallery : { ...gallery, emphasis };
}

/** The gallery in a folder, of any model; undefined where there is none. @throws {GradelineError} GALLERY */
export function readAnyGallery(folder: string): Promise<StoredGallery | undefined> {
  return readNewest(folder);
}

/**
 * The views of one item as they were enrolled; no lock is needed to look.
 *
 * @returns each (sizePx, sizePx, 3)
 * @throws {GradelineError} IMAGE, FILE
 */
export async function readKeptCrops(folder: string, id: string, sizePx: number): Promise<Uint8Array[]> {
  const path = keptCropsPath(folder, id);
  const bytes = sizePx * sizePx * 3;
  const { data, widthPx, heightPx } = await readImage(path, { maxPixels: MAX_VIEWS * sizePx * sizePx });
  if (widthPx !== sizePx || heightPx % sizePx !== 0) {
    throw new GradelineError("IMAGE", `${path} is ${widthPx} x ${heightPx}, wanted views of ${sizePx} x ${sizePx}`);
  }
  return Array.from({ length: heightPx / sizePx }, (_, view) => data.slice(view * bytes, (view + 1) * bytes));
}

function keptCropsPath(folder: string, id: string): string {
  return join(folder, CROPS, `${id}.png`);
}

/** @throws {GradelineError} GALLERY_MODEL when another model made the gallery */
export function checkModel(stored: GalleryFile, model: Model, folder: string): void {
  const { modelHash } = stored.gallery;
  if (modelHash === model.hash) return;
  checkCrop(stored.gallery, model, folder);
  const sameButBits = stored.modelName.startsWith(`${model.name} `) || model.name.startsWith(`${stored.modelName} `);
  const orPrecision = sameButBits ? "; or choose the precision that made it: embedder.precision, --precision" : "";
  throw new GradelineError(
    "GALLERY_MODEL",
    `the gallery in ${folder} was made by model ${stored.modelName} ${shortHash(modelHash)}, loaded is ` +
      `${model.name} ${shortHash(model.hash)}`,
    { hint: `embed its references again: gradeline-calibrate rebuild --gallery ${folder}${orPrecision}` },
  );
}

/**
 * The kept views serve another model only where it wants them cut alike.
 *
 * @throws {GradelineError} GALLERY_MODEL
 */
export function checkCrop(gallery: Gallery, model: Model, folder: string): void {
  const { margin, fill } = gallery.crop ?? USUAL_CROP;
  if (margin === model.cropMargin && fill === model.cropFill) return;
  throw new GradelineError(
    "GALLERY_MODEL",
    `the views of the gallery in ${folder} were cut with margin ${margin} on grey ${fill}, the model ${model.name} ` +
      `wants margin ${model.cropMargin} on grey ${model.cropFill}`,
    { hint: "correct `crop` in the model's description, or enroll the fruit again from pictures" },
  );
}

/** At a start: removes what a process that was killed had begun to write; where somebody writes now, that one does. */
export async function clearTemporaryGallery(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  try {
    (await GalleryWriter.open(folder)).close();
  } catch {
    // Nobody needs them gone.
  }
}

/** Grades that are new take their place before `next`, or after all. */
function placed(gallery: Gallery, known: readonly string[], next: string | null): Gallery {
  const fresh = gallery.grades.filter((grade) => !known.includes(grade));
  const at = next === null ? -1 : known.indexOf(next);
  return reordered(gallery, known.toSpliced(at === -1 ? known.length : at, 0, ...fresh));
}

/** From one gallery to the next. */
export interface GalleryStep {
  readonly before: Gallery;
  readonly after: Gallery;
  /** Steps back that are left. */
  readonly left: number;
}

/** The one writer of a gallery folder; the lock ends with the process, also when that is killed. */
export class GalleryWriter implements EnrollStore<Gallery> {
  readonly folder: string;
  readonly #lock: FolderLock;
  readonly #steps: GallerySteps;
  /** The gallery at the start of an enrollment; the lock keeps others from changing it. */
  #readFor: Gallery | undefined;

  private constructor(folder: string, lock: FolderLock) {
    this.folder = folder;
    this.#lock = lock;
    this.#steps = new GallerySteps(folder);
  }

  /**
   * Makes the folder where it is missing and locks it.
   *
   * @throws {GradelineError} GALLERY when another process writes to it, FILE when it cannot be made
   */
  static async open(folder: string): Promise<GalleryWriter> {
    try {
      await mkdir(join(folder, CROPS), { recursive: true });
    } catch (error) {
      throw new GradelineError("FILE", `${folder} cannot be made: ${(error as Error).message}`, { cause: error });
    }
    const lock = lockFolder(
      folder,
      (cause) =>
        new GradelineError("GALLERY", `another process writes to the gallery in ${folder}`, {
          hint: "wait for it to end, or end it",
          retry: true,
          cause,
        }),
    );
    const writer = new GalleryWriter(folder, lock);
    await writer.#clearTemporary();
    return writer;
  }

  /** The gallery as it stands; undefined where there is none yet. Of any model. */
  read(): Promise<StoredGallery | undefined> {
    return readNewest(this.folder);
  }

  /** The gallery as it stands, or an empty one for this model. @throws {GradelineError} GALLERY_MODEL */
  async readFor(model: Model): Promise<Gallery> {
    const stored = await this.read();
    if (stored === undefined) return emptyGallery(model);
    if (stored.gallery.references.length === 0) {
      const { grades, tolerances } = stored.gallery;
      return { ...emptyGallery(model), grades, tolerances };
    }
    checkModel(stored, model, this.folder);
    return withEmphasis(stored.gallery, model);
  }

  async known(model: Model): Promise<readonly KnownReference[]> {
    this.#readFor = await this.readFor(model);
    return this.#readFor.references;
  }

  /**
   * Adds references and saves; without any, the gallery stays as it is.
   *
   * @param newGradeBefore a grade that is new takes its place before this one, null: after all; absent: by usual names
   * @returns the gallery
   */
  async add(references: readonly Reference[], model: Model, newGradeBefore?: string | null): Promise<Gallery> {
    const before = this.#readFor ?? (await this.readFor(model));
    this.#readFor = undefined;
    if (references.length === 0) return before;
    const added = withReferences(before, references);
    const gallery = newGradeBefore === undefined ? added : placed(added, before.grades, newGradeBefore);
    await this.save(gallery, model.name);
    return gallery;
  }

  /**
   * Keeps an item's views, lossless, one below the other. Done before `save` names the item, so that a crash between
   * the two leaves a picture too many, never one too few.
   *
   * @param crops each (sizePx, sizePx, 3)
   */
  async saveCrops(id: string, crops: readonly Uint8Array[], sizePx: number): Promise<void> {
    const data = Buffer.concat(crops);
    const png = await encodePng({ widthPx: sizePx, heightPx: sizePx * crops.length, data });
    await writeAtomic(this.cropsPath(id), [png]);
  }

  /** Where the views of an item are kept. */
  cropsPath(id: string): string {
    return keptCropsPath(this.folder, id);
  }

  /** The views of one item as they were enrolled. @throws {GradelineError} IMAGE, FILE */
  readCrops(id: string, sizePx: number): Promise<Uint8Array[]> {
    return readKeptCrops(this.folder, id, sizePx);
  }

  /**
   * Replaces the gallery; the one before it is kept as well.
   *
   * @throws {GradelineError} FILE when it cannot be written, GALLERY when it could not be read again: what was there
   *   before is still there
   */
  async save(gallery: Gallery, modelName: string): Promise<void> {
    const parts = encodeGallery(gallery, modelName);
    const current = join(this.folder, CURRENT);
    // Only a good one is worth keeping as the previous one.
    if (await isWhole(current)) {
      await this.#steps.beforeChange(current);
      await this.#keepAsPrevious(current);
    } else if ((await readNewest(this.folder).catch(() => null)) === undefined) {
      await this.#beginWithNone(gallery, modelName);
    }
    await writeAtomic(current, parts);
    // The gallery is saved; a picture too many is removed next time.
    await this.#forgetCrops(gallery).catch(() => {});
  }

  /**
   * Goes one change back, or forth again.
   *
   * @returns both galleries, and how many steps back are left; undefined where there is no such step
   * @throws {GradelineError} GALLERY when that one cannot be read, FILE when it cannot be written; nothing changed then
   */
  async step(to: "back" | "forth"): Promise<GalleryStep | undefined> {
    const path = await (to === "back" ? this.#steps.previous() : this.#steps.undone());
    const before = await this.read();
    if (path === undefined || before === undefined) return undefined;
    const after = await readOne(path);
    if (after === undefined) return undefined;
    const current = join(this.folder, CURRENT);
    if (await isWhole(current)) await this.#keepAsPrevious(current);
    await this.#steps[to](current);
    await this.#forgetCrops(after.gallery).catch(() => {});
    return { before: before.gallery, after: after.gallery, left: await this.#steps.count() };
  }

  /** Removes pictures that no gallery here names, as an enrollment that failed leaves them. */
  async forgetUnused(): Promise<void> {
    const current = await readOne(join(this.folder, CURRENT));
    await this.#forgetCrops(current?.gallery);
  }

  close(): void {
    this.#lock.close();
  }

  /** What the first change of all is taken back to. */
  async #beginWithNone(first: Gallery, modelName: string): Promise<void> {
    const { modelHash, dimension, sizePx, crop, emphasis } = first;
    const none: Gallery = { modelHash, dimension, sizePx, crop, emphasis, grades: [], references: [] };
    const spare = join(this.folder, SPARE);
    await writeAtomic(spare, encodeGallery(none, modelName));
    await this.#steps.beforeChange(spare);
    await rm(spare, { force: true });
  }

  /** In one step: at no moment is there no previous one. */
  async #keepAsPrevious(current: string): Promise<void> {
    const spare = join(this.folder, SPARE);
    try {
      await rm(spare, { force: true });
      // Some file systems of memory cards know no links.
      await link(current, spare).catch(() => copyFile(current, spare));
      await rename(spare, join(this.folder, PREVIOUS));
    } catch (error) {
      throw unwritable(join(this.folder, PREVIOUS), error);
    } finally {
      // It is still there where the previous one is the same file already: a rename does nothing then.
      await rm(spare, { force: true });
    }
  }

  /** What a process that was killed had begun to write. */
  async #clearTemporary(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (name.startsWith("gallery.") && name.endsWith(".tmp")) await rm(join(this.folder, name), { force: true });
    }
    await removeTemporary(join(this.folder, CROPS), () => true);
    await this.#steps.clearTemporary();
  }

  /** Pictures of items that neither this gallery has nor one that can be gone back to. */
  async #forgetCrops(gallery: Gallery | undefined): Promise<void> {
    const ids = await this.#steps.ids();
    // Where one cannot be read nobody knows what it needs.
    if (ids === undefined) return;
    for (const { id } of gallery?.references ?? []) ids.add(id);
    const previous = await readOne(join(this.folder, PREVIOUS)).catch(() => undefined);
    for (const { id } of previous?.gallery.references ?? []) ids.add(id);
    for (const name of await readdir(join(this.folder, CROPS))) {
      if (!ids.has(name.replace(/\.png$/, ""))) await rm(join(this.folder, CROPS, name), { force: true });
    }
  }
}

async function readNewest(folder: string): Promise<StoredGallery | undefined> {
  let damaged: unknown;
  try {
    const newest = await readOne(join(folder, CURRENT));
    if (newest !== undefined) return { ...newest, warning: undefined };
  } catch (error) {
    damaged = error;
  }
  // Where this one is damaged as well, the newest says why.
  const previous = await readOne(join(folder, PREVIOUS)).catch((error: unknown) => {
    throw damaged ?? error;
  });
  if (previous !== undefined) {
    const found = damaged === undefined ? `${join(folder, CURRENT)} is missing` : (damaged as Error).message;
    return { ...previous, warning: `${found}; the one before it is used` };
  }
  if (damaged !== undefined) throw damaged;
  return undefined;
}

async function readOne(path: string): Promise<GalleryFile | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new GradelineError("GALLERY", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return decodeGallery(bytes, path);
}

async function isWhole(path: string): Promise<boolean> {
  return readOne(path).then(
    (file) => file !== undefined,
    () => false,
  );
}
