import type { JournalRow } from "./journal-row.ts";
import type { SinkStats } from "./journal-store.ts";

/** What a cursor needs of its journal. */
interface Rows {
  readonly stats: { readonly sinks: readonly SinkStats[] };
  pending(sink: string, limit: number, after?: number): Promise<readonly JournalRow[]>;
  ack(sink: string, ids: readonly number[]): void;
}

/**
 * Position of one receiver of verdicts in the journal: it reads the verdicts it lacks, in order, and acknowledges them.
 * Rows that it may acknowledge in any order; one that it never does is read again after the next start.
 *
 *     while (!stop.aborted) {
 *       const rows = await cursor.read(500);
 *       if (rows.length === 0) await cursor.more(stop);
 *       else { await write(rows); cursor.ack(rows.map(({ id }) => id)); }
 *     }
 */
export class Cursor {
  readonly sink: string;
  readonly #journal: Rows;
  #grown = Promise.withResolvers<void>();

  constructor(sink: string, journal: Rows) {
    this.sink = sink;
    this.#journal = journal;
  }

  /** Verdicts that it has not got, and those given up for the bound before it had them. */
  get stats(): SinkStats {
    return (
      this.#journal.stats.sinks.find(({ sink }) => sink === this.sink) ?? { sink: this.sink, depth: 0, dropped: 0 }
    );
  }

  /** Verdicts that it has not got, oldest first. @param after only those with a larger id */
  read(limit: number, after = 0): Promise<readonly JournalRow[]> {
    return this.#journal.pending(this.sink, limit, after);
  }

  ack(ids: readonly number[]): void {
    this.#journal.ack(this.sink, ids);
  }

  /** Resolves when more has become durable since the call, or when `stop` aborts. */
  async more(stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    const stopped = Promise.withResolvers<void>();
    const end = (): void => stopped.resolve();
    stop.addEventListener("abort", end, { once: true });
    await Promise.race([this.#grown.promise, stopped.promise]);
    stop.removeEventListener("abort", end);
  }

  /** The journal has new rows. */
  grew(): void {
    this.#grown.resolve();
    this.#grown = Promise.withResolvers();
  }
}
