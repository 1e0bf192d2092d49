import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { GradelineError } from "../base/errors.ts";
import { parseWall } from "../base/time.ts";
import { IdRanges } from "./id-ranges.ts";
import { CeilingFile, type CeilingRecord } from "./journal-ceiling.ts";
import { sqliteErrorAsGradeline } from "./journal-errors.ts";
import { type Facts, factsSaver, holesOf, readFacts, recordOf } from "./journal-facts.ts";
import { type JournalRow, messageOf } from "./journal-row.ts";
import { type FoundRow, scanJournal, scanLog } from "./journal-scan.ts";
import { inserter, newEpoch, number, openDatabase, SCHEMA_VERSION, saysDamaged } from "./journal-schema.ts";

/** Name of the sink that every journal has: the plant's broker. */
export const PLANT = "broker";

/** Numbers of a lane that may be given before the ceiling file is written again; also how far a doubt makes them jump. */
export const BLOCK = 10_000;
/** Damaged files that are kept for whoever wants to look; a small disk must not fill with them. */
const KEPT_ASIDE = 2;
/** Rows of one transaction of a salvage. */
const SALVAGE_ROWS = 5000;

/** A fault that was found, and its repair, for the log and the state. */
export interface Notice {
  readonly text: string;
  readonly file?: string | undefined;
}

export interface JournalFile {
  readonly db: DatabaseSync;
  readonly ceiling: CeilingFile;
  readonly facts: Facts;
  readonly notices: readonly Notice[];
}

/** The file of numbers, which outlives damage to the journal's own. */
export function ceilingPath(path: string): string {
  return `${path}.seq`;
}

/**
 * Opens or makes the journal's file and locks it. A damaged one is renamed, never deleted, and every row of it that is
 * whole goes into the new one. Where it cannot be known which numbers were used, they jump forward.
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
    finishMigration(path);
    return openAll(path);
  } catch (error) {
    throw sqliteErrorAsGradeline(error, path);
  }
}

function openAll(path: string): JournalFile {
  const found = CeilingFile.peek(ceilingPath(path));
  const notices: Notice[] = [];
  let opened: Opened;
  try {
    opened = openWhole(path, found !== undefined);
  } catch (error) {
    if (!saysDamaged(error, path)) throw error;
    opened = openAnew(path, found?.firstId ?? 1, notices);
  }
  const { db, salvaged } = opened;
  let { facts } = opened;
  try {
    const { present, record = found } = opened;
    if (record !== undefined && facts.lastId < record.lastId && !salvaged) {
      // Nothing has been written yet: the log is still as the last process left it.
      const rows = [...scanLog(`${path}-wal`)].filter(({ id }) => id > facts.lastId);
      if (copyRows(db, rows) > 0) facts = readFacts(db, true);
    }
    if (present || record !== undefined) settle(db, facts, record, salvaged, notices);
    facts.epoch ||= newEpoch();
    transaction(db, () => factsSaver(db)(facts));
    const ceiling = CeilingFile.open(ceilingPath(path));
    ceiling.write(recordOf(facts, false));
    return { db, ceiling, facts, notices };
  } catch (error) {
    db.close();
    throw error;
  }
}

interface Opened {
  readonly db: DatabaseSync;
  readonly facts: Facts;
  /** The file was there. */
  readonly present: boolean;
  /** Its rows are what could be read of a damaged one. */
  readonly salvaged: boolean;
  /** In the place of what the file of numbers says. */
  readonly record?: CeilingRecord;
}

function openWhole(path: string, ours: boolean): Opened {
  const { db, version, made } = openDatabase(path, ours);
  try {
    if (version === SCHEMA_VERSION) return { db, facts: readFacts(db), present: !made, salvaged: false };
  } catch (error) {
    db.close();
    throw error;
  }
  db.close();
  const record = migrate(path);
  const fresh = openDatabase(path, true).db;
  return { db: fresh, facts: readFacts(fresh), present: true, salvaged: false, record };
}

