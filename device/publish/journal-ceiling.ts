import { closeSync, constants, fdatasyncSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { GradelineError } from "../base/errors.ts";

/*
 * The file beside the journal that says what the journal must know when it was damaged. Three slots, each a record of
 * its own with its checksum: two are the same and fsynced, so that damage to one loses nothing; the third is written
 * after each commit without an fsync. A kill does not lose it; a loss of power may, and then it says less than is true,
 * never more. Slots are written in place: that needs no space on a full disk.
 */
const SLOT_BYTES = 32 * 1024;
const HEAD_BYTES = 8;
const TAIL = 2;

const whole = z.number().int().min(0);
const recordSchema = z.strictObject({
  v: z.literal(1),
  /** Grows with every record that is written. */
  generation: whole,
  epoch: z.string(),
  firstId: whole,
  lastId: whole,
  tick: whole,
  /** Written at the end of a daemon: nothing came after it, so its numbers are exact. */
  clean: z.boolean(),
  /**
   * Of each lane: the highest number that is durable, the highest that an item has got, and the highest that may be
   * given without writing here first.
   */
  lanes: z.array(z.tuple([z.string(), whole, whole, whole])),
  /** Which rows each sink has. */
  sinks: z.array(z.tuple([z.string(), z.string(), whole])),
  lost: whole,
  skipped: whole,
  damaged: whole,
});

export type CeilingRecord = Omit<z.output<typeof recordSchema>, "v" | "generation">;

export class CeilingFile {
  readonly #fd: number;
  readonly #path: string;
  #generation: number;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
    this.#generation = readSlots(fd)[0]?.generation ?? 0;
  }

  /** Contents of the file; undefined if it is missing or unreadable. */
  static peek(path: string): CeilingRecord | undefined {
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch {
      return undefined;
    }
    try {
      const slots = readSlots(fd);
      const [newest] = slots;
      if (newest === undefined) return undefined;
      const { v: _, generation: __, ...record } = newest;
      return { ...record, lanes: highestOf(slots) };
    } finally {
      closeSync(fd);
    }
  }

  /** @throws {GradelineError} JOURNAL when it cannot be made or read */
  static open(path: string): CeilingFile {
    try {
      return new CeilingFile(path, openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640));
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Durable when it returns. @throws {GradelineError} JOURNAL, with `retry` */
  write(record: CeilingRecord): void {
    this.#put([0, 1, TAIL], record, true);
  }

  /** Not durable against a loss of power, but there after a kill; never throws. */
  note(record: CeilingRecord, durable = false): void {
    try {
      this.#put([TAIL], record, durable);
    } catch {
      // What it says is then older, which is allowed.
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #put(slots: readonly number[], record: CeilingRecord, durable: boolean): void {
    const bytes = encode({ v: 1, generation: ++this.#generation, ...record });
    try {
      for (const slot of slots) {
        writeSync(this.#fd, bytes, 0, bytes.length, slot * SLOT_BYTES);
        // One after the other: a loss of power tears one slot at most.
        if (durable) fdatasyncSync(this.#fd);
      }
      if (this.#generation === 1) syncFolder(this.#path);
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }
}

/** Of damaged slots the older one may be what is left; what any of them reserved stays reserved. */
function highestOf(records: readonly z.output<typeof recordSchema>[]): CeilingRecord["lanes"] {
  const lanes = new Map<string, [number, number, number]>();
  for (const record of records) {
    if (record.epoch !== records[0]!.epoch) continue;
    for (const [lane, ...numbers] of record.lanes) {
      const before = lanes.get(lane) ?? [0, 0, 0];
      // Durable and given are of the newest record that names the lane: that comes first.
      lanes.set(lane, lanes.has(lane) ? [before[0], before[1], Math.max(before[2], numbers[2])] : numbers);
    }
  }
  return [...lanes].map(([lane, numbers]) => [lane, ...numbers]);
}

function encode(record: z.output<typeof recordSchema>): Buffer {
  let text = Buffer.from(JSON.stringify(record));
  if (text.length > SLOT_BYTES - HEAD_BYTES) {
    // Ranges of a sink that is very much out of order: without them rows are sent again, none is lost.
    text = Buffer.from(JSON.stringify({ ...record, sinks: [] }));
  }
  const bytes = Buffer.alloc(HEAD_BYTES + text.length);
  bytes.writeUInt32LE(text.length, 0);
  bytes.writeUInt32LE(crc32(text), 4);
  text.copy(bytes, HEAD_BYTES);
  return bytes;
}

/** Those that are whole, the newest first. */
function readSlots(fd: number): z.output<typeof recordSchema>[] {
  const records = [0, 1, TAIL].map((slot) => readSlot(fd, slot)).filter((record) => record !== undefined);
  return records.sort((a, b) => b.generation - a.generation);
}

function readSlot(fd: number, slot: number): z.output<typeof recordSchema> | undefined {
  const bytes = Buffer.alloc(SLOT_BYTES);
  const read = readSync(fd, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES);
  if (read < HEAD_BYTES) return undefined;
  const size = bytes.readUInt32LE(0);
  const text = bytes.subarray(HEAD_BYTES, HEAD_BYTES + size);
  if (size === 0 || HEAD_BYTES + size > read || crc32(text) !== bytes.readUInt32LE(4)) return undefined;
  return recordSchema.safeParse(JSON.parse(text.toString())).data;
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function unwritable(path: string, error: unknown): GradelineError {
  return new GradelineError("JOURNAL", `${path} cannot be written: ${(error as Error).message}`, {
    hint: "check the disk, and who may write there",
    retry: true,
    cause: error,
  });
}
