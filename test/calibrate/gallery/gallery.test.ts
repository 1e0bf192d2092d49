import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import sharp from "sharp";
import { GalleryWriter, readAnyGallery } from "../../../device/gallery/store.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { TINY, writeTiny } from "../../support/embedder-tiny.ts";
import { madeGallery } from "../../support/gallery-made.ts";
import { paintFolders, type Ran } from "../../support/gallery-photos.ts";

let folder: string;
let photos: string;
let gallery: string;
let galleries = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-calibrate-gallery-"));
  photos = join(folder, "photos");
  await paintFolders(photos, { sound: 2, second: 1, reject: 2 });
});
after(() => rm(folder, { recursive: true, force: true }));

function calibrate(...args: string[]): Promise<Ran> {
  return runCalibrate(folder, [...args, "--gallery", gallery]);
}

async function json(...args: string[]) {
  const { status, stdout, stderr } = await calibrate(...args, "--json");
  assert.deepEqual([status, stderr], [0, ""], stdout);
  return JSON.parse(stdout);
}

interface Listed {
  readonly id: string;
  readonly grade: string;
}

/** Grades of the items, in the order of their enrollment, and the grades there are. */
async function listed(): Promise<{ items: Listed[]; grades: string[] }> {
  const { items, grades } = await json("list");
  return { items, grades };
}

let enrolled: { readonly folder: string; readonly items: Listed[] } | undefined;

/** All the photos, enrolled by the first test that asks for it and copied by the others. */
async function enrollAll(): Promise<Listed[]> {
  if (enrolled === undefined) {
    for (const grade of ["sound", "second", "reject"]) {
      await json("enroll", grade, join(photos, grade), "--model", TINY);
    }
    enrolled = { folder: join(folder, "enrolled"), items: (await listed()).items };
    await cp(gallery, enrolled.folder, { recursive: true });
  } else {
    await cp(enrolled.folder, gallery, { recursive: true });
  }
  return enrolled.items;
}