function openAnew(path: string, firstId: number, notices: Notice[]): Opened {
  const aside = moveAway(path);
  const { db } = openDatabase(path, false);
  try {
    const broker = new IdRanges();
    const rows = copyRows(db, scanJournal(aside), firstId, broker);
    const text = `the journal was damaged: it is set aside, ${rows} verdicts of it could be read`;
    notices.push({ text, file: aside });
    const facts = readFacts(db, true);
    if (broker.text !== "") facts.sinks.set(PLANT, { has: broker, dropped: 0 });
    return { db, facts, present: true, salvaged: true };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Sets the damaged file of a running journal aside and fills a new one. What the process knows is right.
 *
 * @param close ends the connection to the damaged file
 * @throws {GradelineError} JOURNAL when no new one can be made
 */
export function replaceJournalFile(
  path: string,
  firstId: number,
  close: () => void,
): { readonly db: DatabaseSync; readonly aside: string } {
  try {
    // Before the connection ends, which may move damaged pages from the log into the file and then removes it.
    const fresh = [...scanLog(`${path}-wal`)];
    close();
    const aside = existsSync(path) ? moveAway(path) : `${path}.gone`;
    const { db } = openDatabase(path, false);
    copyRows(db, fresh, firstId);
    copyRows(db, scanJournal(aside), firstId);
    return { db, aside };
  } catch (error) {
    throw sqliteErrorAsGradeline(error, path);
  }
}

/** Finds missing rows and the next numbers, and reports them. */
function settle(
  db: DatabaseSync,
  facts: Facts,
  found: CeilingRecord | undefined,
  salvaged: boolean,
  notices: Notice[],
): void {
  const lostRows = found !== undefined && found.lastId > facts.lastId;
  // The end of the last daemon wrote both files whole: its numbers are exact even where rows are missing.
  const doubt = (salvaged || lostRows || found === undefined || found.epoch !== facts.epoch) && found?.clean !== true;
  if (found !== undefined) takeOver(facts, found);
  else if (!salvaged) notices.push({ text: "the file of numbers beside the journal was missing or damaged" });
  const missing = lostRows || salvaged ? countMissing(db, facts) : 0;
  if (missing > 0) notices.push({ text: `${missing} verdicts that were not handed over yet are lost with the damage` });
  let skipped = 0;
  for (const [lane, numbers] of facts.lanes) {
    const { durable, given, ceiling } = numbers;
    const top = Math.max(durable, given);
    // Numbers were given, and the power or a kill took the verdicts from memory.
    const waited = top - durable;
    facts.lost += waited;
    if (waited > 0) notices.push({ text: `lane ${lane}: ${waited} verdicts that waited in memory are lost` });
    const next = doubt ? Math.max(top, found === undefined ? top + BLOCK : ceiling) : top;
    skipped += next - top;
    facts.lanes.set(lane, { durable: next, given: next, ceiling: Math.max(next, ceiling) });
  }
  if (skipped > 0) notices.push({ text: `numbers jump by ${skipped}, so that none is given twice` });
  facts.skipped += skipped;
}

/** Whatever either file knows is true: neither ever says more than was. */
function takeOver(facts: Facts, found: CeilingRecord): void {
  facts.epoch ||= found.epoch;
  facts.tick = Math.max(facts.tick, found.tick);
  for (const key of ["lost", "skipped", "damaged", "lastId"] as const) facts[key] = Math.max(facts[key], found[key]);
  if (facts.rows === 0) facts.firstId = found.firstId;
  for (const [lane, durable, given, ceiling] of found.lanes) {
    const known = facts.lanes.get(lane)?.durable ?? 0;
    // More than was ever reserved is damage.
    const highest = Math.max(durable, known <= ceiling ? known : 0);
    facts.lanes.set(lane, { durable: highest, given: Math.max(given, highest), ceiling });
  }
  for (const [sink, text, dropped] of found.sinks) {
    // The journal's own is newer; a damaged one is not read, and then its rows are sent again.
    if (facts.sinks.has(sink)) continue;
    try {
      facts.sinks.set(sink, { has: IdRanges.parse(text), dropped });
    } catch {}
  }
}

/** No sink waits any more for rows that should be there and are not. @returns how many of them somebody waited for */
function countMissing(db: DatabaseSync, facts: Facts): number {
  const sinks = [...facts.sinks.values()];
  let missing = 0;
  for (const [from, to] of holesOf(db, facts)) {
    for (let id = from; id <= to; id++) if (sinks.length === 0 || sinks.some(({ has }) => !has.has(id))) missing++;
    for (const { has } of sinks) has.addRange(from, to);
  }
  facts.damaged += missing;
  return missing;
}

/** @param acked takes the ids that the broker had in a file of 0.1.0 */
function copyRows(db: DatabaseSync, rows: Iterable<FoundRow>, firstId = 1, acked?: IdRanges): number {
  const into = inserter(db);
  let count = 0;
  db.exec("BEGIN IMMEDIATE");
  for (const row of rows) {
    if (row.id < firstId) continue;
    if (row.acked === true) acked?.add(row.id);
    if (into.insert(row) && ++count % SALVAGE_ROWS === 0) db.exec("COMMIT; BEGIN IMMEDIATE");
  }
  db.exec("COMMIT");
  return count;
}

function transaction(db: DatabaseSync, work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  work();
  db.exec("COMMIT");
}

/** Renames the file and its log to a name that is free; the newest of them are kept for whoever wants to look. */
function moveAway(path: string): string {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  let target = `${path}.damaged-${stamp}`;
  for (let n = 2; existsSync(target); n++) target = `${path}.damaged-${stamp}-${n}`;
  renameSync(path, target);
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${target}-wal`);
  const earlier = readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.damaged-`) && !name.endsWith("-wal"))
    .sort();
  for (const name of earlier.slice(0, -KEPT_ASIDE)) {
    for (const end of ["", "-wal"]) rmSync(join(dirname(path), name + end), { force: true });
  }
  return target;
}

