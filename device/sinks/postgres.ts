import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { readSecret } from "../config/file.ts";
import type { PostgresConfig } from "../config/outputs.ts";
import type { Reason } from "../contract/reasons.ts";
import type { Cursor } from "../publish/cursor.ts";
import type { JournalRow } from "../publish/journal-row.ts";
import { COLUMNS, copyLine, dayOfRow } from "./postgres-row.ts";

/** Rows of one transaction. */
const MAX_ROWS = 2000;
/** Little that comes waits so long for more, so that a row does not cost a transaction each. */
const GATHER_MS = 200;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const CONNECT_MS = 5000;
/** A server that answers no sooner is away. */
const ANSWER_MS = 20_000;
/** The version of the tables that this program makes. */
const SCHEMA_VERSION = 1;

export interface PostgresTiming {
  readonly firstRetryMs: number;
  readonly answerMs: number;
}

/**
 * Writes every verdict to a PostgreSQL database, at its own pace: what it has not got waits in the journal. A row is
 * known by device, epoch, lane and number; one that is written again, after a commit whose answer was lost, is left out.
 */
export class PostgresSink implements Closable {
  readonly #config: PostgresConfig;
  readonly #cursor: Cursor;
  readonly #log: Log;
  readonly #timing: PostgresTiming;
  readonly #stop = new AbortController();
  readonly #days = new Set<string>();
  #client: pg.Client | undefined;
  #problem: GradelineError | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: PostgresConfig, cursor: Cursor, log: Log, timing: Partial<PostgresTiming> = {}) {
    this.#config = config;
    this.#cursor = cursor;
    this.#log = log;
    this.#timing = { firstRetryMs: FIRST_RETRY_MS, answerMs: ANSWER_MS, ...timing };
  }

  /** Begins to hand over. */
  open(): void {
    this.#running = this.#run();
  }

  /** Why the database takes nothing. */
  get problem(): GradelineError | undefined {
    return this.#problem;
  }

  *reasons(): Iterable<Reason> {
    if (this.#problem === undefined) return;
    const { depth } = this.#cursor.stats;
    const message = `PostgreSQL at ${this.#config.url}: ${this.#problem.message}; ${depth} verdicts wait`;
    yield { code: "postgres", message, hint: this.#problem.hint };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    // A server that answers nothing more must not hold the end up: what it did not say it has is written again.
    this.#client?.connection.stream.destroy();
    await this.#running;
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    let waitMs = this.#timing.firstRetryMs;
    while (!stop.aborted) {
      try {
        const rows = await this.#cursor.read(MAX_ROWS);
        if (rows.length === 0) {
          await this.#cursor.more(stop);
          await pause(GATHER_MS, stop);
          continue;
        }
        await this.#write(rows);
        this.#cursor.ack(rows.map(({ id }) => id));
        if (this.#problem !== undefined) this.#log.info("PostgreSQL takes verdicts again");
        this.#problem = undefined;
        waitMs = this.#timing.firstRetryMs;
      } catch (error) {
        await this.#disconnect();
        if (stop.aborted) return;
        this.#failed(error);
        await pause(waitMs, stop);
        waitMs = Math.min(LAST_RETRY_MS, waitMs * 2);
      }
    }
    await this.#disconnect();
  }

  async #write(rows: readonly JournalRow[]): Promise<void> {
    this.#client ??= await this.#connect();
    const client = this.#client;
    const days = Map.groupBy(rows, dayOfRow);
    for (const day of days.keys()) await this.#makeDay(client, day);
    await client.query("BEGIN");
    for (const [day, dayRows] of days) {
      await client.query("TRUNCATE arriving");
      const into = client.query(copyFrom("COPY arriving FROM STDIN"));
      await pipeline(Readable.from(dayRows.map(copyLine)), into);
      await client.query(`INSERT INTO ${this.#table(day)} SELECT * FROM arriving ON CONFLICT DO NOTHING`);
    }
    await client.query("COMMIT");
  }

  async #connect(): Promise<pg.Client> {
    const { url, username, password, ca } = this.#config;
    const { hostname, port, pathname } = new URL(url);
    const client = new pg.Client({
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? 5432 : Number(port),
      database: decodeURIComponent(pathname.slice(1)),
      user: username,
      ...(password === undefined ? {} : { password: await readSecret(password) }),
      ...(ca === undefined ? {} : { ssl: { ca: await readFile(ca, "utf8") } }),
      application_name: "gradeline",
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: this.#timing.answerMs,
      statement_timeout: this.#timing.answerMs,
      keepAlive: true,
    });
    // A connection that ends while nothing is asked: the next question finds out.
    client.on("error", () => {});
    try {
      await client.connect();
      await this.#migrate(client);
      return client;
    } catch (error) {
      await ended(client);
      throw error;
    }
  }

  /** Makes what is missing. A newer program may have been here: its tables are left alone. */
  async #migrate(client: pg.Client): Promise<void> {
    const { schema } = this.#config;
    const columns = COLUMNS.map(([name, type]) => `${name} ${type}`).join(", ");
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.version (version integer NOT NULL)`);
    const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${schema}.version`);
    const version = rows[0]?.version ?? 0;
    if (version > SCHEMA_VERSION) {
      throw new GradelineError(
        "CONFIG",
        `schema ${schema} has version ${version}, this program writes ${SCHEMA_VERSION}`,
        {
          hint: "update gradeline, or give `postgres.schema` another name",
        },
      );
    }
    if (version === 0) {
      await client.query(
        `BEGIN; CREATE TABLE IF NOT EXISTS ${schema}.verdicts (${columns}, PRIMARY KEY (device, epoch, lane, seq, decided_at))
           PARTITION BY RANGE (decided_at);
         INSERT INTO ${schema}.version VALUES (${SCHEMA_VERSION}); COMMIT`,
      );
    }
    await client.query(`CREATE TEMPORARY TABLE IF NOT EXISTS arriving (${columns})`);
    this.#days.clear();
  }

  async #makeDay(client: pg.Client, day: string): Promise<void> {
    if (this.#days.has(day)) return;
    const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${this.#table(day)} PARTITION OF ${this.#config.schema}.verdicts
         FOR VALUES FROM ('${day} 00:00:00+00') TO ('${next} 00:00:00+00')`,
    );
    this.#days.add(day);
  }

  #table(day: string): string {
    return `${this.#config.schema}.verdicts_${day.replaceAll("-", "")}`;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await ended(client);
  }

  #failed(error: unknown): void {
    const problem = asProblem(error);
    if (this.#problem?.message !== problem.message) {
      this.#log.error(
        { hint: problem.hint },
        `PostgreSQL takes no verdicts, they wait in the journal: ${problem.message}`,
      );
    }
    this.#problem = problem;
  }
}

/** What the server or the network said, and what to do. */
function asProblem(error: unknown): GradelineError {
  if (error instanceof GradelineError) return error;
  const { code = "" } = error as { code?: string };
  const message = asGradelineError(error).message || code;
  const hint = /^28/.test(code)
    ? "check `postgres.username` and `postgres.password`"
    : code === "3D000"
      ? "make the database, or check `postgres.url`"
      : code === "42501"
        ? "let this user create the schema: GRANT CREATE ON DATABASE"
        : "check `postgres.url` and that the server runs";
  return new GradelineError("FILE", message, { hint, retry: true, cause: error });
}

/** @returns when it is over, one way or the other */
async function ended(client: pg.Client): Promise<void> {
  const stream = client.connection.stream;
  const closing = client.end().catch(() => {});
  const given = setTimeout(() => stream.destroy(), 500);
  await closing;
  clearTimeout(given);
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  const end = (): void => over.resolve();
  stop.addEventListener("abort", end, { once: true });
  await over.promise;
  stop.removeEventListener("abort", end);
  clearTimeout(timer);
}
