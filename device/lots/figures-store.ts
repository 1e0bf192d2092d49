import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GradelineError } from "../base/errors.ts";
import type { Lot } from "../contract/lot.ts";
import type { Verdict } from "../contract/messages.ts";
import {
  addFigures,
  addVerdict,
  BUCKET_US,
  bump,
  type Figures,
  figuresText,
  noFigures,
  parseFigures,
} from "./figures.ts";

/** "grlt" */
const APPLICATION_ID = 0x67_72_6c_74;
const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE figures(lot TEXT NOT NULL, lane TEXT NOT NULL, bucket INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(lot, lane, bucket)) STRICT, WITHOUT ROWID;
  CREATE TABLE lots(id TEXT PRIMARY KEY, body TEXT NOT NULL, seenAt INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pictures(lot TEXT NOT NULL, grade TEXT NOT NULL, kind TEXT NOT NULL, place INTEGER NOT NULL,
    item TEXT NOT NULL, margin REAL, sizeMm REAL, jpeg BLOB NOT NULL, PRIMARY KEY(lot, grade, kind, place)) STRICT;
  CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** A row of the journal, as far as it is counted. */
export interface CountedRow {
  readonly id: number;
  readonly lane: string;
  readonly decidedAt: number;
  /** The message. */
  readonly payload: string;
}

/** Seconds for which nothing could be graded. */
export interface Downtime {
  readonly lot: string;
  readonly lane: string;
  readonly atUs: number;
  readonly code: string;
  readonly seconds: number;
}

export type PictureKind = "typical" | "worst";

/** A fruit that stands for others of its lot and grade. */
export interface LotPicture {
  readonly lot: string;
  readonly grade: string;
  readonly kind: PictureKind;
  /** From 0; one of the same place is replaced. */
  readonly place: number;
  readonly item: string;
  readonly margin: number | null;
  readonly sizeMm: number | null;
  readonly jpeg: Uint8Array;
}

export interface Span {
  readonly lot: string;
  readonly lane: string;
  /** Number of the quarter of an hour since 1970. */
  readonly bucket: number;
  readonly figures: Figures;
}

export function figuresPath(folder: string): string {
  return join(folder, "figures.sqlite");
}

/** What became of each lot, by lane and quarter of an hour, in an SQLite file of its own; blocking. */
export class FiguresStore {
  readonly #db: DatabaseSync;
  /** Tells this file from one that replaces it: the journal counts anew for that. */
  readonly id: string;
  #epoch: string;
  #lastId: number;
  #grades: string;

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.id = String(this.#meta("id") ?? "");
    this.#epoch = String(this.#meta("epoch") ?? "");
    this.#lastId = Number(this.#meta("lastId") ?? 0);
    this.#grades = String(this.#meta("grades") ?? "[]");
  }

  /**
   * Opens or makes the file. A damaged one is set aside: what the journal keeps is counted again.
   *
   * @throws {GradelineError} FILE when it cannot be opened
   */
  static open(folder: string): FiguresStore {
    const path = figuresPath(folder);
    try {
      mkdirSync(folder, { recursive: true });
      try {
        return new FiguresStore(openDatabase(path));
      } catch (error) {
        if (!existsSync(path) || error instanceof GradelineError || !isDamage(error)) throw error;
        setAside(path);
        return new FiguresStore(openDatabase(path));
      }
    } catch (error) {
      if (error instanceof GradelineError) throw error;
      throw new GradelineError("FILE", `${path} cannot be opened: ${(error as Error).message}`, {
        hint: "check `lots.path`, who may write there, and the disk",
        cause: error,
      });
    }
  }

  /**
   * Counts rows of the journal, each once, whatever is handed over again, and what else is known; all of it or nothing.
   *
   * @param epoch of the journal
   */
  add(epoch: string, rows: readonly CountedRow[], downtime: readonly Downtime[], lots: readonly Lot[]): void {
    const known = epoch === this.#epoch ? this.#lastId : 0;
    const fresh = rows.filter(({ id }) => id > known);
    const changed = new Map<string, Span>();
    let grades = this.#grades;
    for (const { lane, decidedAt, payload } of fresh) {
      const verdict = JSON.parse(payload) as Verdict;
      if (verdict.grades.length > 0) grades = JSON.stringify(verdict.grades.map(({ grade }) => grade));
      addVerdict(this.#spanOf(changed, verdict.lot ?? "", lane, decidedAt).figures, verdict, decidedAt);
    }
    for (const { lot, lane, atUs, code, seconds } of downtime) {
      bump(this.#spanOf(changed, lot, lane, atUs).figures.downtime, code, seconds);
    }
    const lastId = fresh.at(-1)?.id ?? known;
    this.#transaction(() => {
      const put = this.#db.prepare("INSERT OR REPLACE INTO figures VALUES (?, ?, ?, ?)");
      for (const { lot, lane, bucket, figures } of changed.values()) put.run(lot, lane, bucket, figuresText(figures));
      const keep = this.#db.prepare("INSERT OR REPLACE INTO lots VALUES (?, ?, ?)");
      for (const lot of lots) keep.run(lot.id, JSON.stringify(lot), Date.now());
      this.#setMeta("epoch", epoch);
      this.#setMeta("lastId", lastId);
      this.#setMeta("grades", grades);
    });
    this.#grades = grades;
    this.#epoch = epoch;
    this.#lastId = lastId;
  }

  /** @param lots so many of the newest keep theirs */
  addPictures(pictures: readonly LotPicture[], lots: number): void {
    this.#transaction(() => {
      // A daemon that starts again does not know what it kept before: the worst stay the worst.
      const put = this.#db.prepare(
        `INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET item = excluded.item,
          margin = excluded.margin, sizeMm = excluded.sizeMm, jpeg = excluded.jpeg
          WHERE kind <> 'worst' OR excluded.margin <= margin`,
      );
      for (const { lot, grade, kind, place, item, margin, sizeMm, jpeg } of pictures) {
        put.run(lot, grade, kind, place, item, margin, sizeMm, jpeg);
      }
      this.#db
        .prepare(
          `DELETE FROM pictures WHERE lot NOT IN (SELECT lot FROM pictures GROUP BY lot ORDER BY max(rowid) DESC LIMIT ?)`,
        )
        .run(lots);
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #spanOf(changed: Map<string, Span>, lot: string, lane: string, atUs: number): Span {
    const bucket = Math.floor(atUs / BUCKET_US);
    const key = JSON.stringify([lot, lane, bucket]);
    let span = changed.get(key);
    if (span === undefined) {
      const body = this.#db
        .prepare("SELECT body FROM figures WHERE lot = ? AND lane = ? AND bucket = ?")
        .get(lot, lane, bucket)?.body;
      const figures = noFigures();
      if (body !== undefined) addFigures(figures, parseFigures(String(body)));
      span = { lot, lane, bucket, figures };
      changed.set(key, span);
    }
    return span;
  }

  #meta(key: string): unknown {
    return this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value;
  }

  #setMeta(key: string, value: string | number): void {
    this.#db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(key, value);
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 2000 });
  try {
    // A report reads beside it.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -500; BEGIN IMMEDIATE;");
    if (Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n) === 0) {
      db.exec(SCHEMA);
      db.prepare("INSERT INTO meta VALUES ('id', ?)").run(randomBytes(3).toString("hex"));
    }
    db.exec("COMMIT");
    const id = Number(db.prepare("PRAGMA application_id").get()?.application_id);
    const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
    if (id !== APPLICATION_ID || version !== SCHEMA_VERSION) {
      throw new GradelineError("FILE", `${path} is another program's, or of another version (${version})`, {
        hint: "give `lots.path` a folder of its own",
      });
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
function isDamage(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode ?? 0;
  return (code & 0xff) === 11 || (code & 0xff) === 26;
}

/** The last damaged one is kept for whoever wants to look. */
function setAside(path: string): void {
  for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true });
  renameSync(path, `${path}.damaged`);
}
