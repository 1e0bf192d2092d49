import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "node:test";
import type { JournalConfig } from "../../../device/config/schema.ts";
import { verdictSchema } from "../../../device/contract/messages.ts";
import { Journal, MAX_WAITING } from "../../../device/publish/journal.ts";
import { PLANT } from "../../../device/publish/journal-file.ts";
import { Child } from "../../support/child.ts";
import { onSmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";
import { draft, journalConfig } from "../../support/verdicts.ts";

const CHILD = "test/support/journal-child.ts";

let folder: string;
let path: string;
const open: Journal[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-journal-"));
  path = join(folder, "journal.sqlite");
});

afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function openJournal(config: Partial<JournalConfig> = {}): Promise<Journal> {
  const journal = await Journal.open(journalConfig({ path, ...config }));
  open.push(journal);
  return journal;
}

async function appendMany(journal: Journal, lane: string, from: number, to: number): Promise<number[]> {
  const appended = [];
  for (let n = from; n <= to; n++) appended.push(journal.append(draft(lane, n)));
  return (await Promise.all(appended)).map(({ verdict }) => verdict.seq);
}

test("each lane counts its own verdicts from 1 without a gap", async () => {
  const journal = await openJournal();
  const [a, b] = await Promise.all([appendMany(journal, "a", 1, 3), appendMany(journal, "b", 1, 2)]);
  assert.deepEqual(a, [1, 2, 3]);
  assert.deepEqual(b, [1, 2]);
});

test("numbers go on where they were after the journal was closed and opened again", async () => {
  const first = await openJournal();
  await appendMany(first, "a", 1, 3);
  await first.close();
  const second = await openJournal();
  assert.equal(second.cursor(PLANT).stats.depth, 3);
  assert.deepEqual(await appendMany(second, "a", 4, 5), [4, 5]);
});

test("numbers go on when every verdict was acknowledged before the restart", async () => {
  const first = await openJournal();
  await appendMany(first, "a", 1, 3);
  first.cursor(PLANT).ack((await first.cursor(PLANT).read(10)).map(({ id }) => id));
  await first.close();
  const second = await openJournal();
  assert.equal(second.cursor(PLANT).stats.depth, 0);
  assert.deepEqual(await appendMany(second, "a", 4, 4), [4]);
});

test("a durable verdict is the message of the contract, number included", async () => {
  const journal = await openJournal();
  const { row, verdict } = await journal.append(draft("a", 1));
  assert.deepEqual(verdictSchema.parse(JSON.parse(row.payload)), verdict);
  assert.equal(Object.keys(JSON.parse(row.payload)).slice(0, 5).join(), "v,device,epoch,lane,seq");
  assert.deepEqual((await journal.cursor(PLANT).read(1))[0], { ...row, tick: 0 });
});

test("an item appended twice gets its first verdict again and uses up no number", async () => {
  const journal = await openJournal();
  const first = await journal.append(draft("a", 1));
  const again = await journal.append({ ...draft("a", 1), grade: "reject" });
  assert.deepEqual(again.verdict, first.verdict);
  assert.deepEqual(await appendMany(journal, "a", 2, 2), [2]);
  assert.equal(journal.cursor(PLANT).stats.depth, 2);
});

test("an item is recognised in the same transaction and after its acknowledgement", async () => {
  const journal = await openJournal();
  const [one, two] = await Promise.all([journal.append(draft("a", 1)), journal.append(draft("a", 1))]);
  assert.equal(two.row.id, one.row.id);
  journal.cursor(PLANT).ack([one.row.id]);
  assert.deepEqual(await journal.cursor(PLANT).read(10), []);
  assert.equal((await journal.append(draft("a", 1))).verdict.seq, 1);
  assert.equal(journal.cursor(PLANT).stats.depth, 0);
});

test("pending verdicts come oldest first, up to the limit, and leave out what is acknowledged", async () => {
  const journal = await openJournal();
  await appendMany(journal, "a", 1, 10);
  const rows = await journal.cursor(PLANT).read(4);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    [1, 2, 3, 4],
  );
  journal.cursor(PLANT).ack([rows[0]!.id, rows[2]!.id]);
  assert.deepEqual(
    (await journal.cursor(PLANT).read(3)).map(({ seq }) => seq),
    [2, 4, 5],
  );
  assert.deepEqual(
    (await journal.cursor(PLANT).read(3, rows[3]!.id)).map(({ seq }) => seq),
    [5, 6, 7],
  );
});

