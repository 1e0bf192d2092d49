import assert from "node:assert/strict";
import { closeSync, openSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CeilingFile, type CeilingRecord } from "../../../device/publish/journal-ceiling.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const SLOT = 32 * 1024;

function record(change: Partial<CeilingRecord> = {}): CeilingRecord {
  const lanes: CeilingRecord["lanes"] = [["a", 5, 6, 105]];
  const sinks: CeilingRecord["sinks"] = [["plant", "1-4", 0]];
  return {
    epoch: "e1",
    firstId: 1,
    lastId: 5,
    tick: 9,
    clean: false,
    lanes,
    sinks,
    lost: 0,
    skipped: 0,
    damaged: 0,
    ...change,
  };
}

/** Turns a bit of the record in a slot. */
function damage(path: string, slot: number): void {
  const fd = openSync(path, "r+");
  writeSync(fd, Uint8Array.of(0x55), 0, 1, slot * SLOT + 20);
  closeSync(fd);
}

async function opened(t: Parameters<typeof temporaryFolder>[0]): Promise<{ path: string; file: CeilingFile }> {
  const path = join(await temporaryFolder(t), "journal.seq");
  const file = CeilingFile.open(path);
  t.after(() => file.close());
  return { path, file };
}

test("what was written is read; a file that is not there, or empty, says nothing", async (t) => {
  const { path, file } = await opened(t);
  assert.equal(CeilingFile.peek(path), undefined);
  assert.equal(CeilingFile.peek(`${path}.absent`), undefined);
  file.write(record());
  assert.deepEqual(CeilingFile.peek(path), record());
  assert.ok(statSync(path).size > 2 * SLOT);
});

test("any one slot may be damaged, any two where the third is the newest", async (t) => {
  for (const slot of [0, 1, 2]) {
    const { path, file } = await opened(t);
    file.write(record());
    damage(path, slot);
    assert.deepEqual(CeilingFile.peek(path), record(), `slot ${slot}`);
  }
  const { path, file } = await opened(t);
  file.write(record());
  file.note(record({ lastId: 8 }));
  damage(path, 0);
  damage(path, 1);
  assert.equal(CeilingFile.peek(path)?.lastId, 8);
  damage(path, 2);
  assert.equal(CeilingFile.peek(path), undefined);
});

test("a note counts before what was written ahead of it, but no number that was reserved is lost", async (t) => {
  const { path, file } = await opened(t);
  file.write(
    record({
      lanes: [
        ["a", 5, 6, 105],
        ["b", 1, 1, 101],
      ],
    }),
  );
  file.note(record({ lastId: 7, lanes: [["a", 7, 8, 90]] }));
  assert.deepEqual(
    CeilingFile.peek(path),
    record({
      lastId: 7,
      lanes: [
        ["a", 7, 8, 105],
        ["b", 1, 1, 101],
      ],
    }),
  );
  // Of another journal's numbers none counts.
  file.note(record({ epoch: "e2", lanes: [["a", 1, 1, 50]] }));
  assert.deepEqual(CeilingFile.peek(path)?.lanes, [["a", 1, 1, 50]]);
});

test("a file opened again goes on after the newest record", async (t) => {
  const { path, file } = await opened(t);
  file.write(record());
  file.note(record({ lastId: 6 }));
  const again = CeilingFile.open(path);
  t.after(() => again.close());
  again.write(record({ lastId: 9 }));
  assert.equal(CeilingFile.peek(path)?.lastId, 9);
});

test("a record that a slot cannot hold leaves out what each sink has, which only repeats verdicts", async (t) => {
  const { path, file } = await opened(t);
  const text = Array.from({ length: 5000 }, (_, i) => `${3 * i}-${3 * i}`).join(",");
  file.write(record({ sinks: [["plant", text, 0]] }));
  assert.deepEqual(CeilingFile.peek(path), record({ sinks: [] }));
});

test("a file cut short anywhere is read as far as slots are whole", async (t) => {
  const { path, file } = await opened(t);
  file.write(record());
  for (const [bytes, known] of [
    [2 * SLOT + 4, true],
    [SLOT + 30, true],
    [30, false],
    [4, false],
  ] as const) {
    truncateSync(path, bytes);
    assert.equal(CeilingFile.peek(path) !== undefined, known, `${bytes} bytes`);
  }
});

test("where it cannot be made that is told with its path", async (t) => {
  const folder = await temporaryFolder(t);
  assert.throws(() => CeilingFile.open(join(folder, "no", "such")), { code: "JOURNAL", message: /no\/such/ });
});
