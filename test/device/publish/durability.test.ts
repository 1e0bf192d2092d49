import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { number, openDatabase } from "../../../device/publish/journal-schema.ts";

test("the journal's file is opened so that a commit is on the disk when it returns, and by nobody else", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gradeline-durability-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "journal.sqlite");
  const { db } = openDatabase(path, false);
  t.after(() => db.close());
  const pragma = (name: string) => db.prepare(`PRAGMA ${name}`).get()?.[name];
  // 2: FULL. With WAL, NORMAL would lose the last commits with the power.
  assert.equal(number(db, "PRAGMA synchronous", "synchronous"), 2);
  assert.deepEqual([pragma("journal_mode"), pragma("locking_mode")], ["wal", "exclusive"]);
  assert.deepEqual([pragma("wal_autocheckpoint"), pragma("journal_size_limit")], [1000, 4_194_304]);
  const other = new DatabaseSync(path, { timeout: 0 });
  t.after(() => other.close());
  assert.throws(() => other.prepare("SELECT count(*) FROM verdicts").get(), /locked/);
});
