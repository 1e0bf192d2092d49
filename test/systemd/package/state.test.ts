import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { configSchema } from "../../../device/config/schema.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { formatOf, goBack, keep, type Part } from "../../../systemd/package/state.ts";
import { saveTinyGallery } from "../../support/daemon.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { draft } from "../../support/verdicts.ts";
import { JOURNAL_OF_V1 } from "../../support/version-1.ts";

async function append(path: string, items: readonly number[]): Promise<number[]> {
  const journal = await Journal.open(configSchema.shape.journal.parse({ path }));
  try {
    const seqs: number[] = [];
    for (const item of items) seqs.push((await journal.append(draft("a", item))).verdict.seq);
    return seqs;
  } finally {
    await journal.close();
  }
}

/** What a later version might make of the journal. */
function asNewer(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(
    "ALTER TABLE verdicts ADD COLUMN weight INTEGER NOT NULL DEFAULT 0; CREATE TABLE later(name TEXT); PRAGMA user_version = 99",
  );
  db.close();
}

function board(folder: string): { parts: readonly Part[]; copy: string; journal: string } {
  const journal = join(folder, "journal.sqlite");
  const parts: Part[] = [
    { name: "journal", path: journal },
    { name: "gallery", path: join(folder, "gallery") },
    { name: "queue", path: join(folder, "queue") },
    { name: "recipes", path: join(folder, "recipes") },
    { name: "drift", path: join(folder, "drift.json") },
  ];
  return { parts, copy: join(folder, ".versions/old"), journal };
}

test("going back to an older format gives no number twice and forgets no verdict", async (t) => {
  const { parts, copy, journal } = board(await temporaryFolder(t));
  assert.deepEqual(await append(journal, [1, 2]), [1, 2]);
  keep(parts, copy);
  assert.deepEqual(await append(journal, [3, 4]), [3, 4]);
  asNewer(journal);
  await assert.rejects(append(journal, [5]));
  assert.deepEqual(goBack(parts, copy), ["journal"]);
  assert.deepEqual(await append(journal, [5]), [5]);
  const journalAgain = await Journal.open(configSchema.shape.journal.parse({ path: journal }));
  t.after(() => journalAgain.close());
  assert.deepEqual(
    (await journalAgain.pending("broker", 10)).map(({ seq }) => seq),
    [1, 2, 3, 4, 5],
  );
});

/** What version 0.5.0 does with its journal: gives the next numbers of lane a. @returns what the broker has not got */
function asFirst(path: string, items: readonly number[]): number[] {
  const db = new DatabaseSync(path);
  try {
    assert.equal(db.prepare("PRAGMA quick_check(1)").get()?.quick_check, "ok");
    const next = db.prepare(
      "INSERT INTO lanes VALUES (?, 1) ON CONFLICT(lane) DO UPDATE SET seq = seq + 1 RETURNING seq",
    );
    const insert = db.prepare("INSERT INTO verdicts(lane, seq, item, payload, createdAt) VALUES (?, ?, ?, ?, ?)");
    for (const n of items) {
      const { item } = draft("a", n);
      const seq = Number(next.get("a")?.seq);
      insert.run("a", seq, item, JSON.stringify({ ...draft("a", n), v: 1, seq, device: "board-7" }), 1);
    }
    return db
      .prepare("SELECT seq FROM verdicts WHERE acked = 0 ORDER BY id")
      .all()
      .map(({ seq }) => Number(seq));
  } finally {
    db.close();
  }
}

test("over the journal's two formats and back: the older version opens the copy, goes on with its numbers, and so does the newer", async (t) => {
  const { parts, copy, journal } = board(await temporaryFolder(t));
  const made = new DatabaseSync(journal);
  made.exec(JOURNAL_OF_V1);
  made.close();
  assert.deepEqual(asFirst(journal, [1, 2]), [1, 2]);
  keep(parts, copy);
  const newer = await Journal.open(configSchema.shape.journal.parse({ path: journal }));
  assert.deepEqual((await newer.append(draft("a", 3))).verdict.seq, 3);
  assert.deepEqual((await newer.append(draft("a", 4))).verdict.seq, 4);
  const [first] = await newer.pending("broker", 1);
  newer.ack("broker", [first!.id]);
  await newer.close();
  assert.equal(formatOf("journal", journal), "2");
  assert.deepEqual(goBack(parts, copy), ["journal"]);
  assert.equal(formatOf("journal", journal), "1");
  assert.deepEqual(asFirst(journal, [5]), [2, 3, 4, 5]);
  assert.deepEqual(await append(journal, [6]), [6]);
});

