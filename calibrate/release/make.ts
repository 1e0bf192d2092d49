import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { formatMicros, nowMicros } from "../../device/base/time.ts";
import { VERSION } from "../../device/base/version.ts";
import { filesOfModel } from "../../device/embed/model.ts";
import { encodeGallery } from "../../device/gallery/file.ts";
import { checkModel, GalleryWriter } from "../../device/gallery/store.ts";
import { fitGrader } from "../../device/grade/fit.ts";
import {
  digestOfManifest,
  encodeManifest,
  GALLERY_PART,
  labelOf,
  type Manifest,
  manifestSchema,
  type Part,
} from "../../device/recipes/bundle/manifest.ts";
import { encodeRecipe, recipeBytes } from "../../device/recipes/bundle/recipe-file.ts";
import { fingerprint, Signer } from "../../device/recipes/bundle/signing.ts";
import { gradesOfManifest } from "../../device/recipes/bundle/thresholds.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { checkFolderOf } from "../cli/output.ts";
import { Progress } from "../cli/progress.ts";
import { noGallery } from "../gallery/change.ts";
import { describeBytes, describeManifest, manifestAsJson } from "./describe.ts";

const MB = 1e6;

export interface Release {
  readonly name: string;
  /** The moment where undefined. */
  readonly version: string | undefined;
  readonly key: string;
  /** NAME-VERSION.recipe where undefined. */
  readonly out: string | undefined;
  /** May take the place of another file. */
  readonly force: boolean;
}

/** Where the bytes of a part are. */
type Origin = { readonly path: string } | { readonly parts: readonly Uint8Array[] };

/** What was written. */
export interface Released {
  readonly file: string;
  readonly bytes: number;
  readonly manifest: Manifest;
  readonly digest: string;
  readonly publicKey: string;
}

/** `release`: model, gallery, thresholds and grades as one signed file. */
export async function makeRelease(context: Context, wanted: Release): Promise<void> {
  const { file, bytes, manifest, digest, publicKey } = await writeRelease(context, wanted);
  if (context.json) {
    process.stdout.write(`${JSON.stringify({ file, bytes, ...manifestAsJson(manifest, digest, publicKey) })}\n`);
    return;
  }
  const plain = manifest.thresholds.fittedAt === null;
  process.stdout.write(
    `${file}: ${describeBytes(bytes)}, signed by the key ${fingerprint(publicKey)}\n` +
      describeManifest(manifest, digest) +
      (plain ? "not calibrated: the default rule and share apply (gradeline-calibrate fit)\n" : "") +
      `grade by it: gradeline-calibrate activate ${file} --config FILE\n`,
  );
}

/**
 * Writes a recipe's file; where it throws there is none, or the one that was there.
 *
 * @throws {GradelineError} FILE, GALLERY, GALLERY_MODEL, GALLERY_EMPTY, MODEL, RECIPE
 */
