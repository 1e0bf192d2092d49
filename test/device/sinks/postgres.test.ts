import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import pino from "pino";
import { nowMicros } from "../../../device/base/time.ts";
import { postgresSchema } from "../../../device/config/outputs.ts";
import type { Verdict } from "../../../device/contract/messages.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { PostgresSink } from "../../../device/sinks/postgres.ts";
import { copyLine } from "../../../device/sinks/postgres-row.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import { freePort } from "../../support/free-port.ts";
import { PostgresServer, withoutPostgres } from "../../support/postgres.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { draft, journalConfig } from "../../support/verdicts.ts";
import { until } from "../../support/wait.ts";

const SINK = "postgres";
const quiet = pino({ level: "silent" });

interface Row {
  readonly lane: string;
  readonly seq: string;
  readonly item: string;
  readonly verdict: Verdict;
}

/** A journal with the sink that the test starts and stops. */
async function bench(t: TestContext, server: PostgresServer, schema: string) {
  const folder = await temporaryFolder(t);
  const journal = await Journal.open(journalConfig({ path: join(folder, "journal.sqlite") }), { sinks: [SINK] });
  t.after(() => journal.close());
  const config = postgresSchema.parse({
    url: server.url,
    username: "owner",
    password: { file: server.secret },
    schema,
  });
  const open = (timing: ConstructorParameters<typeof PostgresSink>[3] = {}): PostgresSink => {
    const sink = new PostgresSink(config, journal.cursor(SINK), quiet, { firstRetryMs: 20, ...timing });
    t.after(() => sink.close());
    sink.open();
    return sink;
  };
  let count = 0;
  const append = async (more: number): Promise<void> => {
    const from = count;
    count += more;
    await Promise.all(Array.from({ length: more }, (_, n) => journal.append(draft("a", from + n))));
  };
  const drained = () => until("the database has all", () => journal.cursor(SINK).stats.depth === 0 || undefined);
  const rows = () => server.query<Row>(`SELECT lane, seq, item, verdict FROM ${schema}.verdicts ORDER BY seq`);
  const assertEqual = async (): Promise<void> => {
    const found = await rows();
    assert.deepEqual(
      found.map(({ lane, seq, item }) => [lane, Number(seq), item]),
      Array.from({ length: count }, (_, n) => ["a", n + 1, `a-run-${n}`]),
    );
  };
  return { journal, config, open, append, drained, rows, assertEqual, folder };
}