test("a copy that could not be made whole, or cannot be read, takes nobody's place", async (t) => {
  const folder = await temporaryFolder(t);
  const { parts, copy, journal } = board(folder);
  await append(journal, [1]);
  mkdirSync(join(folder, "queue"));
  keep(parts, copy);
  writeFileSync(join(folder, "queue/one.json"), '{"v":1}');
  writeFileSync(join(copy, "journal/journal.sqlite"), "torn");
  assert.deepEqual(goBack(parts, copy), []);
  assert.deepEqual(await append(journal, [2]), [2]);
  assert.ok(existsSync(join(folder, "queue/one.json")));
  keep(parts, copy);
  const before_ = readFileSync(join(copy, "journal/journal.sqlite"));
  await append(journal, [3]);
  const { PATH } = process.env;
  // Without `cp` nothing can be copied, as on a full disk.
  process.env.PATH = folder;
  try {
    assert.throws(() => keep(parts, copy), /cp/);
  } finally {
    process.env.PATH = PATH;
  }
  assert.deepEqual(readFileSync(join(copy, "journal/journal.sqlite")), before_);
  assert.ok(!existsSync(join(copy, "journal.begun")));
});

test("what the daemon takes away while it is copied is no reason to stop, a full disk is", async (t) => {
  const folder = await temporaryFolder(t);
  const { parts, copy } = board(folder);
  mkdirSync(join(folder, "queue"));
  writeFileSync(join(folder, "queue/one.json"), '{"v":1}');
  const { PATH } = process.env;
  t.after(() => (process.env.PATH = PATH));
  const saying = (text: string): void => {
    writeFileSync(join(folder, "cp"), `#!/bin/sh\n/bin/cp "$@"\necho "cp: ${text}" >&2\nexit 1\n`, { mode: 0o755 });
    process.env.PATH = `${folder}:${PATH}`;
  };
  saying("cannot stat 'queue/two.png.0a.tmp': No such file or directory");
  keep(parts, copy);
  assert.equal(readFileSync(join(copy, "queue/one.json"), "utf8"), '{"v":1}');
  saying("error writing 'queue/one.json': No space left on device");
  assert.throws(() => keep(parts, copy), /No space left/);
});

test("what has the same format stays as it is", async (t) => {
  const { parts, copy, journal } = board(await temporaryFolder(t));
  await append(journal, [1]);
  keep(parts, copy);
  await append(journal, [2]);
  assert.deepEqual(goBack(parts, copy), []);
  assert.deepEqual(await append(journal, [3]), [3]);
});

test("gallery, queue, recipes and drift of another format are taken from the copy, and the newer ones lie aside", async (t) => {
  const folder = await temporaryFolder(t);
  const { parts, copy } = board(folder);
  await saveTinyGallery(join(folder, "gallery"), 6);
  mkdirSync(join(folder, "queue"));
  mkdirSync(join(folder, "recipes"));
  const files = [join(folder, "queue/one.json"), join(folder, "recipes/state.json"), join(folder, "drift.json")];
  for (const file of files) writeFileSync(file, '{"v":1}');
  keep(parts, copy);
  assert.deepEqual(goBack(parts, copy), []);
  for (const file of files) writeFileSync(file, '{"v":2}');
  writeFileSync(join(folder, "gallery/gallery.bin"), "GRDLGAL9 and more");
  assert.deepEqual(goBack(parts, copy), ["gallery", "queue", "recipes", "drift"]);
  for (const file of files) assert.equal(readFileSync(file, "utf8"), '{"v":1}');
  assert.equal(formatOf("gallery", join(folder, "gallery")), "GRDLGAL1");
  assert.ok(existsSync(join(folder, "gallery.newer/gallery.bin")));
});

test("a part that is not there, or cannot be read, is no reason to stop", async (t) => {
  const folder = await temporaryFolder(t);
  const { parts, copy } = board(folder);
  writeFileSync(join(folder, "drift.json"), "torn");
  keep(parts, copy);
  assert.deepEqual(goBack(parts, copy), []);
});
