import assert from "node:assert/strict";
import fs, { existsSync, mkdtempSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { PLANT } from "../../../device/publish/journal-file.ts";
import { JournalLink } from "../../../device/publish/journal-link.ts";
import type { JournalEntry } from "../../../device/publish/journal-row.ts";
import { JournalStore } from "../../../device/publish/journal-store.ts";
import type { JournalCall } from "../../../device/publish/journal-thread.ts";
import { draft, journalConfig, STORED } from "../../support/verdicts.ts";

const IOERR = 10;
const FULL = 13;

function pathFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "gradeline-commit-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "journal.sqlite");
}

function entry(seq: number): JournalEntry {
  const { v, device, lane, ...rest } = draft("a", seq);
  const payload = JSON.stringify({ v, device, epoch: STORED.epoch, lane, seq, ...rest });
  return { lane, seq, item: rest.item, payload, decidedAt: 1_790_000_000_000_000 + seq };
}

function openStore(t: TestContext, path: string): JournalStore {
  const store = JournalStore.open(journalConfig({ path }), [PLANT, "cloud"]);
  t.after(() => store.close());
  return store;
}

/** The next commits of SQLite fail, each with one of these codes. @returns where the statements are noted */
function failCommits(t: TestContext, ...codes: number[]): string[] {
  const statements: string[] = [];
  const real = DatabaseSync.prototype.exec;
  t.mock.method(DatabaseSync.prototype, "exec", function (this: DatabaseSync, sql: string) {
    statements.push(sql);
    const errcode = sql === "COMMIT" ? codes.shift() : undefined;
    if (errcode !== undefined) throw Object.assign(new Error("the disk says no"), { errcode });
    real.call(this, sql);
  });
  return statements;
}

