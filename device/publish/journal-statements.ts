import type { DatabaseSync } from "node:sqlite";
import { factsSaver } from "./journal-facts.ts";
import type { JournalRow } from "./journal-row.ts";
import { inserter } from "./journal-schema.ts";

const PAGE_BYTES = 4096;

/** Which verdicts of a lane: by number, by the wall time of their decision, or both. Ends are included. */
export interface Selection {
  readonly lane: string;
  readonly fromSeq?: number | undefined;
  readonly toSeq?: number | undefined;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
}

export type StoredRow = JournalRow & { readonly sum: number };

export function boundsOf({ lane, fromSeq, toSeq, fromUs, toUs }: Selection): [string, number, number, number, number] {
  const top = Number.MAX_SAFE_INTEGER;
  return [lane, fromSeq ?? 0, toSeq ?? top, fromUs ?? -top, toUs ?? top];
}

export type Statements = ReturnType<typeof prepare>;

export function prepare(db: DatabaseSync) {
  const where = "WHERE lane = ? AND seq BETWEEN ? AND ? AND decidedAt BETWEEN ? AND ?";
  return {
    insert: inserter(db).insert,
    bySeq: db.prepare("SELECT id, item FROM verdicts WHERE lane = ? AND seq = ?"),
    range: db.prepare("SELECT * FROM verdicts WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"),
    count: db.prepare(`SELECT count(*) AS n FROM verdicts ${where}`),
    select: db.prepare(`SELECT * FROM verdicts INDEXED BY bySeq ${where} ORDER BY seq LIMIT ?`),
    oldest: db.prepare("SELECT id, tick FROM verdicts ORDER BY id LIMIT 1"),
    lowest: db.prepare("SELECT id FROM verdicts ORDER BY id LIMIT ?"),
    forget: db.prepare(
      "DELETE FROM verdicts WHERE id IN (SELECT id FROM verdicts WHERE id BETWEEN ? AND ? AND tick < ? ORDER BY id LIMIT ?)",
    ),
    drop: db.prepare("DELETE FROM verdicts WHERE id = ?"),
    pages: db.prepare("PRAGMA page_count"),
    free: db.prepare("PRAGMA freelist_count"),
    save: factsSaver(db),
    keepBad: db.prepare(
      "INSERT OR IGNORE INTO bad SELECT id, lane, seq, item, payload FROM verdicts WHERE id = ? AND (SELECT count(*) FROM bad) < ?",
    ),
  };
}

/** Pages in use. */
export function bytesOf({ pages, free }: Statements): number {
  return (Number(pages.get()!.page_count) - Number(free.get()!.freelist_count)) * PAGE_BYTES;
}
