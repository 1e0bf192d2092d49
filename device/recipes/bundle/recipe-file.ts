import { createHash } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { GradelineError } from "../../base/errors.ts";
import { unwritable } from "../../base/files.ts";
import type { Closable } from "../../base/lifecycle.ts";
import { shortHash } from "../../base/short-hash.ts";
import { publicKeySchema } from "../../config/public-key.ts";
import { ArchiveReader, archiveBytes, archiveEnd, entryHeader, entryPadding } from "./archive.ts";
import {
  decodeManifest,
  digestOfManifest,
  encodeManifest,
  labelOf,
  MAX_MANIFEST_BYTES,
  MAX_RECIPE_BYTES,
  type Manifest,
  type Part,
} from "./manifest.ts";
import { fingerprint, isSigned, type Signer } from "./signing.ts";

/*
 * A recipe's file is an archive (see archive.ts) of, in this order: manifest.json; manifest.sig, the signature over the
 * bytes of the manifest; every part that the manifest names, in its order and of its size. So a reader knows whom to
 * trust before it takes anything, knows every size and hash ahead, and reads the file once from beginning to end.
 */
export const MANIFEST = "manifest.json";
export const SIGNATURE = "manifest.sig";
const MAX_SIGNATURE_BYTES = 1024;
/** Files that are made durable at once. */
const SYNC_AT_ONCE = 16;

const signatureSchema = z.strictObject({
  v: z.literal(1),
  key: publicKeySchema,
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});

export interface RecipeHead {
  readonly manifest: Manifest;
  /** By which it is known: sha256 of its manifest, hex. */
  readonly digest: string;
  /** Whose signature it bears. */
  readonly publicKey: string;
}

/**
 * The bytes of a recipe's file, in pieces.
 *
 * @param content of a part, of exactly its size
 */
export async function* encodeRecipe(
  manifest: Manifest,
  signer: Signer,
  content: (part: Part) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const head = encodeManifest(manifest);
  if (head.length > MAX_MANIFEST_BYTES) {
    throw new GradelineError("RECIPE", `the recipe has ${manifest.parts.length} parts, more than one file can name`);
  }
  const signature = encodeSignature(signer, head);
  for (const [path, bytes] of [
    [MANIFEST, head],
    [SIGNATURE, signature],
  ] as const) {
    yield entryHeader({ path, bytes: bytes.length });
    yield bytes;
    yield entryPadding(bytes.length);
  }
  for (const part of manifest.parts) {
    yield entryHeader(part);
    const check = new Check(part);
    for await (const piece of content(part)) {
      check.add(piece);
      yield piece;
    }
    const found = check.end();
    if (found !== undefined) throw new GradelineError("RECIPE", `${part.path} changed while it was read: ${found}`);
    yield entryPadding(part.bytes);
  }
  yield archiveEnd();
}

/** Bytes that a recipe's file will have. */
export function recipeBytes(manifest: Manifest, signer: Signer): number {
  const head = encodeManifest(manifest);
  const sizes = [head.length, encodeSignature(signer, head).length, ...manifest.parts.map(({ bytes }) => bytes)];
  return archiveBytes(sizes);
}

/** A recipe's file that bears a trusted signature. */
export class RecipeFile implements Closable {
  readonly head: RecipeHead;
  readonly path: string;
  readonly #archive: ArchiveReader;
  readonly #raw: { readonly manifest: Uint8Array; readonly signature: Uint8Array };

  private constructor(
    path: string,
    archive: ArchiveReader,
    head: RecipeHead,
    raw: { readonly manifest: Uint8Array; readonly signature: Uint8Array },
  ) {
    this.path = path;
    this.#archive = archive;
    this.head = head;
    this.#raw = raw;
  }

  /**
   * Reads the head of a file: nothing of it is taken for true before its signature is.
   *
   * @param trust public keys; undefined: whoever signed it, to look at it
   * @throws {GradelineError} RECIPE when it is no whole recipe, RECIPE_SIGNATURE when nobody trusted signed it, FILE
   */
  static async open(path: string, trust: readonly string[] | undefined): Promise<RecipeFile> {
    const archive = await ArchiveReader.open(path, MAX_RECIPE_BYTES);
    try {
      const manifest = await readSmall(archive, MANIFEST, MAX_MANIFEST_BYTES);
      const signature = await readSmall(archive, SIGNATURE, MAX_SIGNATURE_BYTES);
      const head = checkHead(path, manifest, signature, trust);
      if (typeof head === "string") throw archive.wrong(head);
      const sizes = [manifest.length, signature.length, ...head.manifest.parts.map(({ bytes }) => bytes)];
      const wanted = archiveBytes(sizes);
      if (archive.bytes !== wanted) {
        throw archive.wrong(`it has ${archive.bytes} bytes, its manifest wants ${wanted}: it was cut or added to`);
      }
      return new RecipeFile(path, archive, head, { manifest, signature });
    } catch (error) {
      await archive.close();
      throw error;
    }
  }

  /** Of the whole file. */
  get bytes(): number {
    return this.#archive.bytes;
  }

