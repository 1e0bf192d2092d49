import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { readImage } from "../../../device/capture/image.ts";
import { cutSheet, encodeSheet, sheetColumns } from "../../../device/gallery/sheet.ts";
import { LEFT_BYTES, readQueue, UnknownQueue } from "../../../device/teach/queue.ts";
import { Child } from "../../support/child.ts";
import { madeCrops } from "../../support/gallery-made.ts";
import { queueItem } from "../../support/queue-items.ts";
import { seededRandom } from "../../support/random.ts";
import { onSmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";

const FREE = { perMinute: 1e9, burst: 1e9 };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-queue-"));
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

function open(maxItems = 100, maxBytes = 1e9, rate = FREE): Promise<UnknownQueue> {
  return UnknownQueue.open(folder, { maxItems, maxBytes }, 118, createLog("silent"), rate);
}

function ids(queue: UnknownQueue): string[] {
  return queue.list().map(({ id }) => id);
}

test("an item is kept with every view, bit for bit, and is there again after a restart", async () => {
  const queue = await open();
  for (const [n, views] of [
    [1, 1],
    [2, 7],
    [3, 16],
  ] as const) {
    queue.offer(queueItem(n, views));
  }
  await queue.settled();
  assert.deepEqual(ids(queue), ["a-run-3", "a-run-2", "a-run-1"], "newest first");
  const again = await open();
  assert.deepEqual(again.list(), queue.list());
  assert.deepEqual(await readQueue(folder), queue.list());
  for (const [n, views] of [
    [1, 1],
    [2, 7],
    [3, 16],
  ] as const) {
    const crops = await again.crops(`a-run-${n}`);
    assert.deepEqual(crops, madeCrops(n, views));
  }
  const { picture, verdict } = again.get("a-run-2")!;
  assert.equal(verdict.outcome, "unknown");
  assert.deepEqual(await readImage(picture).then(({ widthPx, heightPx }) => [widthPx, heightPx]), [24, 24]);
});

test("beyond either bound the oldest go, with their pictures", async () => {
  const queue = await open(3);
  for (let n = 1; n <= 6; n++) queue.offer(queueItem(n, 2));
  await queue.settled();
  assert.deepEqual(ids(queue), ["a-run-6", "a-run-5", "a-run-4"]);
  assert.equal((await readdir(folder)).length, 6);
  const half = await open(100, Math.ceil(queue.stats.bytes / 2));
  assert.deepEqual(ids(half), ["a-run-6"]);
  assert.equal((await readdir(folder)).length, 2);
});

test("an item that is answered leaves no file; what is not there is passed over, its picture refused", async () => {
  const queue = await open();
  queue.offer(queueItem(1, 2));
  await queue.settled();
  assert.equal(await queue.remove(["a-run-1", "nobody", "../../etc/passwd"]), 1);
  assert.deepEqual([ids(queue), await readdir(folder), queue.stats.bytes], [[], [], 0]);
  await assert.rejects(queue.crops("../../etc/passwd"), { code: "REQUEST", message: /is not kept/ });
  await assert.rejects(queue.picture("a-run-1"), { code: "REQUEST" });
});

test("an item that is taken out can be put back, whole; a start begins without what was taken out", async () => {
  const queue = await open();
  for (let n = 1; n <= 3; n++) queue.offer(queueItem(n, 2));
  await queue.settled();
  const { bytes } = queue.stats;
  const crops = await queue.crops("a-run-2");
  assert.deepEqual(await queue.takeOut(["a-run-2", "nobody", "a-run-1"]), ["a-run-2", "a-run-1"]);
  assert.deepEqual(ids(queue), ["a-run-3"]);
  assert.ok(queue.stats.bytes < bytes);
  assert.deepEqual(ids(await open()), ["a-run-3"], "and its files are gone");
  assert.equal((await readdir(folder)).length, 2);
  assert.equal(await queue.putBack(["a-run-1"]), 0, "what another start has removed does not come back");
  queue.offer(queueItem(2, 2));
  await queue.settled();
  await queue.takeOut(["a-run-2"]);
  assert.equal(await queue.putBack(["a-run-2", "a-run-2"]), 1);
  assert.deepEqual(ids(queue), ["a-run-2", "a-run-3"]);
  assert.deepEqual(await queue.crops("a-run-2"), crops);
  assert.deepEqual(ids(await open()), ["a-run-3", "a-run-2"]);
});

test("a full disk takes what could be put back, too", async () => {
  const queue = await open();
  for (let n = 1; n <= 2; n++) queue.offer(queueItem(n, 2));
  await queue.settled();
  await queue.takeOut(["a-run-1"]);
  queue.hold(true);
  await queue.settled();
  assert.equal(await queue.putBack(["a-run-1"]), 0);
});

test("what comes faster than the disk or than is sensible is dropped and counted, and nobody waits for it", async () => {
  const queue = await open(100, 1e9);
  for (let n = 1; n <= 60; n++) queue.offer(queueItem(n, 2));
  await queue.settled();
  const { items, dropped } = queue.stats;
  assert.ok(items >= 16 && dropped > 0, `${items} kept, ${dropped} dropped`);
  assert.equal(items + dropped, 60);
  const slow = await UnknownQueue.open(join(folder, "slow"), { maxItems: 9, maxBytes: 1e9 }, 118, createLog("silent"), {
    perMinute: 0,
    burst: 2,
  });
  for (let n = 1; n <= 5; n++) slow.offer(queueItem(n, 1));
  await slow.settled();
  assert.deepEqual([slow.stats.items, slow.stats.dropped], [2, 3]);
});

test("an item that comes while the one before it is being done is kept, in whichever moment", async () => {
  for (let moment = 0; moment < 20; moment++) {
    let queue: UnknownQueue | undefined;
    const offered = Promise.withResolvers<void>();
    const limits = {
      // Asked for last of all that is done for an item.
      get maxItems(): number {
        if (queue?.stats.items === 1) void next();
        return 100;
      },
      maxBytes: 1e9,
    };
    const next = async (): Promise<void> => {
      for (let turns = 0; turns < moment; turns++) await undefined;
      queue!.offer(queueItem(2, 1));
      offered.resolve();
    };
    queue = await UnknownQueue.open(join(folder, `${moment}`), limits, 118, createLog("silent"), FREE);
    queue.offer(queueItem(1, 1));
    await offered.promise;
    await queue.settled();
    assert.deepEqual(ids(queue), ["a-run-2", "a-run-1"], `${moment} microtasks later`);
  }
});

test("a torn entry, a missing picture and what a crash left are not in the way: the damaged are set aside and told, other files stay", async () => {
  const queue = await open();
  for (let n = 1; n <= 4; n++) queue.offer(queueItem(n, 2));
  await queue.settled();
  await truncate(join(folder, "a-run-1.json"), 40);
  await rm(join(folder, "a-run-2.png"));
  await rm(join(folder, "a-run-3.json"));
  await writeFile(join(folder, "a-run-9.png.0123456789ab.tmp"), "half");
  await writeFile(join(folder, "notes.txt"), "mine");
  const told: string[] = [];
  const limits = { maxItems: 100, maxBytes: 1e9 };
  const again = await UnknownQueue.open(folder, limits, 118, createLog("silent"), FREE, (text) => told.push(text));
  assert.deepEqual(ids(again), ["a-run-4"]);
  assert.deepEqual((await readdir(folder)).sort(), ["a-run-4.json", "a-run-4.png", "damaged", "notes.txt"]);
  assert.deepEqual(told, [`damaged unknown items are set aside in ${join(folder, "damaged")}: a-run-1, a-run-2`]);
  assert.deepEqual((await readdir(join(folder, "damaged"))).sort(), ["a-run-1.json", "a-run-1.png", "a-run-2.json"]);
  await writeFile(join(folder, "a-run-4.png"), "changed");
  await assert.rejects(again.picture("a-run-4"), { code: "FILE", message: /its sha256 does not fit/ });
});

test("a folder that is a file is refused with what to do; one that vanishes later is told and the line goes on", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const limits = { maxItems: 1, maxBytes: 1e9 };
  await assert.rejects(UnknownQueue.open(file, limits, 118, createLog("silent")), {
    code: "FILE",
    hint: /queue\.path/,
  });
  const queue = await UnknownQueue.open(join(folder, "queue"), limits, 118, createLog("silent"), FREE);
  await rm(join(folder, "queue"), { recursive: true });
  queue.offer(queueItem(1, 1));
  await queue.settled();
  assert.equal(queue.stats.dropped, 1);
  assert.match(queue.stats.problem!, /cannot be written/);
});

