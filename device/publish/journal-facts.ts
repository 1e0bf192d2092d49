import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { IdRanges } from "./id-ranges.ts";
import type { CeilingRecord } from "./journal-ceiling.ts";
import { checksumOf, type JournalRow } from "./journal-row.ts";
import { number } from "./journal-schema.ts";

export interface LaneNumbers {
  /** The highest of a row. */
  readonly durable: number;
  /** The highest that an item has got; above `durable` while verdicts wait in memory. */
  readonly given: number;
  /** The highest that may become durable before the ceiling file is written again. */
  readonly ceiling: number;
}

export interface SinkState {
  /** Ids of rows that it has, or that are gone. */
  readonly has: IdRanges;
  /** Rows that were given up for the bound before it had them. */
  readonly dropped: number;
}

/** Facts about a journal apart from its rows. */
export interface Facts {
  /** Empty until there is one. */
  epoch: string;
  /** Rows with a lower id are forgotten. */
  firstId: number;
  lastId: number;
  rows: number;
  /** Seconds that the journal was open, in all. */
  tick: number;
  readonly lanes: Map<string, LaneNumbers>;
  readonly sinks: Map<string, SinkState>;
  /** Verdicts that never became durable. */
  lost: number;
  /** Numbers that were left out after a doubt. */
  skipped: number;
  /** Rows that were damaged before every sink had them. */
  damaged: number;
}

/** @throws what SQLite throws where the file is damaged */
export function readFacts(db: DatabaseSync, recount = false): Facts {
  const meta = new Map(
    db
      .prepare("SELECT key, value FROM meta")
      .all()
      .map(({ key, value }) => [String(key), value]),
  );
  const first = number(db, "SELECT min(id) AS n FROM verdicts", "n");
  const last = db.prepare("SELECT id, tick FROM verdicts ORDER BY id DESC LIMIT 1").get();
  const facts: Facts = {
    epoch: String(meta.get("epoch") ?? ""),
    firstId: Math.max(1, first),
    lastId: Number(last?.id ?? 0),
    rows: Number(meta.get("rows") ?? Number.NaN),
    tick: Number(last?.tick ?? 0),
    lanes: new Map(),
    sinks: new Map(),
    lost: Number(meta.get("lost") ?? 0),
    skipped: Number(meta.get("skipped") ?? 0),
    damaged: Number(meta.get("damaged") ?? 0),
  };
  if (recount || Number.isNaN(facts.rows)) facts.rows = number(db, "SELECT count(*) AS n FROM verdicts", "n");
  readLanes(db, facts);
  for (const { sink, ranges, dropped, sum } of db.prepare("SELECT * FROM sinks").all()) {
    const [name, text] = [String(sink), String(ranges)];
    // A damaged one is as good as none: the ceiling file may know it, else its rows are sent again.
    if (sum !== sumOf(name, text)) continue;
    facts.sinks.set(name, { has: IdRanges.parse(text), dropped: Number(dropped) });
    facts.lastId = Math.max(facts.lastId, facts.sinks.get(name)!.has.last);
  }
  return facts;
}

function readLanes(db: DatabaseSync, facts: Facts): void {
  const durable = new Map<string, number>();
  for (const { lane, seq } of db.prepare("SELECT lane, seq FROM lanes").all()) durable.set(String(lane), Number(seq));
  const names = new Set(durable.keys());
  // From lane to lane through the index: one step each, however many rows there are.
  const next = db.prepare("SELECT lane FROM verdicts WHERE lane > ? ORDER BY lane LIMIT 1");
  for (let lane = next.get("")?.lane; lane !== undefined; lane = next.get(String(lane))?.lane) names.add(String(lane));
  const newest = db.prepare("SELECT * FROM verdicts WHERE lane = ? ORDER BY seq DESC LIMIT 1");
  for (const lane of names) {
    const row = newest.get(lane) as unknown as (JournalRow & { sum: number }) | undefined;
    const ofRows = row !== undefined && checksumOf(row) === row.sum ? row.seq : 0;
    const highest = Math.max(durable.get(lane) ?? 0, ofRows);
    facts.lanes.set(lane, { durable: highest, given: highest, ceiling: highest });
  }
}

/** Writes them, within a transaction of the caller. */
export function factsSaver(db: DatabaseSync): (facts: Facts) => void {
  const meta = db.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value");
  const lane = db.prepare("INSERT INTO lanes VALUES (?, ?) ON CONFLICT(lane) DO UPDATE SET seq = excluded.seq");
  const sink = db.prepare("INSERT OR REPLACE INTO sinks VALUES (?, ?, ?, ?)");
  return (facts) => {
    meta.run("epoch", facts.epoch);
    for (const key of ["lost", "skipped", "damaged", "rows"] as const) meta.run(key, facts[key]);
    for (const [name, { durable }] of facts.lanes) lane.run(name, durable);
    for (const [name, { has, dropped }] of facts.sinks) sink.run(name, has.text, dropped, sumOf(name, has.text));
  };
}

export function sumOf(sink: string, ranges: string): number {
  return crc32(`${sink}\n${ranges}`);
}

/** The part of the facts that is stored in the ceiling file. */
export function recordOf(facts: Facts, clean: boolean): CeilingRecord {
  const { epoch, firstId, lastId, tick, lost, skipped, damaged } = facts;
  return {
    ...{ epoch, firstId, lastId, tick, lost, skipped, damaged, clean },
    lanes: [...facts.lanes].map(([lane, { durable, given, ceiling }]) => [lane, durable, given, ceiling]),
    sinks: [...facts.sinks].map(([sink, { has, dropped }]) => [sink, has.text, dropped]),
  };
}

/** Ids between the first and the last that have no row. */
export function* holesOf(db: DatabaseSync, { firstId, lastId }: Facts): Generator<readonly [from: number, to: number]> {
  let next = firstId;
  for (const { id } of db.prepare("SELECT id FROM verdicts WHERE id >= ? ORDER BY id").iterate(firstId)) {
    if (Number(id) > next) yield [next, Number(id) - 1];
    next = Number(id) + 1;
  }
  if (next <= lastId) yield [next, lastId];
}