export async function writeRelease(context: Context, wanted: Release): Promise<Released> {
  const { name } = wanted;
  const version = wanted.version ?? momentOf(nowMicros());
  const out = wanted.out ?? `${name}-${version}.recipe`;
  await checkFolderOf(out);
  if (!wanted.force) await checkFree(out);
  const signer = await Signer.read(wanted.key);
  // Nobody changes the gallery while it is read.
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  const stored = await writer.read();
  if (stored === undefined) throw noGallery(context.gallery);
  if (stored.warning !== undefined) {
    throw new GradelineError(
      "GALLERY",
      `the newest gallery is damaged, so an older one would be released: ${stored.warning}`,
      {
        hint: "look at it (list), change it or enroll again, then release",
      },
    );
  }
  const { gallery } = stored;
  if (gallery.references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `the gallery in ${context.gallery} has no references to release`);
  }
  // Opening it proves that it runs and computes what it should.
  const { model } = await openForWork(context);
  checkModel(stored, model, context.gallery);

  const origins = new Map<string, Origin>();
  for (const file of await filesOfModel(context.model)) {
    origins.set(`model/${file}`, { path: join(dirname(context.model), file) });
  }
  const encoded = encodeGallery(gallery, stored.modelName);
  origins.set(GALLERY_PART, { parts: encoded });
  for (const { id } of gallery.references) origins.set(`gallery/crops/${id}.png`, { path: writer.cropsPath(id) });
  const parts = await measureParts(origins, context.stop);
  const manifest = manifestOf({
    format: "gradeline-recipe",
    v: 1,
    name,
    version,
    madeAt: formatMicros(nowMicros()),
    madeWith: VERSION,
    model: {
      name: model.name,
      version: model.version,
      hash: model.hash,
      description: `model/${basename(context.model)}`,
    },
    gallery: {
      hash: Buffer.from(encoded.at(-1)!).toString("hex"),
      items: gallery.references.length,
      views: gallery.references.reduce((sum, { views }) => sum + views, 0),
    },
    ...gradesOfManifest(gallery, fitGrader(gallery)),
    parts,
  });
  const bytes = recipeBytes(manifest, signer);
  const progress = new Progress("writing the recipe, MB", Math.ceil(bytes / MB));
  try {
    await writeAtomic(
      out,
      counted(
        encodeRecipe(manifest, signer, (part) => read(origins, part)),
        progress,
        context.stop,
      ),
    );
  } finally {
    progress.stop();
  }
  const digest = digestOfManifest(encodeManifest(manifest));
  return { file: out, bytes, manifest, digest, publicKey: signer.publicKey };
}

/** @throws {GradelineError} RECIPE when what stands in the gallery or the model cannot be part of a recipe */
function manifestOf(wanted: Manifest): Manifest {
  const parsed = manifestSchema.safeParse(wanted);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const found = path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    wanted,
  );
  const shown = typeof found === "object" ? "" : `found ${JSON.stringify(found)}, wanted `;
  throw new GradelineError("RECIPE", `${labelOf(wanted)} cannot be released: ${path.join(".")}: ${shown}${message}`);
}

/** Size and hash of everything, before anything is written. */
async function measureParts(origins: ReadonlyMap<string, Origin>, stop: AbortSignal): Promise<Part[]> {
  const parts: Part[] = [];
  const progress = new Progress("reading model and gallery", origins.size);
  try {
    for (const path of origins.keys()) {
      stop.throwIfAborted();
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const piece of read(origins, { path })) {
        hash.update(piece);
        bytes += piece.length;
      }
      parts.push({ path, bytes, sha256: hash.digest("hex") });
      progress.update(parts.length);
    }
  } finally {
    progress.stop();
  }
  return parts;
}

async function* read(origins: ReadonlyMap<string, Origin>, { path }: Pick<Part, "path">): AsyncGenerator<Uint8Array> {
  const origin = origins.get(path)!;
  if ("parts" in origin) {
    yield* origin.parts;
    return;
  }
  try {
    for await (const piece of createReadStream(origin.path)) yield piece as Uint8Array;
  } catch (error) {
    throw new GradelineError("FILE", `${origin.path} cannot be read: ${(error as Error).message}`, {
      hint: path.startsWith("gallery/crops/")
        ? "the pictures of this item are missing: remove it, or enroll it again; nothing was written"
        : "nothing was written",
      cause: error,
    });
  }
}

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  progress: Progress,
  stop: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of pieces) {
    stop.throwIfAborted();
    yield piece;
    done += piece.length;
    progress.update(Math.floor(done / MB));
  }
}

/** The minute, as a version: sorts as it was made. */
function momentOf(micros: number): string {
  return formatMicros(micros).slice(0, 16).replace("T", ".").replaceAll(/[-:]/g, "");
}

async function checkFree(path: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (!there) return;
  throw new GradelineError("FILE", `${path} is there already`, {
    hint: "name another file with --out, give another version, or --force",
  });
}