test("of a commit that fails nothing is kept: neither verdicts nor acknowledgements, numbers nor counts", (t) => {
  const store = openStore(t, pathFor(t));
  assert.deepEqual(store.commit([1, 2, 3].map(entry), []), [1, 2, 3]);
  store.commit([], [["cloud", [1, 2]]]);
  const before = store.stats;
  assert.deepEqual(
    before.sinks.map(({ sink, depth }) => [sink, depth]),
    [
      [PLANT, 3],
      ["cloud", 1],
    ],
  );
  const statements = failCommits(t, IOERR);
  const fails = () => store.commit([entry(4)], [[PLANT, [1]]]);
  assert.throws(fails, { code: "JOURNAL", retry: true, message: /refuses to write or read/ });
  assert.deepEqual(statements, ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"]);
  assert.deepEqual([store.stats, store.lanes], [before, [["a", 3]]]);
  assert.deepEqual(
    store.pending(PLANT, 10).map(({ id }) => id),
    [1, 2, 3],
  );
  // The same again, when the disk is back.
  assert.deepEqual(store.commit([entry(4)], [[PLANT, [1]]], true), [4]);
  assert.deepEqual(
    store.pending(PLANT, 10).map(({ id }) => id),
    [2, 3, 4],
  );
  assert.deepEqual(
    store.stats.sinks.map(({ depth }) => depth),
    [3, 2],
  );
});

test("where the end of a commit was not heard of its verdicts are stored once; another item of the number is damage", (t) => {
  const store = openStore(t, pathFor(t));
  store.commit([entry(1)], []);
  assert.deepEqual(store.commit([entry(1), entry(2)], [], true), [1, 2]);
  assert.equal(store.stats.rows, 2);
  assert.throws(
    () => store.commit([{ ...entry(2), item: "other" }], [], true),
    (error: GradelineError) => /number 2 of lane a is given already/.test(String(error.cause)),
  );
});

test("a full disk gets its reserve back, and the commit is done again at once", (t) => {
  const path = pathFor(t);
  const store = openStore(t, path);
  assert.ok(existsSync(`${path}.reserve`));
  failCommits(t, FULL);
  assert.deepEqual(store.commit([entry(1)], []), [1]);
  assert.equal(existsSync(`${path}.reserve`), false);
  assert.deepEqual(
    store.pending(PLANT, 10).map(({ seq }) => seq),
    [1],
  );
});

test("an acknowledgement of a row that there is not counts for nothing", (t) => {
  const store = openStore(t, pathFor(t));
  store.commit(
    [entry(1)],
    [
      [PLANT, [1, 2, 7]],
      ["nobody", [1]],
    ],
  );
  // The first was not there yet when it was acknowledged.
  assert.deepEqual(
    store.stats.sinks.map(({ depth }) => depth),
    [1, 1],
  );
});

/** The journal's thread, which fails commits as long as it is told to, and what it was asked. */
function failingThread(t: TestContext): { calls: JournalCall[]; fail: GradelineError | undefined } {
  const state = { calls: [] as JournalCall[], fail: undefined as GradelineError | undefined };
  const real = JournalLink.prototype.ask;
  t.mock.method(JournalLink.prototype, "ask", function (this: JournalLink, call: JournalCall, wanted: never) {
    state.calls.push(call);
    if (call.kind === "commit" && state.fail !== undefined) return Promise.reject(state.fail);
    return real.call(this, call, wanted);
  });
  return state;
}

test("acknowledgements of a commit that failed go with the next one, in their order, and what came meanwhile after them", async (t) => {
  const thread = failingThread(t);
  const journal = await Journal.open(journalConfig({ path: pathFor(t) }), { retryMs: 10 });
  t.after(() => journal.close());
  await Promise.all([1, 2, 3].map((n) => journal.append(draft("a", n))));
  const problems: (string | undefined)[] = [];
  const told = Promise.withResolvers<void>();
  journal.events.on("problem", (problem) => {
    problems.push(problem?.message);
    told.resolve();
  });
  thread.fail = new GradelineError("JOURNAL", "no space left", { retry: true });
  thread.calls.length = 0;
  journal.ack(PLANT, [1]);
  const fourth = journal.append(draft("a", 4));
  journal.ack(PLANT, [2]);
  await told.promise;
  journal.ack(PLANT, [3]);
  assert.deepEqual([journal.waiting, journal.problem?.message], [1, "no space left"]);
  thread.fail = undefined;
  assert.deepEqual((await fourth).row.id, 4);
  const commits = thread.calls.filter((call) => call.kind === "commit");
  const last = commits.at(-1)!;
  assert.equal(last.again, true);
  assert.deepEqual([last.entries.map(({ seq }) => seq), last.acks], [[4], [[PLANT, [1, 2, 3]]]]);
  assert.deepEqual([problems, journal.problem, journal.waiting], [["no space left", undefined], undefined, 0]);
  assert.equal(journal.cursor(PLANT).stats.depth, 1);
  // The numbers that were given meanwhile were noted, so that a kill would not give them again.
  const note = thread.calls.find((call) => call.kind === "note");
  assert.deepEqual(note?.given, [["a", 4]]);
});

test("what one turn of the event loop brings shares a commit, which forces the file to the disk once", async (t) => {
  const thread = failingThread(t);
  const journal = await Journal.open(journalConfig({ path: pathFor(t) }));
  t.after(() => journal.close());
  await Promise.all(Array.from({ length: 700 }, (_, n) => journal.append(draft("a", n + 1))));
  assert.deepEqual(
    thread.calls.flatMap((call) => (call.kind === "commit" ? [call.entries.length] : [])),
    [500, 200],
  );
});

test("the file of numbers is forced to the disk before a number beyond it becomes durable, and not for each", (t) => {
  const store = openStore(t, pathFor(t));
  const done = failCommits(t);
  const real = fs.fdatasyncSync;
  t.mock.method(fs, "fdatasyncSync", (fd: number) => {
    done.push(`to the disk: ${basename(fs.readlinkSync(`/proc/self/fd/${fd}`))}`);
    real(fd);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  store.commit([entry(1)], []);
  const numbers = "to the disk: journal.sqlite.seq";
  // Three copies, one after the other.
  assert.deepEqual(done, [numbers, numbers, numbers, "BEGIN IMMEDIATE", "COMMIT"]);
  done.length = 0;
  store.commit([entry(2)], []);
  assert.deepEqual(done, ["BEGIN IMMEDIATE", "COMMIT"]);
});