test("beyond the bound of rows the oldest are given up and counted, also across a restart", async () => {
  const first = await openJournal({ maxRows: 10 });
  assert.deepEqual((await appendMany(first, "a", 1, 25)).at(-1), 25);
  assert.deepEqual(
    (await first.cursor(PLANT).read(100)).map(({ seq }) => seq),
    [16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
  );
  assert.deepEqual([first.cursor(PLANT).stats.depth, first.cursor(PLANT).stats.dropped], [10, 15]);
  await first.close();
  const second = await openJournal({ maxRows: 10 });
  assert.equal(second.cursor(PLANT).stats.dropped, 15);
});

test("acknowledged verdicts make room before any other is given up", async () => {
  const journal = await openJournal({ maxRows: 10 });
  await appendMany(journal, "a", 1, 10);
  journal.cursor(PLANT).ack((await journal.cursor(PLANT).read(10)).slice(5).map(({ id }) => id));
  await appendMany(journal, "a", 11, 15);
  assert.equal(journal.cursor(PLANT).stats.dropped, 0);
  assert.deepEqual(
    (await journal.cursor(PLANT).read(100)).map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 11, 12, 13, 14, 15],
  );
});

test("the file stays within the bound of bytes and keeps the newest", async () => {
  const maxBytes = 256 * 1024;
  const journal = await openJournal({ maxBytes });
  await appendMany(journal, "a", 1, 1500);
  const { bytes } = journal.stats;
  const { dropped, depth } = journal.cursor(PLANT).stats;
  assert.ok(bytes <= maxBytes, `${bytes} bytes`);
  assert.ok(dropped > 500 && depth + dropped === 1500, `${depth} kept, ${dropped} dropped`);
  assert.equal((await journal.cursor(PLANT).read(5000)).at(-1)?.seq, 1500);
});

test("verdicts that every sink has are kept up to the bytes they may take", async () => {
  const journal = await openJournal({ keepBytes: 1_500_000 });
  for (let n = 1; n <= 4000; n += 500) {
    await appendMany(journal, "a", n, n + 499);
    journal.cursor(PLANT).ack((await journal.cursor(PLANT).read(500)).map(({ id }) => id));
  }
  await journal.cursor(PLANT).read(1);
  assert.equal(journal.cursor(PLANT).stats.depth, 0);
  const { rows, bytes } = journal.stats;
  assert.ok(rows > 500 && rows < 3000 && bytes < 1_700_000, `${rows} rows, ${bytes} bytes`);
  const kept = await journal.select({ lane: "a" }, 5000);
  assert.deepEqual([kept.length, kept.at(-1)?.seq], [rows, 4000]);
});

test("a second daemon on the same journal is refused, in this process and in another", async () => {
  const journal = await openJournal();
  await assert.rejects(openJournal(), {
    code: "JOURNAL",
    message: `${path} is in use by another daemon`,
    retry: false,
  });
  const other = new Child(CHILD, [path, "1"]);
  const refused = await other.until(({ event }) => event === "refused");
  assert.match(String(refused.message), /in use by another daemon/);
  await other.ended;
  assert.deepEqual(await appendMany(journal, "a", 1, 1), [1]);
});

test("after kill -9 the lock is free, every durable verdict is there and numbers go on without a gap", async () => {
  const child = new Child(CHILD, [path, "0"]);
  await child.until(({ event, n }) => event === "durable" && Number(n) >= 40);
  await child.kill();
  const durable = child.all("durable").map(({ seq }) => Number(seq));
  const journal = await openJournal();
  const seqs = (await journal.cursor(PLANT).read(100_000)).map(({ seq }) => seq);
  // One more may have become durable without being told.
  assert.ok(seqs.length === durable.length || seqs.length === durable.length + 1);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
  assert.deepEqual(await appendMany(journal, "b", 1, 1), [1]);
  assert.deepEqual(await appendMany(journal, "a", seqs.length + 1, seqs.length + 1), [seqs.length + 1]);
});

