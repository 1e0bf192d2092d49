import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { JournalConfig } from "../config/schema.ts";
import { IdRanges } from "./id-ranges.ts";
import { bound, FORGET_ROWS, forget } from "./journal-bound.ts";
import type { CeilingFile } from "./journal-ceiling.ts";
import { isCorruption, isFull, sqliteErrorAsGradeline } from "./journal-errors.ts";
import { type Facts, holesOf, recordOf } from "./journal-facts.ts";
import { BLOCK, type Notice, openJournalFile, replaceJournalFile } from "./journal-file.ts";
import { checksumOf, type JournalEntry, type JournalRow, messageOf } from "./journal-row.ts";
import { Damaged, number } from "./journal-schema.ts";
import { boundsOf, bytesOf, prepare, type Selection, type Statements, type StoredRow } from "./journal-statements.ts";

/** Of the log, after which it is moved into the file, between two commits. */
const LOG_BYTES = 1024 * 1024;
/** Bytes that a commit writes to the log besides its messages: pages of indexes, lanes and sinks. */
const COMMIT_BYTES = 6 * 4096;
/** Space that is kept so that a full disk still lets rows be forgotten and the log be emptied. */
const RESERVE_BYTES = 512 * 1024;
/** Damaged rows kept to be looked at. */
const MAX_BAD = 1000;

export interface SinkStats {
  readonly sink: string;
  /** Verdicts that it has not got yet. */
  readonly depth: number;
  /** Verdicts given up for the bound before it had them. */
  readonly dropped: number;
}

export interface JournalStats {
  readonly sinks: readonly SinkStats[];
  readonly rows: number;
  /** Pages in use, bytes; the write-ahead log beside the file is not counted. */
  readonly bytes: number;
  /** Over the journal's life: verdicts that never became durable, numbers left out after a doubt, rows damaged. */
  readonly lost: number;
  readonly skipped: number;
  readonly damaged: number;
}

/** Verdicts in an SQLite file, blocking. */
export class JournalStore {
  readonly #config: JournalConfig;
  #db: DatabaseSync;
  readonly #ceiling: CeilingFile;
  readonly #facts: Facts;
  #sql: Statements;
  readonly #openedAt = performance.now();
  readonly #firstTick: number;
  /** Damaged rows that the next commit moves out of the way. */
  readonly #bad: number[] = [];
  #logBytes = 0;
  #inode: number;
  #size = 0;
  /** What went wrong and was mended; taken by whoever tells it. */
  notices: Notice[];

  private constructor(config: JournalConfig, sinks: readonly string[]) {
    const { db, ceiling, facts, notices } = openJournalFile(config.path);
    this.#config = config;
    this.#db = db;
    this.#ceiling = ceiling;
    this.#facts = facts;
    this.notices = [...notices];
    this.#firstTick = facts.tick;
    this.#sql = prepare(db);
    this.#inode = statSync(config.path).ino;
    for (const sink of sinks) {
      // A new sink gets all verdicts that are still kept.
      if (!facts.sinks.has(sink)) facts.sinks.set(sink, { has: new IdRanges(), dropped: 0 });
      facts.sinks.get(sink)!.has.addRange(1, facts.firstId - 1);
    }
    // A sink that is no longer configured holds nothing back.
    for (const sink of facts.sinks.keys()) if (!sinks.includes(sink)) facts.sinks.delete(sink);
  }

  /** @see openJournalFile */
  static open(config: JournalConfig, sinks: readonly string[]): JournalStore {
    const store = new JournalStore(config, sinks);
    keepReserve(config.path);
    return store;
  }

  get epoch(): string {
    return this.#facts.epoch;
  }

