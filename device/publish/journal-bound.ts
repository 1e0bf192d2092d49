import type { JournalConfig } from "../config/schema.ts";
import { IdRanges } from "./id-ranges.ts";
import type { Facts } from "./journal-facts.ts";
import { bytesOf, type Statements } from "./journal-statements.ts";

/** Handed-over rows that one commit forgets at most, so that no commit takes long. */
export const FORGET_ROWS = 500;

/** What every sink has goes first: by age, by bytes; then the oldest of all for the bound, counted per sink. */
export function bound(facts: Facts, sql: Statements, config: JournalConfig): void {
  const { maxRows, maxBytes, keepBytes, keepDays } = config;
  const oldest = facts.tick - keepDays * 86_400;
  for (let left = FORGET_ROWS; left > 0; ) {
    const over = facts.rows - maxRows;
    const tooMuch = over > 0 || bytesOf(sql) > Math.min(keepBytes, maxBytes);
    const forgotten = forget(
      facts,
      sql,
      over > 0 ? Math.min(over, left) : Math.min(100, left),
      tooMuch ? undefined : oldest,
    );
    if (forgotten === 0) break;
    left -= forgotten;
  }
  while (facts.rows > maxRows) evict(facts, sql, facts.rows - maxRows);
  while (bytesOf(sql) > maxBytes && facts.rows > 1) evict(facts, sql, Math.min(100, facts.rows - 1));
}

/**
 * Forgets the oldest rows that every sink has.
 *
 * @param before only such as were written before this tick; undefined: of any age
 */
export function forget(facts: Facts, sql: Statements, limit: number, before: number | undefined): number {
  const first = sql.oldest.get() as { id: number; tick: number } | undefined;
  if (first === undefined || (before !== undefined && first.tick >= before)) return 0;
  let forgotten = 0;
  for (const [from, to] of common([...facts.sinks.values()], facts.firstId, facts.lastId)) {
    forgotten += Number(sql.forget.run(from, to, before ?? Number.MAX_SAFE_INTEGER, limit - forgotten).changes);
    if (forgotten >= limit) break;
  }
  facts.rows -= forgotten;
  moveFirst(facts, sql);
  return forgotten;
}

function evict(facts: Facts, sql: Statements, count: number): void {
  const ids = sql.lowest.all(count).map(({ id }) => Number(id));
  for (const [sink, { has, dropped }] of facts.sinks) {
    const missed = ids.filter((id) => !has.has(id));
    for (const id of missed) has.add(id);
    facts.sinks.set(sink, { has, dropped: dropped + missed.length });
  }
  for (const id of ids) sql.drop.run(id);
  facts.rows -= ids.length;
  moveFirst(facts, sql);
}

function moveFirst(facts: Facts, sql: Statements): void {
  facts.firstId = Number(sql.oldest.get()?.id ?? facts.lastId + 1);
}

/** What every sink has of `first` to `last`. */
function common(sinks: readonly { readonly has: IdRanges }[], first: number, last: number): [number, number][] {
  const missing = new IdRanges();
  for (const { has } of sinks) for (const [from, to] of has.gaps(first, last)) missing.addRange(from, to);
  return [...missing.gaps(first, last)] as unknown as [number, number][];
}
