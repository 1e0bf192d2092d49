import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Micros, nowMicros } from "../base/time.ts";
import type { JournalConfig } from "../config/schema.ts";
import type { VerdictDraft } from "../contract/messages.ts";
import { sqliteErrorAsGradeline } from "./journal-errors.ts";
import { number, openJournalFile } from "./journal-file.ts";

/**
 * Acknowledged verdicts that stay, so that an item appended twice around its acknowledgement is still recognised and
 * the last minutes can be read after a crash.
 */
const HISTORY_ROWS = 1000;

/** One durable verdict. */
export interface JournalRow {
  /** Grows with every append, over all lanes. */
  readonly id: number;
  readonly lane: string;
  readonly seq: number;
  readonly item: string;
  /** The message as it is published. */
  readonly payload: string;
  readonly createdAt: Micros;
}

export interface AppendedRow extends JournalRow {
  /** The item was in the journal already; this is what it got then. */
  readonly repeated: boolean;
}

export interface JournalStats {
  /** Verdicts not acknowledged yet. */
  readonly depth: number;
  /** Pages in use, bytes; the write-ahead log beside the file is not counted. */
  readonly bytes: number;
  /** Unacknowledged verdicts given up for the bound since the file was made. */
  readonly dropped: number;
}

/**
 * Verdicts in an SQLite file, blocking. WAL with `synchronous = FULL`: what `commit` returned is on the disk.
 *
 * The exclusive locking mode is the lock against a second daemon: it ends with the process, also by SIGKILL, and it
 * lets no other reader hold the write-ahead log back from being emptied.
 */
export class JournalStore {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #maxRows: number;
  readonly #maxBytes: number;
  readonly #sql: Statements;
  readonly #pageBytes: number;
  #depth: number;
  #history: number;
  #dropped: number;
  /** Where a damaged file was put when this one was made in its place. */
  readonly setAside: string | undefined;

  private constructor(db: DatabaseSync, config: JournalConfig, setAside: string | undefined) {
    this.#db = db;
    this.#path = config.path;
    this.#maxRows = config.maxRows;
    this.#maxBytes = config.maxBytes;
    this.#sql = prepare(db);
    this.setAside = setAside;
    this.#pageBytes = number(db, "PRAGMA page_size", "page_size");
    this.#depth = number(db, "SELECT count(*) AS n FROM verdicts WHERE acked = 0", "n");
    this.#history = number(db, "SELECT count(*) AS n FROM verdicts WHERE acked = 1", "n");
    this.#dropped = number(db, "SELECT value AS n FROM meta WHERE key = 'dropped'", "n");
  }

  /** @see openJournalFile */
  static open(config: JournalConfig): JournalStore {
    const { db, setAside } = openJournalFile(config.path);
    try {
      return new JournalStore(db, config, setAside);
    } catch (error) {
      db.close();
      throw sqliteErrorAsGradeline(error, config.path);
    }
  }

