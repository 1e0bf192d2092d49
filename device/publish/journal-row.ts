import { crc32 } from "node:zlib";
import type { Micros } from "../base/time.ts";

/** A verdict on its way to the disk. */
export interface JournalEntry {
  readonly lane: string;
  readonly seq: number;
  readonly item: string;
  /** The message as it is published. */
  readonly payload: string;
  /** Wall time. */
  readonly decidedAt: Micros;
}

/** One durable verdict. */
export interface JournalRow extends JournalEntry {
  /** Grows by one with every row, over all lanes. */
  readonly id: number;
  /** Seconds that the journal had been open, over all its life, when the row was written. Wall time may be set back. */
  readonly tick: number;
}

/** What a row is held against when it is read: SQLite itself notices no flipped bit. */
export function checksumOf({ id, lane, seq, item, payload, decidedAt, tick }: JournalRow): number {
  return crc32(`${id}\n${lane}\n${seq}\n${item}\n${decidedAt}\n${tick}\n${payload}`);
}

/**
 * What a stored message says of itself; undefined where it is not one, or says something else than its row. Covers
 * rows of 0.1.0, which have no checksum.
 */
export function messageOf({ lane, seq, item, payload }: JournalEntry): Record<string, unknown> | undefined {
  try {
    const said = JSON.parse(payload) as Record<string, unknown> | null;
    return said?.lane === lane && said.seq === seq && said.item === item ? said : undefined;
  } catch {
    return undefined;
  }
}