test("a file that is no database is set aside under a name that is told, and a new journal begins", async () => {
  writeFileSync(path, "not a database, but somebody's notes\n".repeat(100));
  const journal = await openJournal();
  const [{ file } = {}] = journal.opening;
  assert.match(file!, /journal\.sqlite\.damaged-/);
  assert.match(readFileSync(file!, "utf8"), /somebody's notes/);
  assert.deepEqual(await appendMany(journal, "a", 1, 1), [1]);
});

test("of a journal cut in half the numbers go on and readable verdicts are kept", async () => {
  const first = await openJournal();
  await appendMany(first, "a", 1, 2000);
  await first.close();
  const size = readFileSync(path).length;
  truncateSync(path, Math.floor(size / 2));
  const second = await openJournal();
  const { file, text } = second.opening[0]!;
  assert.ok(existsSync(file!), text);
  const kept = (await second.cursor(PLANT).read(5000)).map(({ seq }) => seq);
  assert.ok(kept.length > 100 && kept.length < 2000, `${kept.length} kept`);
  assert.deepEqual(await appendMany(second, "a", 2001, 2001), [2001]);
});

test("a journal that is taken away or cut short under the running daemon is replaced at once, told, and goes on", async () => {
  const journal = await openJournal();
  const notices: string[] = [];
  journal.events.on("notice", ({ text }) => notices.push(text));
  assert.deepEqual(await appendMany(journal, "a", 1, 50), upTo(1, 50));
  await rm(path);
  assert.deepEqual(await appendMany(journal, "a", 51, 60), upTo(51, 60));
  await appendMany(journal, "a", 61, 61);
  assert.match(notices.join(), /was taken away/);
  assert.ok(existsSync(path));
  truncateSync(path, 5000);
  await appendMany(journal, "a", 62, 62);
  assert.deepEqual(await appendMany(journal, "a", 63, 70), upTo(63, 70));
  const read = (await journal.cursor(PLANT).read(1000)).map(({ seq }) => seq);
  const { damaged } = journal.stats;
  assert.equal(read.length + damaged, 70, `${read.length} read, ${damaged} told`);
});

function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test("another program's database is refused and left as it is", async () => {
  const theirs = new DatabaseSync(path);
  theirs.exec("CREATE TABLE pictures(name TEXT)");
  theirs.close();
  await assert.rejects(openJournal(), { code: "JOURNAL", message: /database of another program/ });
  assert.deepEqual(readdirSync(folder), ["journal.sqlite"]);
});

test("a folder that cannot be made and a path that is a folder are refused by name", async () => {
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(openJournal({ path: join(folder, "file", "j.sqlite") }), { code: "JOURNAL", message: /folder/ });
  mkdirSync(join(folder, "sub"));
  await assert.rejects(openJournal({ path: join(folder, "sub") }), { code: "JOURNAL", message: /cannot be opened/ });
});

test("ten thousand verdicts wait for the disk and not one more: that is refused, counted, and its number stays out", async () => {
  const journal = await openJournal();
  const taken = Array.from({ length: MAX_WAITING + 1 }, (_, n) => journal.take(draft("a", n + 1)));
  assert.equal(journal.waiting, MAX_WAITING);
  await assert.rejects(taken.at(-1)!.durable, { code: "JOURNAL", message: /10000 verdicts wait for the disk/ });
  const kept = await Promise.all(taken.slice(0, -1).map(({ durable }) => durable));
  assert.equal(kept.at(-1)?.verdict.seq, MAX_WAITING);
  assert.equal(journal.stats.lost, 1);
  assert.deepEqual(await appendMany(journal, "a", MAX_WAITING + 2, MAX_WAITING + 2), [MAX_WAITING + 2]);
  assert.equal(journal.cursor(PLANT).stats.depth, MAX_WAITING + 1);
});

test("a closed journal takes nothing", async () => {
  const journal = await openJournal();
  const last = journal.append(draft("a", 1));
  await journal.close();
  assert.equal((await last).verdict.seq, 1);
  await assert.rejects(journal.append(draft("a", 2)), { code: "CLOSED" });
});

// A limit on the size of files makes the disk refuse writes for an ordinary user, too.
const prlimit = spawnSync("prlimit", ["--version"]).status === 0 && existsSync("/bin/bash");
test("a disk that refuses to write is told, and verdicts go on without a gap when it takes them again", {
  skip: prlimit ? false : "needs the packages util-linux (prlimit) and bash",
}, async () => {
  const child = new Child(CHILD, [path, "0"], ["/bin/bash", "-c", 'ulimit -S -f 700; exec "$@"', "bash"]);
  const failed = await child.until(({ event }) => event === "failed");
  assert.deepEqual([failed.code, failed.retry], ["JOURNAL", true]);
  assert.match(String(failed.message), /refuses to write/);
  execFileSync("prlimit", ["--pid", String(child.process.pid), "--fsize=unlimited"]);
  await child.until(({ event }) => event === "again");
  const so = child.all("durable").length;
  await child.until(() => child.all("durable").length >= so + 20);
  await child.kill();
  await noGap(child);
});

test("a full disk is told, and verdicts go on without a gap when there is space again", {
  skip: withoutSmallDisk,
}, async () => {
  const fill = 'head -c 500000 /dev/zero > "$0/ballast" && exec "$@"';
  const child = new Child(CHILD, [path, "0"], onSmallDisk(folder, "2m", fill));
  const failed = await child.until(({ event }) => event === "failed");
  assert.deepEqual([failed.code, failed.retry], ["JOURNAL", true]);
  assert.match(String(failed.message), /no space left/);
  // The file system is visible to the child alone; its root is reached through /proc.
  await rm(`/proc/${child.process.pid}/root${folder}/ballast`);
  await child.until(({ event }) => event === "again");
  const so = child.all("durable").length;
  await child.until(() => child.all("durable").length >= so + 20);
  await child.kill();
  const seqs = child.all("durable").map(({ seq }) => Number(seq));
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
});

async function noGap(child: Child): Promise<void> {
  const seqs = (await (await openJournal()).cursor(PLANT).read(100_000)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
  assert.ok(seqs.length >= child.all("durable").length);
}