test("pictures leave the last of a disk to verdicts, and say so", { skip: withoutSmallDisk }, async () => {
  const disk = join(folder, "disk");
  await mkdir(disk);
  const wrap = onSmallDisk(disk, "10m", '"$@"');
  const child = new Child("test/support/queue-child.ts", [join(disk, "queue"), "1000000000"], wrap);
  const full = await child.until(({ event }) => event === "full");
  await child.ended;
  assert.ok(Number(full.items) > 3, `${full.items} items`);
  assert.ok(Number(full.free) >= LEFT_BYTES, `${full.free} bytes are left`);
  assert.match(String(full.problem), /^[\d.]+ MB are free on the disk of /);
});

test("kill -9 at forty random moments: what is listed is whole, within its bound", async () => {
  const random = seededRandom(1);
  for (let round = 0; round < 40; round++) {
    const child = new Child("test/support/queue-child.ts", [folder]);
    const after = 1 + Math.floor(random() * 14);
    await child.until(({ event }) => event === "open");
    // Killed while one of the next is written, at no particular step of it.
    await child.until(({ event }) => event === "kept" && child.all("kept").length >= after);
    await child.kill();
    const waiting = await readQueue(folder);
    assert.ok(waiting.length >= 1 && waiting.length <= 13, `${waiting.length} after ${after}`);
    for (const { picture, views, sizePx, columns } of waiting.slice(0, 3)) {
      assert.equal(cutSheet(await readImage(picture), { views, sizePx, columns }).length, 5);
    }
  }
});

describe("a sheet of views", () => {
  test("is about as wide as high and is cut into the same views again, whatever their number", async () => {
    for (const views of [1, 2, 3, 5, 9, 10, 29, 128]) {
      const crops = madeCrops(views, views);
      const columns = sheetColumns(views);
      const path = join(folder, "sheet.png");
      await writeFile(path, await encodeSheet(crops, 8, 118));
      assert.deepEqual(cutSheet(await readImage(path), { views, sizePx: 8, columns }), crops);
    }
  });
});