  get stats(): JournalStats {
    const pages =
      number(this.#db, "PRAGMA page_count", "page_count") - number(this.#db, "PRAGMA freelist_count", "freelist_count");
    return { depth: this.#depth, bytes: pages * this.#pageBytes, dropped: this.#dropped };
  }

  /**
   * One transaction: gives each draft the next number of its lane and stores it, and marks what was acknowledged.
   *
   * @param drafts in the order in which they get their numbers
   * @param acks ids of rows; unknown ones are ignored
   * @throws {GradelineError} JOURNAL, with `retry` when the disk is full; nothing of the group is stored then
   */
  commit(drafts: readonly VerdictDraft[], acks: readonly number[]): AppendedRow[] {
    const before = { depth: this.#depth, history: this.#history, dropped: this.#dropped };
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      for (const id of acks) {
        const { changes } = this.#sql.ack.run(id);
        this.#depth -= Number(changes);
        this.#history += Number(changes);
      }
      const rows = drafts.map((draft) => this.#append(draft));
      this.#bound();
      this.#db.exec("COMMIT");
      return rows;
    } catch (error) {
      this.#depth = before.depth;
      this.#history = before.history;
      this.#dropped = before.dropped;
      this.#rollback();
      throw sqliteErrorAsGradeline(error, this.#path);
    }
  }

  /** Unacknowledged rows, oldest first, with an id above `after`. */
  pending(limit: number, after = 0): JournalRow[] {
    try {
      return this.#sql.pending.all(after, limit) as unknown as JournalRow[];
    } catch (error) {
      throw sqliteErrorAsGradeline(error, this.#path);
    }
  }

  /** Moves the write-ahead log into the file, so that a later commit need not. */
  checkpoint(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // A full disk: the log keeps what is durable, and the next commit says so itself.
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #append(draft: VerdictDraft): AppendedRow {
    const found = this.#sql.find.get(draft.item) as unknown as JournalRow | undefined;
    if (found !== undefined) return { ...found, repeated: true };
    const seq = Number(this.#sql.next.get(draft.lane)!.seq);
    const { v, device, lane, ...rest } = draft;
    const payload = JSON.stringify({ v, device, lane, seq, ...rest });
    const createdAt = nowMicros();
    const { lastInsertRowid } = this.#sql.insert.run(lane, seq, draft.item, payload, createdAt);
    this.#depth++;
    return { id: Number(lastInsertRowid), lane, seq, item: draft.item, payload, createdAt, repeated: false };
  }

  /** Acknowledged rows go first; then the oldest of what nobody has got yet, counted. */
  #bound(): void {
    this.#forget(this.#history - HISTORY_ROWS);
    this.#evict(this.#depth + this.#history - this.#maxRows);
    while (this.stats.bytes > this.#maxBytes && this.#depth + this.#history > 0) {
      this.#evict(Math.max(16, Math.ceil((this.#depth + this.#history) / 100)));
    }
  }

  #evict(rows: number): void {
    if (rows <= 0) return;
    const left = rows - this.#forget(rows);
    if (left <= 0) return;
    const gone = Number(this.#sql.drop.run(left).changes);
    this.#depth -= gone;
    this.#dropped += gone;
    this.#sql.dropped.run(this.#dropped);
  }

  #forget(rows: number): number {
    if (rows <= 0 || this.#history === 0) return 0;
    const gone = Number(this.#sql.forget.run(rows).changes);
    this.#history -= gone;
    return gone;
  }

  #rollback(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself; the first error is the one to tell.
    }
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(
  db: DatabaseSync,
): Record<"find" | "next" | "insert" | "ack" | "pending" | "forget" | "drop" | "dropped", StatementSync> {
  return {
    find: db.prepare("SELECT id, lane, seq, item, payload, createdAt FROM verdicts WHERE item = ?"),
    next: db.prepare("INSERT INTO lanes VALUES (?, 1) ON CONFLICT(lane) DO UPDATE SET seq = seq + 1 RETURNING seq"),
    insert: db.prepare("INSERT INTO verdicts(lane, seq, item, payload, createdAt) VALUES (?, ?, ?, ?, ?)"),
    ack: db.prepare("UPDATE verdicts SET acked = 1 WHERE id = ? AND acked = 0"),
    pending: db.prepare(
      "SELECT id, lane, seq, item, payload, createdAt FROM verdicts WHERE acked = 0 AND id > ? ORDER BY id LIMIT ?",
    ),
    forget: db.prepare(
      "DELETE FROM verdicts WHERE id IN (SELECT id FROM verdicts WHERE acked = 1 ORDER BY id LIMIT ?)",
    ),
    drop: db.prepare("DELETE FROM verdicts WHERE id IN (SELECT id FROM verdicts WHERE acked = 0 ORDER BY id LIMIT ?)"),
    dropped: db.prepare("UPDATE meta SET value = ? WHERE key = 'dropped'"),
  };
}
