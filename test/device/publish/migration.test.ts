import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { verdictSchema } from "../../../device/contract/messages.ts";
import { readGallery } from "../../../device/gallery/store.ts";
import { JournalStore } from "../../../device/publish/journal-store.ts";
import { AedesBroker } from "../../support/broker-aedes.ts";
import { MADE_MODEL } from "../../support/gallery-made.ts";
import { Publishing } from "../../support/publishing.ts";
import { Subscriber } from "../../support/subscriber.ts";
import { draft, journalConfig } from "../../support/verdicts.ts";
import { galleryOfV1, JournalOfV1, messageOfV1 } from "../../support/version-1.ts";

let folder: string;
let path: string;
let parts: { close(): unknown }[];

beforeEach(async () => {
  parts = [];
  folder = await mkdtemp(join(tmpdir(), "gradeline-migration-"));
  path = join(folder, "journal.sqlite");
});
afterEach(async () => {
  for (const part of parts.reverse()) await part.close();
  await rm(folder, { recursive: true, force: true });
});

function keep<T extends { close(): unknown }>(part: T): T {
  parts.push(part);
  return part;
}

/** Two lanes; of the first some are with the broker, and forgotten in the middle of what is not. */
function leaveV1(): void {
  const old = new JournalOfV1(path);
  old.append("a", 1, 60);
  old.append("b", 1, 5);
  old.evict(3);
  old.ack("a", 21, 50);
  old.forget(10);
  old.close();
}

function open(): JournalStore {
  return keep(JournalStore.open(journalConfig({ path }), ["broker"]));
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const PENDING_A = [...upTo(4, 20), ...upTo(51, 60)];

test("a journal of 0.1.0 is taken over: what is pending, the numbers, what was given up; the old file stays", () => {
  leaveV1();
  const before = readFileSync(path);
  const store = open();
  assert.deepEqual(
    store.pending("broker", 1000).map(({ lane, seq }) => `${lane}${seq}`),
    [...PENDING_A.map((seq) => `a${seq}`), ...upTo(1, 5).map((seq) => `b${seq}`)],
  );
  assert.deepEqual(store.lanes.sort(), [
    ["a", 60],
    ["b", 5],
  ]);
  const { sinks, damaged, lost, skipped } = store.stats;
  assert.deepEqual(sinks, [{ sink: "broker", depth: PENDING_A.length + 5, dropped: 3 }]);
  assert.deepEqual([damaged, lost, skipped, store.notices], [0, 0, 0, []]);
  assert.deepEqual(
    store.select({ lane: "a" }, 1000).map(({ seq }) => seq),
    [...upTo(4, 20), ...upTo(41, 60)],
    "what the broker has can be had again as far as it was kept",
  );
  assert.deepEqual(readFileSync(`${path}.v1`), before);
  const { v, device, lane, ...rest } = draft("a", 61);
  const payload = JSON.stringify({ v, device, epoch: store.epoch, lane, seq: 61, ...rest });
  store.commit([{ lane, seq: 61, item: rest.item, payload, decidedAt: 61 }], [["broker", [1, 2, 3]]]);
  store.close();
  const again = open();
  assert.deepEqual([again.lanes.find(([name]) => name === "a")?.[1], again.epoch], [61, store.epoch]);
});

test("a pending row of 0.1.0 that is damaged is not published but counted", () => {
  const old = new JournalOfV1(path);
  old.append("a", 1, 9);
  old.spoil("a", 5);
  old.ack("a", 1, 2);
  old.close();
  const store = open();
  assert.deepEqual(
    store.pending("broker", 1000).map(({ seq }) => seq),
    [3, 4, 6, 7, 8, 9],
  );
  assert.equal(store.stats.damaged, 1);
  assert.deepEqual(store.lanes, [["a", 9]]);
});

test("a journal of 0.1.0 whose daemon was killed is taken over with what its log alone holds", async () => {
  const old = new JournalOfV1(path);
  old.append("a", 1, 30);
  const left = join(folder, "left");
  await mkdir(left);
  for (const end of ["", "-wal"]) copyFileSync(path + end, join(left, `journal.sqlite${end}`));
  old.close();
  path = join(left, "journal.sqlite");
  const store = open();
  assert.deepEqual(
    store.pending("broker", 1000).map(({ seq }) => seq),
    upTo(1, 30),
  );
});

test("a take-over that is cut off begins anew, or goes on from the new file when that is whole", () => {
  leaveV1();
  const old = readFileSync(path);
  // Killed while the new one was written.
  writeFileSync(`${path}.migrating`, "half");
  open().close();
  const depth = PENDING_A.length + 5;
  assert.equal(open().stats.sinks[0]?.depth, depth);
  for (const part of parts.splice(0)) part.close();
  // Killed between the two renamings.
  const files = readdirSync(folder);
  assert.ok(files.includes("journal.sqlite.v1") && !files.includes("journal.sqlite.migrating"), files.join());
  copyFileSync(path, `${path}.migrating`);
  rmSync(path);
  writeFileSync(`${path}.v1`, old);
  assert.equal(open().stats.sinks[0]?.depth, depth);
  assert.ok(!existsSync(`${path}.migrating`));
});

test("what 0.1.0 left is published as messages of today, late, with its item and number", async () => {
  leaveV1();
  const broker = keep(await AedesBroker.start());
  const ears = keep(await Subscriber.connect(broker.port, ["gradeline/#"], { protocolVersion: 4 }));
  const line = keep(await Publishing.open({ port: broker.port, path }));
  await ears.count("/verdict", PENDING_A.length + 5);
  const heard = ears.json("lane/a/verdict");
  assert.deepEqual(
    heard.map(({ seq }) => seq),
    PENDING_A,
  );
  for (const message of heard) {
    const { error } = verdictSchema.safeParse(message);
    assert.equal(error, undefined, error?.message);
    const { v: _, ...was } = messageOfV1("a", Number(message.seq), Number(message.seq));
    assert.deepEqual(
      { ...was, v: 2, outcomeCode: message.outcomeCode, gradeCode: message.gradeCode, backlog: true },
      message,
    );
  }
  await line.until(() => line.acked.length === PENDING_A.length + 5);
  assert.equal(line.publisher.health.journal.damaged, 0);
});

test("a gallery of 0.1.0 is read as it was, and bound to its model", async () => {
  writeFileSync(join(folder, "gallery.bin"), galleryOfV1(MADE_MODEL));
  const { gallery, modelName, warning } = await readGallery(folder, MADE_MODEL);
  assert.deepEqual([modelName, warning, gallery.grades], ["made", undefined, ["sound", "reject"]]);
  assert.deepEqual(
    gallery.references.map(({ id, grade, views, embeddings }) => [id, grade, views, embeddings.length]),
    [
      ["0a-sound", "sound", 1, MADE_MODEL.dimension],
      ["0a-reject", "reject", 1, MADE_MODEL.dimension],
    ],
  );
  await assert.rejects(readGallery(folder, { ...MADE_MODEL, hash: "cd".repeat(32) }), {
    code: "GALLERY_MODEL",
    hint: /gradeline-calibrate rebuild/,
  });
});
