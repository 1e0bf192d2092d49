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