  /**
   * Reads every part and holds it against its hash, without writing anything.
   *
   * @throws {GradelineError} RECIPE when one was changed
   */
  async verify(onBytes: (done: number) => void = () => {}): Promise<void> {
    await this.#each(async (_part, content) => {
      for await (const piece of content) onBytes(piece.length);
    });
  }

  /**
   * Writes every part into a folder that does not exist yet, with the manifest and its signature beside them. They are
   * on the disk when it returns; where it throws the folder is gone again.
   *
   * @throws {GradelineError} RECIPE when a part was changed, FILE when the disk takes no more
   */
  async extract(folder: string, signal?: AbortSignal): Promise<void> {
    const written: string[] = [];
    const folders = new Set([folder]);
    try {
      await mkdir(folder);
      await this.#each(async ({ path }, content) => {
        const to = join(folder, path);
        if (!folders.has(dirname(to))) {
          await mkdir(dirname(to), { recursive: true });
          for (let each = dirname(to); each !== folder; each = dirname(each)) folders.add(each);
        }
        const file = await open(to, "wx", 0o640);
        try {
          for await (const piece of content) {
            signal?.throwIfAborted();
            await file.writeFile(piece);
          }
        } finally {
          await file.close();
        }
        written.push(to);
      });
      for (const [name, bytes] of [
        [MANIFEST, this.#raw.manifest],
        [SIGNATURE, this.#raw.signature],
      ] as const) {
        const file = await open(join(folder, name), "wx", 0o640);
        await file.writeFile(bytes).finally(() => file.close());
        written.push(join(folder, name));
      }
      const all = [...written, ...folders];
      for (let from = 0; from < all.length; from += SYNC_AT_ONCE) {
        await Promise.all(all.slice(from, from + SYNC_AT_ONCE).map(makeDurable));
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error instanceof GradelineError ? error : unwritable(folder, error);
    }
  }

  async close(): Promise<void> {
    await this.#archive.close();
  }

  async #each(take: (part: Part, content: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
    for (const part of this.head.manifest.parts) {
      const entry = await this.#archive.next();
      if (entry?.path !== part.path || entry.bytes !== part.bytes) {
        const found = entry === undefined ? "its end" : `${entry.path} of ${entry.bytes} bytes`;
        throw this.#archive.wrong(`found ${found}, its manifest wants ${part.path} of ${part.bytes}`);
      }
      const check = new Check(part);
      await take(part, checked(this.#archive.content(), check));
      const found = check.end();
      if (found !== undefined) throw this.#archive.wrong(`${part.path} was changed: ${found}`);
    }
    if ((await this.#archive.next()) !== undefined)
      throw this.#archive.wrong("it has parts that its manifest does not name");
  }
}

/**
 * Holds a manifest against its signature.
 *
 * @returns what is wrong where it is no manifest
 * @throws {GradelineError} RECIPE_SIGNATURE when nobody trusted signed it
 */
export function checkHead(
  path: string,
  bytes: Uint8Array,
  signatureBytes: Uint8Array,
  trust: readonly string[] | undefined,
): RecipeHead | string {
  let signature: z.output<typeof signatureSchema>;
  try {
    signature = signatureSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(signatureBytes)));
  } catch {
    return "its signature cannot be read";
  }
  const { key } = signature;
  if (trust !== undefined && !trust.includes(key)) {
    const known = trust.length === 0 ? "none is" : `those are ${trust.map(fingerprint).join(", ")}`;
    throw new GradelineError(
      "RECIPE_SIGNATURE",
      `${path} is signed by the key ${fingerprint(key)}, which is not among the trusted ones (${known})`,
      { hint: `where you know whose key it is, add it to recipes.trust of the configuration: ${key}` },
    );
  }
  if (!isSigned(bytes, Buffer.from(signature.signature, "base64url"), key)) {
    throw new GradelineError("RECIPE_SIGNATURE", `${path} was changed after the key ${fingerprint(key)} signed it`, {
      hint: "get it again from whoever made it; nothing of it was used",
    });
  }
  const manifest = decodeManifest(bytes);
  if (typeof manifest === "string") return manifest;
  return { manifest, digest: digestOfManifest(bytes), publicKey: key };
}

/** For messages: `apples-3 (1a2b3c4d)`. */
export function describeHead({ manifest, digest }: RecipeHead): string {
  return `${labelOf(manifest)} (${digest.slice(0, 8)})`;
}

/** Size and hash of a part as it passes. */
class Check {
  readonly #part: Part;
  readonly #hash = createHash("sha256");
  #bytes = 0;

  constructor(part: Part) {
    this.#part = part;
  }

  add(piece: Uint8Array): void {
    this.#hash.update(piece);
    this.#bytes += piece.length;
  }

  /** What does not fit. */
  end(): string | undefined {
    const { bytes, sha256 } = this.#part;
    if (this.#bytes !== bytes) return `found ${this.#bytes} bytes, wanted ${bytes}`;
    const found = this.#hash.digest("hex");
    return found === sha256 ? undefined : `found sha256 ${shortHash(found)}, wanted ${shortHash(sha256)}`;
  }
}

async function* checked(content: AsyncIterable<Uint8Array>, check: Check): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    check.add(piece);
    yield piece;
  }
}

async function readSmall(archive: ArchiveReader, wanted: string, maxBytes: number): Promise<Uint8Array> {
  const entry = await archive.next();
  if (entry?.path !== wanted) throw archive.wrong(`found ${entry?.path ?? "its end"}, wanted ${wanted}`);
  if (entry.bytes > maxBytes) throw archive.wrong(`${wanted} has ${entry.bytes} bytes, at most ${maxBytes} are read`);
  return archive.all();
}

function encodeSignature(signer: Signer, manifest: Uint8Array): Uint8Array {
  const signature = Buffer.from(signer.sign(manifest)).toString("base64url");
  return new TextEncoder().encode(JSON.stringify({ v: 1, key: signer.publicKey, signature }));
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, "r");
  await file.sync().finally(() => file.close());
}
