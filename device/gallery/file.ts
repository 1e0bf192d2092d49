import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { GradelineError } from "../base/errors.ts";
import { sha256 } from "../base/files.ts";
import { mapSchema, mapsAsObjects } from "../config/map-schema.ts";
import { gradeSchema } from "../config/schema.ts";
import type { Gallery } from "../grade/gallery.ts";

/*
 * The gallery's file: 8 bytes magic, 4 bytes length of the header (little-endian), the header as JSON, all embeddings
 * as little-endian float32 in the order of the references, 32 bytes sha256 over everything before.
 */
const MAGIC = new TextEncoder().encode("GRDLGAL1");
const HASH_BYTES = 32;

const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** Most views of one item. */
export const MAX_VIEWS = 10_000;

const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);
const share = z.number().min(0).max(1);

const headerSchema = z
  .strictObject({
    modelHash: hashSchema,
    modelName: z.string(),
    dimension: z.number().int().min(1).max(4096),
    sizePx: z.number().int().min(8).max(1024),
    crop: z.strictObject({ margin: share, fill: z.number().int().min(0).max(255) }).optional(),
    emphasis: z
      .array(
        z.strictObject({
          from: z.number().int().min(0),
          to: z.number().int().min(1),
          factor: z.number().min(0.01).max(100),
        }),
      )
      .max(16)
      .optional(),
    grades: z.array(gradeSchema).max(64),
    references: z.array(
      z.strictObject({
        id: idSchema,
        grade: gradeSchema,
        origin: z.string().max(4096),
        enrolledAt: z.string(),
        views: z.number().int().min(1).max(MAX_VIEWS),
        digest: hashSchema.optional(),
        cameras: z.array(z.string().min(1).max(256)).min(1).max(16).optional(),
        from: z.array(z.number().int().min(0).max(15)).optional(),
      }),
    ),
    tolerances: mapSchema(gradeSchema, share).optional(),
    fit: z
      .strictObject({
        rule: z.string().max(64),
        alpha: share,
        fittedAt: z.string(),
        references: hashSchema,
        figures: z
          .array(z.strictObject({ rule: z.string().max(64), itemBalancedAccuracy: share, low: share, high: share }))
          .max(64),
        cameras: mapSchema(z.string(), hashSchema).nullable(),
      })
      .optional(),
  })
  .superRefine(({ grades, references, dimension, emphasis = [] }, context) => {
    const refuse = (message: string, ...path: (string | number)[]): void =>
      context.addIssue({ code: "custom", message, path });
    for (const [index, { from, to }] of emphasis.entries()) {
      if (from >= to || to > dimension) refuse("is not within the embedding", "emphasis", index);
    }
    const named = new Set(grades);
    if (named.size < grades.length) refuse("a grade is named twice", "grades");
    const ids = new Set<string>();
    for (const [index, { id, grade, views, cameras = [], from }] of references.entries()) {
      const known = from === undefined ? cameras.length <= 1 : from.length === views;
      if (!known || from?.some((camera) => camera >= cameras.length)) {
        refuse("does not say which camera saw each view", "references", index, "from");
      }
      if (!named.has(grade)) refuse("is not among the grades", "references", index, "grade");
      if (ids.has(id)) refuse("is there twice", "references", index, "id");
      ids.add(id);
    }
  });

export interface GalleryFile {
  readonly gallery: Gallery;
  readonly modelName: string;
  /** sha256 of what the file says, hex. */
  readonly hash: string;
}

/** @throws {GradelineError} GALLERY when it holds what could not be read again: what is on disk stays */
export function encodeGallery(gallery: Gallery, modelName: string): Uint8Array[] {
  const { modelHash, dimension, sizePx, crop, emphasis, grades, references, tolerances, fit } = gallery;
  const parsed = headerSchema.safeParse({
    modelHash,
    modelName,
    dimension,
    sizePx,
    crop,
    emphasis,
    grades: [...grades],
    references: references.map(({ embeddings: _, ...described }) => described),
    tolerances,
    fit,
  });
  if (!parsed.success) throw new GradelineError("GALLERY", `the gallery cannot be kept: ${firstIssue(parsed.error)}`);
  const header = new TextEncoder().encode(JSON.stringify(parsed.data, mapsAsObjects));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  const body = Buffer.concat([
    MAGIC,
    length,
    header,
    ...references.map(
      ({ embeddings }) => new Uint8Array(embeddings.buffer, embeddings.byteOffset, embeddings.byteLength),
    ),
  ]);
  return [body, Buffer.from(sha256(body), "hex")];
}

/**
 * @param name of the file, for the message
 * @throws {GradelineError} GALLERY when it is torn, or no gallery
 */
export function decodeGallery(bytes: Uint8Array, name: string): GalleryFile {
  const refuse = (reason: string): GradelineError =>
    new GradelineError("GALLERY", `${name} is not a whole gallery: ${reason}`, {
      hint: "restore it from a backup, or enroll again",
    });
  if (bytes.length < MAGIC.length + 4 + HASH_BYTES) throw refuse(`it has ${bytes.length} bytes`);
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) throw refuse("it begins with something else");
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  const hash = sha256(body);
  if (hash !== Buffer.from(bytes.subarray(bytes.length - HASH_BYTES)).toString("hex")) {
    throw refuse(`it was cut or changed (${bytes.length} bytes, its sha256 does not fit)`);
  }
  const headerLength = new DataView(body.buffer, body.byteOffset).getUint32(MAGIC.length, true);
  const headerStart = MAGIC.length + 4;
  const parsed = headerSchema.safeParse(parseJson(body.subarray(headerStart, headerStart + headerLength)));
  if (!parsed.success) throw refuse(`its header does not fit: ${firstIssue(parsed.error)}`);
  const { modelHash, modelName, dimension, sizePx, crop, emphasis, grades, references, tolerances, fit } = parsed.data;
  const rows = references.reduce((sum, { views }) => sum + views, 0);
  if (body.length !== headerStart + headerLength + rows * dimension * 4) throw refuse("embeddings are missing");
  // A copy: the embeddings need not lie at a multiple of four bytes in the file. `slice` of a Buffer makes none.
  const all = new Float32Array(new Uint8Array(body.subarray(headerStart + headerLength)).buffer);
  let row = 0;
  return {
    hash,
    modelName,
    gallery: {
      modelHash,
      dimension,
      sizePx,
      ...(crop === undefined ? {} : { crop }),
      ...(emphasis === undefined ? {} : { emphasis }),
      grades,
      ...(tolerances === undefined ? {} : { tolerances }),
      ...(fit === undefined ? {} : { fit }),
      references: references.map((reference) => {
        const embeddings = all.subarray(row * dimension, (row + reference.views) * dimension);
        row += reference.views;
        return { ...reference, embeddings };
      }),
    },
  };
}

/**
 * The ids a gallery's file names, by its beginning alone; undefined where that cannot be read. The rest may be torn.
 */
export async function readIds(file: FileHandle): Promise<string[] | undefined> {
  const start = Buffer.alloc(MAGIC.length + 4);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  if (bytesRead < start.length || !MAGIC.every((byte, index) => start[index] === byte)) return undefined;
  const header = Buffer.alloc(Math.min(start.readUInt32LE(MAGIC.length), (await file.stat()).size));
  await file.read(header, 0, header.length, start.length);
  const parsed = headerSchema.safeParse(parseJson(header));
  return parsed.success ? parsed.data.references.map(({ id }) => id) : undefined;
}

/** Undefined, which no header is, where it is no JSON. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function firstIssue(error: z.ZodError): string {
  const { path, message } = error.issues[0]!;
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