  /** The highest number of each lane. */
  get lanes(): [lane: string, seq: number][] {
    return [...this.#facts.lanes].map(([lane, { durable }]) => [lane, durable]);
  }

  get stats(): JournalStats {
    const { sinks, lastId, rows, lost, skipped, damaged } = this.#facts;
    const stats = [...sinks].map(([sink, { has, dropped }]) => {
      return { sink, depth: lastId - has.count(1, lastId), dropped };
    });
    return { sinks: stats, rows, bytes: bytesOf(this.#sql), lost, skipped, damaged };
  }

  /**
   * One transaction: stores verdicts and marks which rows sinks have.
   *
   * @param again they may have been stored before, by a commit whose end was not heard of
   * @returns the id of each
   * @throws {GradelineError} JOURNAL, with `retry` when the disk is full; nothing of the group is stored then
   */
  commit(entries: readonly JournalEntry[], acks: readonly (readonly [string, number[]])[], again = false): number[] {
    return this.#mended(() => {
      this.#raise(entries);
      try {
        return this.#commit(entries, acks, again);
      } catch (error) {
        if (!isFull(error)) throw error;
        this.#makeRoom();
        return this.#commit(entries, acks, again);
      }
    });
  }

  /**
   * Rows that a sink has not got, oldest first, with an id above `after`. Damaged ones are left out and counted.
   *
   * @throws {GradelineError} JOURNAL
   */
  pending(sink: string, limit: number, after = 0): JournalRow[] {
    return this.#mended(() => {
      const { sinks, lastId } = this.#facts;
      const rows: JournalRow[] = [];
      for (const [from, to] of [...sinks.get(sink)!.has.gaps(after + 1, lastId)]) {
        let next = from;
        while (next <= to && rows.length < limit) {
          const found = this.#sql.range.all(next, to, limit - rows.length) as unknown as StoredRow[];
          // Rows have no gap in their ids but what every sink has: whatever hides one is damage.
          if (found[0]?.id !== next) throw new Damaged(`row ${next} is missing`);
          for (const row of found) {
            if (row.id !== next) break;
            next++;
            this.#take(row, rows);
          }
        }
        if (rows.length >= limit) break;
      }
      return rows;
    });
  }

  /** How many verdicts are kept of those, by index alone. */
  count(of: Selection): number {
    return this.#mended(() => Number(this.#sql.count.get(...boundsOf(of))?.n ?? 0));
  }

  /** Kept verdicts of a lane by number, those above `after`, also if every sink has them. */
  select(of: Selection, limit: number, after = 0): JournalRow[] {
    return this.#mended(() => {
      const rows: JournalRow[] = [];
      const bounds = boundsOf({ ...of, fromSeq: Math.max(of.fromSeq ?? 0, after + 1) });
      for (const row of this.#sql.select.all(...bounds, limit)) this.#take(row as unknown as StoredRow, rows);
      return rows;
    });
  }

  /** Numbers that items have got while the disk takes none: a kill would lose them, and they must not be given again. */
  note(given: readonly (readonly [string, number])[], lost: number): void {
    this.#facts.lost += lost;
    for (const [lane, seq] of given) {
      const numbers = this.#facts.lanes.get(lane) ?? { durable: 0, given: 0, ceiling: 0 };
      this.#facts.lanes.set(lane, { ...numbers, given: Math.max(numbers.given, seq) });
    }
    this.#ceiling.note(recordOf(this.#facts, false), true);
  }

  /** Between two commits: reserves numbers ahead, empties the log, and looks whether the file is still there. */
  tidy(): void {
    for (const [lane, { durable, ceiling }] of this.#facts.lanes) {
      if (ceiling - durable < BLOCK / 2) this.#raiseTo(lane, durable + BLOCK);
    }
    if (this.#logBytes > LOG_BYTES) this.#checkpoint();
    this.checkPlace();
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#db.close();
    this.#ceiling.note(recordOf(this.#facts, true), true);
    try {
      this.#ceiling.write(recordOf(this.#facts, true));
    } catch {
      // Then the next start takes it for a kill.
    }
    this.#ceiling.close();
  }

  #commit(entries: readonly JournalEntry[], acks: readonly (readonly [string, number[]])[], again: boolean): number[] {
    const facts = this.#facts;
    const before = { ...facts, sinks: copyOf(facts.sinks), lanes: new Map(facts.lanes) };
    facts.tick = this.#firstTick + Math.floor((performance.now() - this.#openedAt) / 1000);
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      for (const [sink, ids] of acks) {
        const state = facts.sinks.get(sink);
        for (const id of ids) if (id <= facts.lastId) state?.has.add(id);
      }
      const ids = entries.map((entry) => this.#insert(entry, again));
      for (const id of this.#bad.slice(0, MAX_BAD)) this.#setAside(id);
      bound(facts, this.#sql, this.#config);
      this.#sql.save(facts);
      this.#db.exec("COMMIT");
      this.#bad.length = 0;
      this.#ceiling.note(recordOf(facts, false));
      this.#logBytes += COMMIT_BYTES;
      for (const { payload } of entries) this.#logBytes += payload.length;
      return ids;
    } catch (error) {
      Object.assign(facts, before);
      this.#rollback();
      throw error;
    }
  }

  #insert(entry: JournalEntry, again: boolean): number {
    const facts = this.#facts;
    const { lane, seq, item } = entry;
    const row: JournalRow = { ...entry, id: facts.lastId + 1, tick: facts.tick };
    if (!this.#sql.insert(row)) {
      const found = this.#sql.bySeq.get(lane, seq);
      if (again && found?.item === item) return Number(found.id);
      throw new Damaged(`number ${seq} of lane ${lane} is given already`);
    }
    facts.lastId = row.id;
    facts.rows++;
    const numbers = facts.lanes.get(lane) ?? { durable: 0, given: 0, ceiling: 0 };
    const durable = Math.max(seq, numbers.durable);
    facts.lanes.set(lane, { ...numbers, durable, given: Math.max(durable, numbers.given) });
    return row.id;
  }

  /** No number becomes durable that the ceiling file does not know of. */
  #raise(entries: readonly JournalEntry[]): void {
    for (const { lane, seq } of entries) {
      if (seq > (this.#facts.lanes.get(lane)?.ceiling ?? 0)) this.#raiseTo(lane, seq + BLOCK);
    }
  }

  #raiseTo(lane: string, ceiling: number): void {
    const numbers = this.#facts.lanes.get(lane) ?? { durable: 0, given: 0, ceiling: 0 };
    this.#facts.lanes.set(lane, { ...numbers, ceiling });
    try {
      this.#ceiling.write(recordOf(this.#facts, false));
    } catch (error) {
      this.#facts.lanes.set(lane, numbers);
      throw error;
    }
  }

  #take({ sum, ...row }: StoredRow, into: JournalRow[]): void {
    if (checksumOf(row) === sum && messageOf(row) !== undefined) {
      into.push(row);
      return;
    }
    const { sinks } = this.#facts;
    if ([...sinks.values()].some(({ has }) => !has.has(row.id))) this.#facts.damaged++;
    for (const { has } of sinks.values()) has.add(row.id);
    this.#bad.push(row.id);
    this.notices.push({ text: `verdict ${row.id} of the journal is damaged: it is set aside and not published` });
  }

  #setAside(id: number): void {
    this.#sql.keepBad.run(id, MAX_BAD);
    this.#facts.rows -= Number(this.#sql.drop.run(id).changes);
  }

  #checkpoint(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
      this.#logBytes = 0;
    } catch {
      // A full disk: the log keeps what is durable, and the next commit says so itself.
    }
  }

  /** Gives the disk back what only serves to look back, so that the next verdicts have room. @throws when that fails, too */
  #makeRoom(): void {
    rmSync(reserveOf(this.#config.path), { force: true });
    this.#size = 0;
    const { rows, firstId } = this.#facts;
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE); BEGIN IMMEDIATE");
      forget(this.#facts, this.#sql, 10 * FORGET_ROWS, undefined);
      this.#db.exec("COMMIT; PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
      this.#logBytes = 0;
    } catch (error) {
      Object.assign(this.#facts, { rows, firstId });
      this.#rollback();
      throw error;
    }
  }

  /** Somebody may have taken the file away, or put another in its place: what is written now nobody would find. */
  checkPlace(): void {
    this.#mended(() => this.#lookAtPlace());
  }

  #lookAtPlace(): void {
    const now = statSync(this.#config.path, { throwIfNoEntry: false });
    if (now?.ino !== this.#inode) throw new Damaged("the file was taken away");
    if (now.size < this.#size) throw new Damaged("the file was cut short");
    this.#size = now.size;
  }

  /** Does the work; where the file turns out to be damaged, sets it aside, keeps what can be read, and does it again. */
  #mended<T>(work: () => T): T {
    try {
      try {
        return work();
      } catch (error) {
        if (!isCorruption(error)) throw error;
        this.#replace((error as Error).message);
        return work();
      }
    } catch (error) {
      throw sqliteErrorAsGradeline(error, this.#config.path);
    }
  }

  #replace(reason: string): void {
    const facts = this.#facts;
    const { db, aside } = replaceJournalFile(this.#config.path, facts.firstId, () => {
      try {
        this.#db.close();
      } catch {
        // Damaged or not, it is left behind.
      }
    });
    this.#db = db;
    this.#sql = prepare(db);
    this.#inode = statSync(this.#config.path).ino;
    this.#size = 0;
    facts.rows = number(db, "SELECT count(*) AS n FROM verdicts", "n");
    let missing = 0;
    for (const [from, to] of holesOf(db, facts)) {
      const sinks = [...facts.sinks.values()];
      missing += Math.max(0, ...sinks.map(({ has }) => to - from + 1 - has.count(from, to)));
      for (const { has } of sinks) has.addRange(from, to);
    }
    facts.damaged += missing;
    this.notices.push({
      text: `the journal turned bad (${reason}): it is set aside, ${facts.rows} verdicts of it could be read, ${missing} that were not handed over yet are lost`,
      file: aside,
    });
  }

  #rollback(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, or the disk is gone altogether; the first error is the one to tell.
    }
  }
}

function reserveOf(path: string): string {
  return `${path}.reserve`;
}

/** Written, not only sized: a hole in a file keeps no space. */
function keepReserve(journal: string): void {
  const path = reserveOf(journal);
  try {
    if (statSync(path, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return;
    const fd = openSync(path, "w", 0o640);
    writeSync(fd, Buffer.alloc(RESERVE_BYTES, 1));
    fsyncSync(fd);
    closeSync(fd);
  } catch {
    // A full disk has none to keep.
    rmSync(path, { force: true });
  }
}

function copyOf(sinks: Facts["sinks"]): Facts["sinks"] {
  return new Map([...sinks].map(([sink, { has, dropped }]) => [sink, { has: has.copy(), dropped }]));
}
