import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { checksumOf, type JournalRow, messageOf } from "./journal-row.ts";

/*
 * Reads verdicts out of the bytes of a journal's file and of its log, without SQLite: what SQLite refuses as damaged, or
 * leaves out because its log is broken off, is found row by row. Whatever is there by chance fails the row's checksum.
 *
 * https://www.sqlite.org/fileformat2.html
 */

const PAGE_BYTES = 4096;
const WAL_HEAD_BYTES = 32;
const FRAME_HEAD_BYTES = 24;
const CHUNK_PAGES = 256;
/** Largest message that is followed over further pages. */
const MAX_ROW_BYTES = 1 << 20;

export interface FoundRow extends JournalRow {
  /** Only of a file of 0.1.0: whether the broker had acknowledged it. */
  readonly acked?: boolean;
  /** Byte at which it begins in the file, or in the log. */
  readonly at?: number;
}

/** The row that begins at a byte of the file; undefined if it is gone. */
export function rowInFile(fd: number, at: number): FoundRow | undefined {
  const start = at - (at % PAGE_BYTES);
  const page = readPage(fd, start);
  return page && rowAt(page, at - start, (number) => readPage(fd, (number - 1) * PAGE_BYTES));
}

/**
 * Every row of the file that is whole, in no order, perhaps twice. A file that is not there has none.
 *
 * @param log those of the log beside it, too, and before all others
 */
export function* scanJournal(path: string, log = true): Generator<FoundRow> {
  if (log) yield* scanLog(`${path}-wal`);
  yield* scan(path, 0, 0);
}

/** The same of the write-ahead log alone, the oldest first. */
export function* scanLog(path: string): Generator<FoundRow> {
  yield* scan(path, WAL_HEAD_BYTES, FRAME_HEAD_BYTES);
}

function* scan(path: string, headBytes: number, frameBytes: number): Generator<FoundRow> {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return;
  }
  try {
    const { size } = fstatSync(fd);
    const step = PAGE_BYTES + frameBytes;
    const chunk = Buffer.alloc(step * CHUNK_PAGES);
    const pageAt = frameBytes === 0 ? (number: number) => readPage(fd, (number - 1) * PAGE_BYTES) : laterPage(fd, size);
    for (let at = headBytes; at < size; at += chunk.length) {
      const read = readSync(fd, chunk, 0, chunk.length, at);
      for (let offset = frameBytes; offset < read; offset += step) {
        const page = chunk.subarray(offset, Math.min(read, offset + PAGE_BYTES));
        for (const row of rowsOf(page, pageAt)) yield { ...row, at: at + offset + row.at };
      }
    }
  } finally {
    closeSync(fd);
  }
}

type PageAt = (number: number) => Buffer | undefined;

function readPage(fd: number, at: number): Buffer | undefined {
  const page = Buffer.alloc(PAGE_BYTES);
  return at >= 0 && readSync(fd, page, 0, PAGE_BYTES, at) === PAGE_BYTES ? page : undefined;
}

/** The newest frame of a page in a log. */
function laterPage(fd: number, size: number): PageAt {
  let frames: Map<number, number> | undefined;
  const index = (): Map<number, number> => {
    const found = new Map<number, number>();
    const head = Buffer.alloc(4);
    for (let at = WAL_HEAD_BYTES; at + FRAME_HEAD_BYTES < size; at += FRAME_HEAD_BYTES + PAGE_BYTES) {
      readSync(fd, head, 0, 4, at);
      found.set(head.readUInt32BE(0), at + FRAME_HEAD_BYTES);
    }
    return found;
  };
  return (number) => {
    frames ??= index();
    const at = frames.get(number);
    return at === undefined ? undefined : readPage(fd, at);
  };
}

/** Takes the page for a leaf of the table whatever its first bytes say, and all that may be pointers to rows. */
function* rowsOf(page: Buffer, pageAt: PageAt): Generator<FoundRow & { readonly at: number }> {
  for (let pointer = 8, end = page.length; pointer + 2 <= end; pointer += 2) {
    const at = page.readUInt16BE(pointer);
    if (at < pointer || at >= page.length) {
      // Past the last pointer lies free space; a damaged one among them is skipped.
      if (at === 0) return;
      continue;
    }
    const row = rowAt(page, at, pageAt);
    if (row === undefined) continue;
    end = Math.min(end, at);
    yield { ...row, at };
  }
}

