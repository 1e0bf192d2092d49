import { z } from "zod";
import { sha256 } from "../../base/files.ts";
import { gradeSchema } from "../../config/schema.ts";

/** Largest file that is read as a recipe. */
export const MAX_RECIPE_BYTES = 2 * 1024 ** 3;
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
const MAX_PARTS = 50_000;
/** Objects and lists within each other, the outermost included; a manifest has three. */
const MAX_DEPTH = 4;
/** Braces, brackets, colons and commas: eight for each part, and those of all the rest. */
const MAX_MARKS = 8 * MAX_PARTS + 10_000;

/** Name and version of a recipe are part of messages and shown to people. */
const word = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, "1 to 32 letters, digits, . _ or -, starting with a letter or digit");
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);
const share = z.number().min(0).max(1);

export const GALLERY_PART = "gallery/gallery.bin";
const MODEL_PART = /^model\/[A-Za-z0-9][A-Za-z0-9._-]{0,90}$/;
const CROPS_PART = /^gallery\/crops\/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.png$/;

const partSchema = z.strictObject({
  path: z
    .string()
    .max(100)
    .refine((path) => path === GALLERY_PART || MODEL_PART.test(path) || CROPS_PART.test(path), "a path of ours"),
  bytes: count.max(MAX_RECIPE_BYTES),
  sha256: hash,
});

/** What a recipe is and consists of. It is signed, and it says the hash of everything else. */
export const manifestSchema = z
  .strictObject({
    format: z.literal("gradeline-recipe"),
    v: z.literal(1),
    name: word,
    version: word,
    /** RFC 3339, UTC. */
    madeAt: z.iso.datetime(),
    /** Version of gradeline. */
    madeWith: z.string().max(64),
    model: z.strictObject({
      name: z.string().max(256),
      version: z.string().max(256),
      /** Of the model that the gallery is bound to. */
      hash,
      /** Which part describes it. */
      description: z.string().regex(MODEL_PART),
    }),
    gallery: z.strictObject({ hash, items: count.min(1), views: count.min(1) }),
    /** Best first; the limit is the largest distance of a view that counts as covered. */
    grades: z
      .array(z.strictObject({ grade: gradeSchema, items: count, tolerance: share.nullable(), limit: z.number() }))
      .min(1)
      .max(64),
    thresholds: z.strictObject({
      rule: z.string().max(64),
      alpha: share,
      /** Null where it was never calibrated: the usual rule and share apply. */
      fittedAt: z.string().max(64).nullable(),
      /** How far an item as a whole may be from the most alike one that is enrolled. */
      kinLimit: z.number(),
    }),
    /** In the order in which they follow. */
    parts: z.array(partSchema).min(2).max(MAX_PARTS),
  })
  .superRefine(({ parts, model }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: "custom", message, path: ["parts"] });
    const paths = new Set(parts.map(({ path }) => path));
    if (paths.size < parts.length) refuse("a path is there twice");
    if (!paths.has(GALLERY_PART)) refuse("it has no gallery");
    if (!paths.has(model.description)) refuse("it has no description of the model");
  });

export type Manifest = z.output<typeof manifestSchema>;
export type Part = Manifest["parts"][number];

export const nameWordSchema = word;

/** How messages and people call a recipe. */
export function labelOf({ name, version }: Pick<Manifest, "name" | "version">): string {
  return `${name}-${version}`;
}

/** The one text of a manifest: keys by alphabet, no spaces, so that the same recipe always has the same hash. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(canonical(manifest));
}

/** By which a recipe is known, hex. */
export function digestOfManifest(bytes: Uint8Array): string {
  return sha256(bytes);
}

/** @returns the manifest, or what is wrong with it */
export function decodeManifest(bytes: Uint8Array): Manifest | string {
  if (!isModest(bytes)) return "its manifest holds more than one can, or holds it too deeply";
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return "its manifest is no JSON";
  }
  const version = (value as { v?: unknown } | null)?.v;
  if (typeof version === "number" && version > 1)
    return `its manifest is of version ${version}, this gradeline reads 1`;
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return `its manifest does not fit: ${path.length === 0 ? message : `${path.join(".")}: ${message}`}`;
  }
  if (canonical(parsed.data) !== Buffer.from(bytes).toString("utf8")) return "its manifest is not in canonical form";
  return parsed.data;
}

/** A parser would spend seconds and a gigabyte on what is only brackets, or only keys. */
function isModest(bytes: Uint8Array): boolean {
  let depth = 0;
  let marks = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (MARKS[byte] === 1) {
      depth += DEEPER[byte]!;
      if (depth > MAX_DEPTH || ++marks > MAX_MARKS) return false;
    }
  }
  return true;
}

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const MARKS = new Uint8Array(256);
for (const mark of "{}[]:,") MARKS[mark.charCodeAt(0)] = 1;
const DEEPER = new Int8Array(256);
for (const mark of "{[") DEEPER[mark.charCodeAt(0)] = 1;
for (const mark of "}]") DEEPER[mark.charCodeAt(0)] = -1;

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}