/**
 * A journal of 0.1.0 is copied into a file of this version; the old one is kept as `.v1` for the way back. The new file
 * is whole before the old one is renamed, so that a kill in between loses nothing.
 */
function migrate(path: string): CeilingRecord {
  const fresh = `${path}.migrating`;
  for (const end of ["", "-wal"]) rmSync(fresh + end, { force: true });
  const from = openDatabase(path, false).db;
  const into = openDatabase(fresh, false).db;
  try {
    const broker = new IdRanges();
    copyRows(into, rowsOfV1(from), 1, broker);
    const facts = readFacts(into, true);
    facts.damaged = number(from, "SELECT count(*) AS n FROM verdicts WHERE acked = 0", "n") - waitingOf(facts, broker);
    // It forgot what the broker had in whatever order that came: of those rows nobody waits any more.
    for (const [first, last] of holesOf(into, facts)) broker.addRange(first, last);
    for (const { lane, seq } of from.prepare("SELECT lane, seq FROM lanes").all()) {
      const durable = Math.max(Number(seq), facts.lanes.get(String(lane))?.durable ?? 0);
      facts.lanes.set(String(lane), { durable, given: durable, ceiling: durable });
    }
    broker.addRange(1, facts.firstId - 1);
    const dropped = number(from, "SELECT value AS n FROM meta WHERE key = 'dropped'", "n");
    facts.sinks.set(PLANT, { has: broker, dropped });
    facts.epoch = newEpoch();
    transaction(into, () => factsSaver(into)(facts));
    const ceiling = CeilingFile.open(ceilingPath(path));
    const record = recordOf(facts, true);
    ceiling.write(record);
    ceiling.close();
    into.close();
    renameSync(path, `${path}.v1`);
    finishMigration(path);
    return record;
  } finally {
    if (into.isOpen) into.close();
    from.close();
  }
}

/** Rows that were taken over and that the broker has not got. */
function waitingOf({ rows, lastId }: Facts, broker: IdRanges): number {
  return rows - broker.count(1, lastId);
}

/** @throws where the file is damaged: then its bytes are searched instead */
function* rowsOfV1(db: DatabaseSync): Generator<FoundRow> {
  for (const row of db.prepare("SELECT * FROM verdicts ORDER BY id").iterate()) {
    const { id, lane, seq, item, payload, acked } = row as unknown as JournalRow & { acked: number };
    const said = messageOf({ lane, seq, item, payload, decidedAt: 0 });
    if (said === undefined) continue;
    yield { id, lane, seq, item, payload, decidedAt: parseWall(String(said.decidedAt)), tick: 0, acked: acked === 1 };
  }
}

function finishMigration(path: string): void {
  if (!existsSync(path) && existsSync(`${path}.v1`) && existsSync(`${path}.migrating`)) {
    renameSync(`${path}.migrating`, path);
  }
}