function rowAt(page: Buffer, at: number, pageAt: PageAt): FoundRow | undefined {
  const [size, afterSize] = varint(page, at);
  const [id, start] = varint(page, afterSize);
  if (!(size > 20 && size <= MAX_ROW_BYTES && id >= 1)) return undefined;
  const record = recordAt(page, start, size, pageAt);
  if (record === undefined) return undefined;
  const values = columnsOf(record);
  if (values === undefined) return undefined;
  const [, lane, seq, item, payload, sixth, seventh, sum] = values;
  if (typeof lane !== "string" || typeof item !== "string" || typeof payload !== "string") return undefined;
  if (typeof seq !== "number" || typeof sixth !== "number" || typeof seventh !== "number") return undefined;
  if (values.length === 7) {
    // Of 0.1.0, which wrote no checksum: the message itself must fit.
    const row = { id, lane, seq, item, payload, decidedAt: sixth, tick: 0, acked: seventh === 1 };
    return messageOf(row) === undefined ? undefined : row;
  }
  const row: JournalRow = { id, lane, seq, item, payload, decidedAt: sixth, tick: seventh };
  return checksumOf(row) === sum ? row : undefined;
}

/** A row's bytes; what does not fit on its page goes on over others. */
function recordAt(page: Buffer, start: number, size: number, pageAt: PageAt): Buffer | undefined {
  const most = PAGE_BYTES - 35;
  if (size <= most) return start + size <= page.length ? page.subarray(start, start + size) : undefined;
  const least = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;
  const split = least + ((size - least) % (PAGE_BYTES - 4));
  const local = split <= most ? split : least;
  if (start + local + 4 > page.length) return undefined;
  const parts = [page.subarray(start, start + local)];
  let next = page.readUInt32BE(start + local);
  for (let left = size - local; left > 0; left -= PAGE_BYTES - 4) {
    const more = pageAt(next);
    if (more === undefined) return undefined;
    parts.push(more.subarray(4, 4 + Math.min(left, PAGE_BYTES - 4)));
    next = more.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** The values of a record that may be a row of the journal; undefined if it cannot be. */
function columnsOf(record: Buffer): (string | number | undefined)[] | undefined {
  const [headBytes, first] = varint(record, 0);
  if (!(headBytes >= 8 && headBytes <= 40 && headBytes <= record.length)) return undefined;
  const values: (string | number | undefined)[] = [];
  let at = headBytes;
  for (let head = first; head < headBytes; ) {
    const [type, next] = varint(record, head);
    head = next;
    if (type === 0 || type === 8 || type === 9) values.push(type === 0 ? undefined : type - 8);
    else if (type <= 6) {
      const bytes = type <= 4 ? type : type === 5 ? 6 : 8;
      if (at + bytes > record.length) return undefined;
      values.push(bytes <= 6 ? record.readIntBE(at, bytes) : Number(record.readBigInt64BE(at)));
      at += bytes;
    } else if (type === 7) {
      if (at + 8 > record.length) return undefined;
      values.push(record.readDoubleBE(at));
      at += 8;
    } else if (type >= 13 && type % 2 === 1) {
      const bytes = (type - 13) / 2;
      if (at + bytes > record.length) return undefined;
      values.push(record.toString("utf8", at, at + bytes));
      at += bytes;
    } else return undefined;
  }
  return (values.length === 7 || values.length === 8) && at === record.length ? values : undefined;
}

/** @returns the number, NaN where the bytes end, and where the next begins */
function varint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let k = 0; k < 8; k++) {
    const byte = bytes[at + k];
    if (byte === undefined) return [Number.NaN, at];
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + k + 1];
  }
  const byte = bytes[at + 8];
  return byte === undefined ? [Number.NaN, at] : [value * 256 + byte, at + 9];
}
