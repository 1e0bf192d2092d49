import { type FileHandle, open } from "node:fs/promises";
import { GradelineError } from "../../base/errors.ts";
import type { Closable } from "../../base/lifecycle.ts";

/*
 * A plain ustar archive, which every `tar` lists and unpacks. What is read here is only what is written here: regular
 * files with short names, nothing else. Libraries for tar know links, long names and extended headers, which they read
 * into memory as large as a file says; of an alien file that would all have to be refused again.
 *
 * See POSIX.1-2017, pax, "ustar Interchange Format".
 */

const BLOCK = 512;
const CHUNK = 256 * 1024;
/** Eleven octal digits. */
const MAX_ENTRY_BYTES = 8 ** 11 - 1;
const NAME_BYTES = 100;
/** Folders and files of ours: neither absolute nor upwards, no hidden ones, nothing to be escaped. */
const PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

export interface ArchiveEntry {
  readonly path: string;
  readonly bytes: number;
}

/** The block before an entry's content: the same for the same entry, whoever writes it and when. */
export function entryHeader({ path, bytes }: ArchiveEntry): Uint8Array {
  if (!PATH.test(path) || path.length > NAME_BYTES || !(bytes >= 0 && bytes <= MAX_ENTRY_BYTES)) {
    throw new GradelineError("INTERNAL", `${path} with ${bytes} bytes cannot be an entry of an archive`);
  }
  const header = Buffer.alloc(BLOCK);
  header.write(path, 0, "ascii");
  header.write("0000644\0", 100, "ascii");
  header.write("0000000\0", 108, "ascii");
  header.write("0000000\0", 116, "ascii");
  header.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124, "ascii");
  header.write("00000000000\0", 136, "ascii");
  header.write("0", 156, "ascii");
  header.write("ustar\x0000", 257, "ascii");
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148, "ascii");
  return header;
}

/** What follows an entry's content, up to the next block. */
export function entryPadding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK - (bytes % BLOCK)) % BLOCK);
}

/** What ends an archive. */
export function archiveEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

/** Bytes that an archive with these entries has. */
export function archiveBytes(sizes: Iterable<number>): number {
  let sum = 2 * BLOCK;
  for (const bytes of sizes) sum += BLOCK + bytes + entryPadding(bytes).length;
  return sum;
}

/** Reads an archive from its beginning to its end, in pieces; whatever is in the file, little of it is in memory. */
export class ArchiveReader implements Closable {
  /** Of the whole file. */
  readonly bytes: number;
  readonly #path: string;
  readonly #file: FileHandle;
  #at = 0;
  #left = 0;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.#path = path;
    this.#file = file;
    this.bytes = bytes;
  }

  /**
   * @param maxBytes a larger file is refused before it is read
   * @throws {GradelineError} RECIPE when it is no file, or too large; FILE when it cannot be read
   */
  static async open(path: string, maxBytes: number): Promise<ArchiveReader> {
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (error) {
      throw new GradelineError("FILE", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
    }
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > maxBytes) {
      await file.close();
      const found = stat.isFile() ? `it has ${stat.size} bytes, at most ${maxBytes} are read` : "it is no file";
      throw notOurs(path, found);
    }
    return new ArchiveReader(path, file, stat.size);
  }

  /**
   * The next entry; undefined at the end. What is left of the one before must have been read.
   *
   * @throws {GradelineError} RECIPE when there stands something else
   */
  async next(): Promise<ArchiveEntry | undefined> {
    if (this.#left > 0) throw new GradelineError("INTERNAL", "an entry was not read to its end");
    const header = await this.#take(BLOCK);
    if (header.every((byte) => byte === 0)) {
      const last = await this.#take(BLOCK);
      if (last.some((byte) => byte !== 0) || this.#at !== this.bytes) throw this.wrong("something follows its end");
      return undefined;
    }
    const entry = this.#parse(header);
    this.#left = entry.bytes;
    return entry;
  }

  /** The content of the entry, in pieces that are valid until the next one is asked for. */
  async *content(): AsyncGenerator<Uint8Array> {
    const padding = entryPadding(this.#left).length;
    const buffer = Buffer.alloc(Math.min(CHUNK, this.#left));
    while (this.#left > 0) {
      const wanted = Math.min(buffer.length, this.#left);
      await this.#fill(buffer, wanted);
      this.#left -= wanted;
      yield buffer.subarray(0, wanted);
    }
    if (padding > 0 && (await this.#take(padding)).some((byte) => byte !== 0)) {
      throw this.wrong("it has bytes between its entries");
    }
  }

  /** The content of a small entry. */
  async all(): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.content()) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  }

  /** The error of a file that is not as it should be. */
  wrong(found: string): GradelineError {
    return notOurs(this.#path, found);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #parse(header: Buffer): ArchiveEntry {
    const text = (from: number, to: number): string => {
      const field = header.subarray(from, to);
      const end = field.indexOf(0);
      return field.subarray(0, end === -1 ? field.length : end).toString("latin1");
    };
    if (header.subarray(257, 263).toString("latin1") !== "ustar\0") throw this.wrong("it is not a tar archive");
    const path = text(0, NAME_BYTES);
    const shown = JSON.stringify(path.slice(0, 80));
    if (text(156, 157) !== "0" || text(157, 257) !== "") throw this.wrong(`${shown} in it is a link or no file`);
    if (text(345, 500) !== "" || !PATH.test(path)) throw this.wrong(`${shown} in it is not a path of ours`);
    const size = text(124, 136);
    if (!/^[0-7]{11}$/.test(size)) throw this.wrong(`${shown} in it has no size`);
    const entry = { path, bytes: Number.parseInt(size, 8) };
    // One form only: owners, times and sums as we write them.
    if (!header.equals(entryHeader(entry))) throw this.wrong(`the head of ${shown} in it is not as it was written`);
    return entry;
  }

  async #take(bytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(bytes);
    await this.#fill(buffer, bytes);
    return buffer;
  }

  async #fill(buffer: Buffer, bytes: number): Promise<void> {
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await this.#file.read(buffer, done, bytes - done, this.#at);
      if (bytesRead === 0) throw this.wrong(`it ends after ${this.bytes} bytes, in the middle: it was cut`);
      done += bytesRead;
      this.#at += bytesRead;
    }
  }
}

/** Sum of all bytes, with the field of the sum itself as spaces. */
function checksumOf(header: Uint8Array): number {
  let sum = 8 * 32;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum;
}

function notOurs(path: string, found: string): GradelineError {
  return new GradelineError("RECIPE", `${path} is not a whole recipe: ${found}`, {
    hint: "copy it again, or make one: gradeline-calibrate release NAME --key FILE --out FILE",
  });
}