describe("items that are enrolled", () => {
  beforeEach(() => {
    gallery = join(folder, `gallery-${galleries++}`);
  });

  test("an item is shown with the most alike ones and its views as a picture", async () => {
    const [item] = await enrollAll();
    const out = join(folder, "item.png");
    const shown = await json("show", item!.id.slice(0, 8), "--out", out);
    assert.deepEqual([shown.id, shown.grade, shown.views, shown.picture], [item!.id, "sound", 3, out]);
    assert.deepEqual([shown.nearest.length, shown.nearest[0].grade], [4, "sound"]);
    const { width, height } = await sharp(out).metadata();
    assert.deepEqual([width! > 3 * 16, height! > 0], [true, true]);
    const { stdout } = await calibrate("show", item!.id);
    assert.match(stdout, /grade +sound\n/);
    assert.match(stdout, /most alike\n +\d\.\d+ +sound/);
  });

  test("an item that is not there, or not named for sure, is wrong use", async () => {
    await enrollAll();
    for (const [name, what] of [
      ["nobody", /found no item "nobody"/],
      ["0", /found "0", wanted 4 letters of an id or more/],
      ["../../x", /found no item/],
    ] as const) {
      const { status, stderr } = await calibrate("remove", name);
      assert.equal(status, 2, stderr);
      assert.match(stderr, what);
    }
    assert.equal((await listed()).items.length, 5);
  });

  test("items are removed, regraded, and both are taken back and done again", async () => {
    const items = await enrollAll();
    const removed = await json("remove", items[0]!.id, items[4]!.id.slice(0, 8));
    assert.deepEqual([removed.removed.length, removed.items], [2, 3]);
    const regraded = await json("relabel", items[1]!.id, "second");
    assert.deepEqual(regraded.relabelled, [{ id: items[1]!.id, from: "sound", origin: regraded.relabelled[0].origin }]);
    assert.deepEqual(
      (await listed()).items.map(({ grade }) => grade),
      ["second", "second", "reject"],
    );
    const first = await json("undo");
    assert.deepEqual(first.relabelled, [{ id: items[1]!.id, from: "second", to: "sound" }]);
    const second = await json("undo");
    assert.deepEqual(second.back.map(({ id }: Listed) => id).sort(), [items[0]!.id, items[4]!.id].sort());
    assert.deepEqual((await listed()).items.length, 5);
    await json("undo", "--redo");
    assert.deepEqual((await listed()).items.length, 3);
  });

  test("the first enrollment can be undone and done again, and there is an end to what can be undone", async () => {
    const { enrolled } = await json("enroll", "sound", join(photos, "sound"), "--model", TINY);
    const undone = await json("undo");
    assert.deepEqual([undone.gone.length, undone.items], [enrolled, 0]);
    assert.deepEqual((await listed()).items, []);
    await json("undo", "--redo");
    assert.equal((await listed()).items.length, enrolled);
    await json("undo");
    const { status, stderr } = await calibrate("undo");
    assert.equal(status, 1);
    assert.match(stderr, /nothing to undo/);
  });

  test("a grade for `relabel` must be there, unless it is meant to be new", async () => {
    const [item] = await enrollAll();
    const { status, stderr } = await calibrate("relabel", item!.id, "secnd");
    assert.deepEqual([status, /its grades are sound, second, reject/.test(stderr)], [1, true], stderr);
    await json("relabel", item!.id, "juice", "--new");
    assert.deepEqual((await listed()).grades, ["sound", "second", "reject", "juice"]);
    for (const name of ["../x", "a\u0007b"]) assert.equal((await calibrate("relabel", item!.id, name)).status, 1);
  });

  test("grades are ordered, renamed, given a tolerance and removed, and nothing else is", async () => {
    await enrollAll();
    const { grades } = await json("grades");
    assert.deepEqual(
      grades.map(({ grade, items, toleranceOf }: Record<string, unknown>) => [grade, items, toleranceOf]),
      [
        ["sound", 2, "Class I"],
        ["second", 1, "Class II"],
        ["reject", 2, null],
      ],
    );
    await json("grades", "order", "second", "sound", "reject");
    await json("grades", "rename", "sound", "class 1");
    const given = await json("grades", "tolerance", "class 1", "7.5");
    assert.deepEqual(given.grades[1], { grade: "class 1", items: 2, tolerance: 0.075, toleranceOf: "own" });
    assert.deepEqual((await listed()).grades, ["second", "class 1", "reject"]);
    assert.equal((await listed()).items[0]!.grade, "class 1");
    for (const wrong of [
      ["order", "second", "reject"],
      ["order", "second", "second", "reject"],
      ["rename", "reject", "second"],
      ["rename", "nothing", "else"],
      ["remove", "reject"],
      ["tolerance", "nothing", "5"],
    ]) {
      assert.equal((await calibrate("grades", ...wrong)).status, 1, wrong.join(" "));
    }
    assert.equal((await calibrate("grades", "tolerance", "reject", "101")).status, 2);
    assert.deepEqual((await listed()).grades, ["second", "class 1", "reject"]);
    await json("remove", (await listed()).items.find(({ grade }) => grade === "second")!.id);
    await json("grades", "remove", "second");
    assert.deepEqual((await listed()).grades, ["class 1", "reject"]);
  });

  test("a gallery of another model is rebuilt from its kept views: its items and grades stay, its calibration does not", async () => {
    const items = await enrollAll();
    await json("fit");
    // As an older model would have left it.
    const writer = await GalleryWriter.open(gallery);
    const { gallery: stored } = (await writer.read())!;
    await writer.save({ ...stored, modelHash: "cd".repeat(32) }, "older");
    writer.close();
    assert.equal((await calibrate("enroll", "sound", join(photos, "sound"), "--model", TINY)).status, 1);
    const rebuilt = await json("rebuild", "--model", TINY);
    assert.deepEqual([rebuilt.items, rebuilt.views, rebuilt.from.model, rebuilt.to.model], [5, 15, "older", "tiny"]);
    const after = (await readAnyGallery(gallery))!.gallery;
    assert.deepEqual(after.references, stored.references, "the same model sees the same");
    assert.deepEqual([stored.fit === undefined, after.fit], [false, undefined]);
    await json("fit");
    await json("rebuild", "--model", TINY);
    assert.notEqual((await readAnyGallery(gallery))!.gallery.fit, undefined, "calibrated by the very model");
    const wide = await writeTiny(await mkdtemp(join(folder, "wide-")), (description) => {
      description.crop.margin = 0.9;
    });
    assert.match(
      (await calibrate("rebuild", "--model", wide)).stderr,
      /cut with margin 0\.06 .*enroll the fruit again/s,
    );
    await rm(join(gallery, "crops", `${items[2]!.id}.png`));
    const { status, stderr } = await calibrate("rebuild", "--model", TINY);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(items[2]!.id));
    assert.deepEqual((await listed()).items.length, 5);
  });

  test("the same fruit under two grades is refused, twice under one is passed over", async () => {
    await enrollAll();
    const again = await json("enroll", "sound", join(photos, "sound"), "--model", TINY);
    assert.deepEqual([again.enrolled, again.known.length], [0, 2]);
    const { status, stderr } = await calibrate("enroll", "reject", join(photos, "sound"), "--model", TINY);
    assert.equal(status, 1);
    assert.match(stderr, /is enrolled as sound already/);
    assert.match(stderr, /relabel/);
    assert.equal((await listed()).items.length, 5);
  });

  test("what changes a gallery that another process writes to is refused, and nothing changes", async () => {
    const items = await enrollAll();
    const bytes = await readFile(join(gallery, "gallery.bin"));
    const writer = await GalleryWriter.open(gallery);
    try {
      for (const args of [["remove", items[0]!.id], ["undo"], ["grades", "rename", "sound", "a"], ["rebuild"]]) {
        const { status, stderr } = await calibrate(...args);
        assert.deepEqual([status, /another process writes/.test(stderr)], [1, true], args.join(" "));
      }
    } finally {
      writer.close();
    }
    assert.deepEqual(await readFile(join(gallery, "gallery.bin")), bytes);
  });

  test("without a gallery each says what makes one; a gallery with a removed grade is still read", async () => {
    for (const args of [["show", "abcd"], ["remove", "abcd"], ["grades"], ["rebuild"]]) {
      const { status, stderr } = await calibrate(...args);
      assert.deepEqual([status, /there is no gallery/.test(stderr)], [1, true], args.join(" "));
    }
    const writer = await GalleryWriter.open(gallery);
    await writer.save({ ...madeGallery(), tolerances: new Map([["sound", 0.05]]) }, "made");
    writer.close();
    assert.equal((await json("grades")).grades[0].tolerance, 0.05);
  });
});
