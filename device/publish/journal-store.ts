import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { JournalConfig } from "../base/config.ts";
import { GradelineError } from "../base/errors.ts";
import type { VerdictDraft } from "../base/messages.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import { isCorruption, sqliteErrorAsGradeline } from "./journal-errors.ts";

/** "grln": tells our file from another SQLite database that a wrong path may point to. */
const APPLICATION_ID = 0x67_72_6c_6e;
const SCHEMA_VERSION = 1;

/**
 * Acknowledged verdicts that stay, so that an item appended twice around its acknowledgement is still recognised and
 * the last minutes can be read after a crash.
 */
const HISTORY_ROWS = 1000;

const SCHEMA = `
  CREATE TABLE verdicts(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    item TEXT NOT NULL UNIQUE,
    payload TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    acked INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX pending ON verdicts(id) WHERE acked = 0;
  CREATE INDEX history ON verdicts(id) WHERE acked = 1;
  CREATE TABLE lanes(lane TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('dropped', 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

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

  /**
   * Opens or makes the file. A damaged one is renamed, never deleted; what can still be read of it, sequence numbers
   * and unacknowledged verdicts, goes into the new one.
   *
   * @throws {GradelineError} JOURNAL when it is locked, unreadable, of another program or of a newer version
   */
  static open(config: JournalConfig): JournalStore {
    try {
      mkdirSync(dirname(config.path), { recursive: true });
    } catch (error) {
      throw new GradelineError("JOURNAL", `cannot make the journal's folder ${dirname(config.path)}`, {
        hint: "check `journal.path` and who may write there",
        cause: error,
      });
    }
    try {
      return new JournalStore(openDatabase(config.path), config, undefined);
    } catch (error) {
      if (!isCorruption(error)) throw sqliteErrorAsGradeline(error, config.path);
    }
    const setAside = moveAway(config.path);
    try {
      const db = openDatabase(config.path);
      salvage(setAside, db);
      return new JournalStore(db, config, setAside);
    } catch (error) {
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

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Before the first access: WAL then needs no shared-memory file and the lock is kept between transactions.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    // The thread empties the log between commits; this is the fallback when it never comes to it.
    db.exec("PRAGMA wal_autocheckpoint = 4000; BEGIN IMMEDIATE;");
    const ours = number(db, "PRAGMA application_id", "application_id") === APPLICATION_ID;
    if (!ours) {
      if (number(db, "SELECT count(*) AS n FROM sqlite_schema", "n") > 0) {
        throw new GradelineError("JOURNAL", `${path} is an SQLite database of another program`, {
          hint: "give `journal.path` a file of its own",
        });
      }
      db.exec(SCHEMA);
    }
    db.exec("COMMIT");
    const version = number(db, "PRAGMA user_version", "user_version");
    if (version !== SCHEMA_VERSION) {
      throw new GradelineError("JOURNAL", `${path} has format ${version}, this program writes ${SCHEMA_VERSION}`, {
        hint: "start the version that made it until it is empty, or give `journal.path` another file",
      });
    }
    const check = db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
    if (check !== "ok") throw new CorruptFile(String(check));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

class CorruptFile extends Error {
  readonly errcode = 11;
}

/** Renames the file and its log to a name that is free; both are kept for whoever wants to look. */
function moveAway(path: string): string {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  let target = `${path}.damaged-${stamp}`;
  for (let n = 2; existsSync(target); n++) target = `${path}.damaged-${stamp}-${n}`;
  renameSync(path, target);
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${target}-wal`);
  return target;
}

/** Copies what can still be read: first the numbers of the lanes, then unacknowledged verdicts up to the damage. */
function salvage(path: string, into: DatabaseSync): void {
  let from: DatabaseSync | undefined;
  into.exec("BEGIN IMMEDIATE");
  try {
    from = new DatabaseSync(path, { readOnly: true });
    const setLane = into.prepare(
      "INSERT INTO lanes VALUES (?, ?) ON CONFLICT(lane) DO UPDATE SET seq = max(seq, excluded.seq)",
    );
    for (const row of from.prepare("SELECT lane, seq FROM lanes").iterate()) setLane.run(row.lane!, row.seq!);
    const setRow = into.prepare(
      "INSERT OR IGNORE INTO verdicts(lane, seq, item, payload, createdAt) VALUES (?, ?, ?, ?, ?)",
    );
    for (const row of from.prepare("SELECT * FROM verdicts NOT INDEXED WHERE acked = 0").iterate()) {
      setRow.run(row.lane!, row.seq!, row.item!, row.payload!, row.createdAt!);
      setLane.run(row.lane!, row.seq!);
    }
  } catch {
    // The damage begins here; what was read so far is kept.
  }
  try {
    from?.close();
  } finally {
    into.exec("COMMIT");
  }
}

function number(db: DatabaseSync, sql: string, column: string): number {
  return Number(db.prepare(sql).get()?.[column]);
}
