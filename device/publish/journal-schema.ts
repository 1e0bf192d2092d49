import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { GradelineError } from "../base/errors.ts";
import { isCorruption, isFault } from "./journal-errors.ts";
import { checksumOf, type JournalRow } from "./journal-row.ts";

/** "grln": tells our file from another SQLite database that a wrong path may point to. */
const APPLICATION_ID = 0x67_72_6c_6e;
/** 1 was 0.1.0's: rows without a checksum, one acknowledgement each. */
export const SCHEMA_VERSION = 2;

const SCHEMA = `
  CREATE TABLE verdicts(
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    item TEXT NOT NULL,
    payload TEXT NOT NULL,
    decidedAt INTEGER NOT NULL,
    tick INTEGER NOT NULL,
    sum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX bySeq ON verdicts(lane, seq);
  CREATE INDEX byTime ON verdicts(lane, decidedAt);
  CREATE TABLE lanes(lane TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE sinks(sink TEXT PRIMARY KEY, ranges TEXT NOT NULL, dropped INTEGER NOT NULL, sum INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TABLE bad(id INTEGER PRIMARY KEY, lane, seq, item, payload);
  CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export interface OpenDatabase {
  readonly db: DatabaseSync;
  readonly version: number;
  /** It was made now. */
  readonly made: boolean;
}

/**
 * Opens or makes the file and locks it. WAL with `synchronous = FULL`: what was committed is on the disk.
 *
 * The exclusive locking mode is the lock against a second daemon: it ends with the process, also by SIGKILL, and it
 * lets no other reader hold the write-ahead log back from being emptied.
 *
 * @param ours a file beside it shows that it is a journal, whatever its own head says
 */
export function openDatabase(path: string, ours: boolean): OpenDatabase {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;");
    // Before the first access: WAL then needs no shared-memory file and the lock is kept between transactions.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    // The thread empties the log between commits; this is the fallback when it never comes to it.
    db.exec("PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 4194304;");
    db.exec("PRAGMA cell_size_check = ON; PRAGMA cache_size = -2000; BEGIN IMMEDIATE;");
    const known = number(db, "PRAGMA application_id", "application_id") === APPLICATION_ID;
    const tables = number(db, "SELECT count(*) AS n FROM sqlite_schema", "n");
    const made = tables === 0;
    if (made) db.exec(SCHEMA);
    else if (!known && ours) throw new Damaged("its head is damaged");
    else if (!known) {
      throw new GradelineError("JOURNAL", `${path} is an SQLite database of another program`, {
        hint: "give `journal.path` a file of its own",
      });
    }
    db.exec("COMMIT");
    const version = number(db, "PRAGMA user_version", "user_version");
    if (version !== 1 && version !== SCHEMA_VERSION) {
      if (ours && version < SCHEMA_VERSION) throw new Damaged("its head is damaged");
      throw new GradelineError("JOURNAL", `${path} has format ${version}, this program writes ${SCHEMA_VERSION}`, {
        hint: "start the version that made it, or give `journal.path` another file",
      });
    }
    return { db, version, made };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Faults of a file that SQLite itself would accept. */
export class Damaged extends Error {
  readonly errcode = 11;
}

/** Whether an error of the opening says that the file is damaged, and not that it is in use or must not be written. */
export function saysDamaged(error: unknown, path: string): boolean {
  if (isCorruption(error)) return true;
  if (error instanceof GradelineError || isFault(error)) return false;
  // A head that is damaged a little reads as a newer format, a read-only file, a missing table.
  try {
    if (!existsSync(path) || !statSync(path).isFile()) return false;
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Inserter {
  /** @returns false where a row of that id, or that number of the lane, is there */
  insert(row: JournalRow): boolean;
}

export function inserter(db: DatabaseSync): Inserter {
  const insert = db.prepare("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  return {
    insert: (row) => {
      const { id, lane, seq, item, payload, decidedAt, tick } = row;
      return Number(insert.run(id, lane, seq, item, payload, decidedAt, tick, checksumOf(row)).changes) > 0;
    },
  };
}

export function newEpoch(): string {
  return randomBytes(4).toString("hex");
}

/** The one number that a query gives. */
export function number(db: DatabaseSync, sql: string, column: string): number {
  return Number(db.prepare(sql).get()?.[column] ?? 0);
}
