import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { GradelineError } from "../../../device/base/errors.ts";
import { LotBook } from "../../../device/lots/lot-book.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const HUBER = { id: "4711", grower: "Huber", bin: "17", fields: { orchard: "north" } };
const never = (reason: string): never => assert.fail(reason);

test("a lot holds for the lanes it was set for, and after the next start", async (t) => {
  const folder = await temporaryFolder(t);
  const book = await LotBook.open(folder, ["a", "b"], never);
  assert.deepEqual(book.list(), [
    { lane: "a", lot: null, since: null },
    { lane: "b", lot: null, since: null },
  ]);
  await book.set(undefined, HUBER);
  await book.set("b", { id: "4712" });
  const again = await LotBook.open(folder, ["b", "a", "c"], never);
  assert.deepEqual([again.on("a"), again.idOn("b"), again.idOn("c")], [HUBER, "4712", undefined]);
  assert.match(again.list()[0]!.since!, /^\d{4}-.*Z$/);
  await again.set("a", null);
  assert.deepEqual([again.idOn("a"), again.list()[1]!.lot], [undefined, null]);
});

test("a lot of a lane that is not configured now is kept for when it is there again", async (t) => {
  const folder = await temporaryFolder(t);
  await (await LotBook.open(folder, ["a", "b"], never)).set(undefined, HUBER);
  await (await LotBook.open(folder, ["b"], never)).set(undefined, null);
  assert.equal((await LotBook.open(folder, ["a", "b"], never)).idOn("a"), "4711");
});

test("a file that is no lot book is told, no lot is on, and the next one that is set holds", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "current.json"), '{"v":1,"lanes":[{"la');
  const told: string[] = [];
  const book = await LotBook.open(folder, ["a"], (reason) => told.push(reason));
  assert.deepEqual([told.length, book.idOn("a")], [1, undefined]);
  await book.set("a", HUBER);
  assert.equal((await LotBook.open(folder, ["a"], never)).idOn("a"), "4711");
});

test("a lane that is not there is refused by its name; what cannot be written does not hold", async (t) => {
  const folder = await temporaryFolder(t);
  const book = await LotBook.open(folder, ["a"], never);
  await assert.rejects(book.set("z", HUBER), (error: GradelineError) => {
    assert.equal(error.code, "REQUEST");
    assert.match(error.message, /no lane "z", wanted one of: a/);
    return true;
  });
  await book.set("a", HUBER);
  await rm(folder, { recursive: true });
  await assert.rejects(book.set("a", { id: "4712" }), (error: GradelineError) => error.code === "FILE");
  assert.equal(book.idOn("a"), "4711");
});

test("changes that come together are written one after the other, the last holds", async (t) => {
  const folder = await temporaryFolder(t);
  const book = await LotBook.open(folder, ["a"], never);
  await Promise.all(Array.from({ length: 20 }, (_, n) => book.set("a", { id: String(n) })));
  assert.equal(book.idOn("a"), "19");
  assert.match(await readFile(join(folder, "current.json"), "utf8"), /"id":"19"/);
});