describe("PostgreSQL", { skip: withoutPostgres, concurrency: 1 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.make();
    await server.start();
  });
  after(() => server.close());

  test("every verdict is a row once, in a table of its day, and the message itself is in it", async (t) => {
    const { open, append, drained, rows, assertEqual } = await bench(t, server, "whole");
    const sink = open();
    await append(40);
    await drained();
    await assertEqual();
    const [first] = await rows();
    const { v: _, ...rest } = draft("a", 0);
    for (const [key, value] of Object.entries(rest)) assert.deepEqual(first!.verdict[key as keyof Verdict], value, key);
    const tables = await server.query<{ name: string }>(
      "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname LIKE 'verdicts_%'",
    );
    assert.deepEqual(
      tables.map(({ name }) => name),
      ["verdicts_20260921"],
    );
    assert.deepEqual([...sink.reasons()], []);
  });

  test("rows that are handed over again, after a commit whose answer was lost, are left out", async (t) => {
    const { open, append, drained, assertEqual, journal, config } = await bench(t, server, "again");
    open();
    await append(10);
    await drained();
    // As after a kill between the commit and the journal's note of it.
    const cursor = journal.cursor(SINK);
    const all = await journal.select({ lane: "a" }, 100);
    let given = false;
    const repeated = {
      stats: cursor.stats,
      read: async () => (given ? [] : all),
      ack: () => (given = true),
      more: (stop: AbortSignal) => cursor.more(stop),
    } as unknown as typeof cursor;
    const again = new PostgresSink(config, repeated, quiet);
    again.open();
    await until("it was written again", () => given || undefined);
    await again.close();
    await append(5);
    await drained();
    await assertEqual();
  });

  test("a server that is killed in the middle, again and again, loses and doubles nothing", async (t) => {
    const { open, append, drained, assertEqual } = await bench(t, server, "killed");
    const sink = open();
    for (let round = 0; round < 3; round++) {
      const appended = append(300);
      await server.kill();
      await append(20);
      await appended;
      await until("it is told", () => [...sink.reasons()][0]);
      assert.match([...sink.reasons()][0]!.message, /PostgreSQL at postgres:\S+: .*; \d+ verdicts wait/);
      await server.start();
    }
    await drained();
    await assertEqual();
    assert.deepEqual([...sink.reasons()], []);
  });

  test("a server that answers nothing for too long is left, and gets all once it answers", async (t) => {
    const { open, append, drained, assertEqual } = await bench(t, server, "slow");
    const sink = open({ answerMs: 300 });
    await append(5);
    await drained();
    const other = await server.client();
    await other.query("BEGIN; LOCK TABLE slow.verdicts IN ACCESS EXCLUSIVE MODE");
    await append(5);
    const reason = await until("it is told", () => [...sink.reasons()][0]);
    assert.match(reason.message, /timeout/i);
    await other.query("ROLLBACK");
    await other.end();
    await drained();
    await assertEqual();
  });

  test("a login that is refused and a schema of a newer program are told with what to do", async (t) => {
    const { append, config, journal, folder } = await bench(t, server, "refused");
    await append(1);
    const wrong = join(folder, "wrong");
    await writeFile(wrong, "guess\n");
    const told = async (changes: object) => {
      const sink = new PostgresSink({ ...config, ...changes }, journal.cursor(SINK), quiet);
      sink.open();
      const reason = await until("it is told", () => [...sink.reasons()][0]);
      await sink.close();
      return reason;
    };
    const login = await told({ password: { file: wrong } });
    assert.match(login.message, /password authentication failed for user "owner"; 1 verdicts wait/);
    assert.match(login.hint!, /postgres\.password/);
    const database = await told({ url: server.url.replace(/\w+$/, "nowhere") });
    assert.match(database.hint!, /make the database/);
    await server.query("CREATE SCHEMA newer; CREATE TABLE newer.version AS SELECT 9 AS version");
    assert.match((await told({ schema: "newer" })).message, /schema newer has version 9, this program writes 1/);
  });

  describe("beside the running line", { skip: withoutMosquitto }, () => {
    const board = Board.forEachTest("mosquitto");
    test("a database that is away does not hold the line up, and the state says so until it is there", async () => {
      const postgres = { url: server.url, username: "owner", password: { file: server.secret }, schema: "line" };
      await server.kill();
      await board.started(board.line({ startAt: nowMicros(), more: { postgres } }));
      const { ears } = board;
      const state = await ears.until(() =>
        board.states.find(({ causes }) => causes.some((c) => c.code === "postgres")),
      );
      assert.match(state.causes.find(({ code }) => code === "postgres")!.message, /ECONNREFUSED/);
      const before = verdictsOf(ears).length;
      await ears.count("/verdict", before + 2);
      await server.start();
      const published = verdictsOf(ears).length;
      const found = await until("the database has them", async () => {
        const rows = await server.query<Row>("SELECT item FROM line.verdicts").catch(() => []);
        return rows.length >= published ? rows.map(({ item }) => item) : undefined;
      });
      assert.equal(new Set(found).size, found.length);
    });
  });
});

test("whatever is in a message comes through COPY's text: tabs, lines, backslashes and what is not there", () => {
  const verdict = { ...draft("a", 1), seq: 1, epoch: "e", grade: "a\tb\\N", reason: "one\ntwo\\", lot: undefined };
  const payload = JSON.stringify(verdict);
  const line = copyLine({ payload });
  const cells = line.trimEnd().split("\t");
  assert.equal(cells.length, 15);
  assert.deepEqual([cells[7], cells[11]], ["a\\tb\\\\N", "\\N"]);
  assert.equal(line.indexOf("\n"), line.length - 1);
});

test("a port where nothing listens is told, and `close` ends at once", async (t) => {
  const folder = await temporaryFolder(t);
  const journal = await Journal.open(journalConfig({ path: join(folder, "j.sqlite") }), { sinks: [SINK] });
  t.after(() => journal.close());
  const url = `postgres://127.0.0.1:${await freePort()}/x`;
  const sink = new PostgresSink(postgresSchema.parse({ url, username: "u" }), journal.cursor(SINK), quiet);
  sink.open();
  await journal.append(draft("a", 1));
  const reason = await until("it is told", () => [...sink.reasons()][0]);
  assert.equal(reason.code, "postgres");
  await sink.close();
  assert.equal(journal.cursor(SINK).stats.depth, 1);
});
