import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GradelineError } from "../base/errors.ts";
import { isCorruption, sqliteErrorAsGradeline } from "./journal-errors.ts";

/** "grln": tells our file from another SQLite database that a wrong path may point to. */
const APPLICATION_ID = 0x67_72_6c_6e;
const SCHEMA_VERSION = 1;

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

export interface JournalFile {
  readonly db: DatabaseSync;
  /** Where a damaged file was put when this one was made in its place. */
  readonly setAside: string | undefined;
}

/**
 * Opens or makes the journal's file and locks it. A damaged one is renamed, never deleted; what can still be read of
 * it, sequence numbers and unacknowledged verdicts, goes into the new one.
 *
 * @throws {GradelineError} JOURNAL when it is locked, unreadable, of another program or of a newer version
 */
export function openJournalFile(path: string): JournalFile {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new GradelineError("JOURNAL", `cannot make the journal's folder ${dirname(path)}`, {
      hint: "check `journal.path` and who may write there",
      cause: error,
    });
  }
  try {
    return { db: openDatabase(path), setAside: undefined };
  } catch (error) {
    if (!isCorruption(error)) throw sqliteErrorAsGradeline(error, path);
  }
  const setAside = moveAway(path);
  try {
    const db = openDatabase(path);
    salvage(setAside, db);
    return { db, setAside };
  } catch (error) {
    throw sqliteErrorAsGradeline(error, path);
  }
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
    // Together these let SQLite read a file that is shorter than its header says.
    from = new DatabaseSync(path, { readOnly: true, defensive: false });
    from.exec("PRAGMA writable_schema = ON");
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

/** The one number that a query gives. */
export function number(db: DatabaseSync, sql: string, column: string): number {
  return Number(db.prepare(sql).get()?.[column]);
}
