import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { MAX_STEPS } from "../../../device/gallery/history.ts";
import { checkModel, GalleryWriter, readAnyGallery, readGallery } from "../../../device/gallery/store.ts";
import { Child } from "../../support/child.ts";
import { galleryOf, MADE_MODEL, madeCrops, madeGallery, randomReference } from "../../support/gallery-made.ts";
import { seededRandom } from "../../support/random.ts";
import { onSmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";

const CHILD = "test/support/gallery-child.ts";

let folder: string;
const open: GalleryWriter[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-gallery-"));
});
afterEach(async () => {
  for (const writer of open.splice(0)) writer.close();
  await rm(folder, { recursive: true, force: true });
});

async function openWriter(): Promise<GalleryWriter> {
  const writer = await GalleryWriter.open(folder);
  open.push(writer);
  return writer;
}

/** Generations 1 and 2 are saved: there is a newest gallery and one before it. */
async function saveTwo(): Promise<GalleryWriter> {
  const writer = await openWriter();
  await writer.save(madeGallery(1), "made");
  await writer.save(madeGallery(2), "made");
  return writer;
}

/** What lies in the folder beside the lock. */
async function galleryFiles(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith("lock")).sort();
}

function generationOf({ references }: { readonly references: readonly { readonly origin: string }[] }): number {
  return Number(references[0]!.origin.split(" ")[1]);
}

test("what was saved is read, without a warning", async () => {
  await saveTwo();
  const { gallery, modelName, warning, hash } = await readGallery(folder, MADE_MODEL);
  assert.deepEqual(gallery, madeGallery(2));
  assert.deepEqual([modelName, warning], ["made", undefined]);
  assert.match(hash, /^[0-9a-f]{64}$/);
});

test("what the model emphasises counts for its gallery, also for one that was kept before", async () => {
  const writer = await saveTwo();
  const emphasis = [{ from: 0, to: 2, factor: 1.5 }];
  const model = { ...MADE_MODEL, emphasis };
  assert.deepEqual((await readGallery(folder, model)).gallery.emphasis, emphasis);
  const gallery = await writer.readFor(model);
  await writer.save(gallery, "made");
  assert.deepEqual((await readAnyGallery(folder))!.gallery.emphasis, emphasis);
  // A model that emphasises nothing any more.
  assert.equal((await readGallery(folder, MADE_MODEL)).gallery.emphasis, undefined);
});

test("a folder without a gallery says how to make one", async () => {
  await assert.rejects(readGallery(folder, MADE_MODEL), (error: { code: string; message: string; hint: string }) => {
    assert.equal(error.code, "GALLERY");
    assert.ok(error.message.includes(folder));
    assert.match(error.hint, /gradeline-calibrate enroll GRADE PATH… --gallery/);
    return true;
  });
  assert.equal(await readAnyGallery(join(folder, "absent")), undefined);
});

test("a newest gallery cut anywhere is passed over for the one before it, with a warning", async () => {
  await saveTwo();
  const path = join(folder, "gallery.bin");
  const whole = await readFile(path);
  for (let part = 0; part < 20; part++) {
    await writeFile(path, whole.subarray(0, Math.floor((whole.length * part) / 20)));
    const { gallery, warning } = await readGallery(folder, MADE_MODEL);
    assert.equal(generationOf(gallery), 1);
    assert.match(warning ?? "", /gallery\.bin is not a whole gallery: .*; the one before it is used/);
  }
});

test("a newest gallery that is missing is said as well", async () => {
  await saveTwo();
  await rm(join(folder, "gallery.bin"));
  const { gallery, warning } = await readGallery(folder, MADE_MODEL);
  assert.equal(generationOf(gallery), 1);
  assert.match(warning ?? "", /gallery\.bin is missing; the one before it is used/);
});

test("where both are damaged the newest one's damage is told", async () => {
  await saveTwo();
  await truncate(join(folder, "gallery.bin"), 100);
  await truncate(join(folder, "gallery.previous.bin"), 0);
  await assert.rejects(readGallery(folder, MADE_MODEL), { code: "GALLERY", message: /gallery\.bin .*100 bytes/ });
});

test("saving over a damaged gallery keeps the good one before it", async () => {
  const writer = await saveTwo();
  await truncate(join(folder, "gallery.bin"), 50);
  await writer.save(madeGallery(3), "made");
  assert.equal(generationOf((await readGallery(folder, MADE_MODEL)).gallery), 3);
  await rm(join(folder, "gallery.bin"));
  assert.equal(generationOf((await readGallery(folder, MADE_MODEL)).gallery), 1);
});

test("a gallery of another model is refused with the command that embeds it again", async () => {
  const writer = await saveTwo();
  const other = { ...MADE_MODEL, name: "other", hash: "cd".repeat(32) };
  const refused = (error: { code: string; message: string; hint: string }): boolean => {
    assert.equal(error.code, "GALLERY_MODEL");
    assert.match(error.message, /made by model made abababababababab, loaded is other cdcdcdcdcdcdcdcd/);
    assert.equal(error.hint, `embed its references again: gradeline-calibrate rebuild --gallery ${folder}`);
    return true;
  };
  await assert.rejects(readGallery(folder, other), refused);
  await assert.rejects(writer.readFor(other), refused);
  const stored = await readAnyGallery(folder);
  assert.throws(() => checkModel(stored!, other, folder), refused);
});

test("a gallery of views that were cut otherwise is refused: embedding them again would not mend it", async () => {
  const writer = await saveTwo();
  const wide = { ...MADE_MODEL, hash: "cd".repeat(32), cropMargin: 0.9 };
  const refused = { code: "GALLERY_MODEL", message: /cut with margin 0\.06 on grey 118.*margin 0\.9 on grey 118/ };
  await assert.rejects(readGallery(folder, wide), { ...refused, hint: /enroll the fruit again/ });
  await writer.save(galleryOf([randomReference(1, "sound")], wide), "wide");
  assert.deepEqual((await readGallery(folder, wide)).gallery.crop, { margin: 0.9, fill: 118 });
  await assert.rejects(readGallery(folder, MADE_MODEL), {
    code: "GALLERY_MODEL",
    message: /cut with margin 0\.9 on grey 118.*margin 0\.06 on grey 118/,
  });
});

test("to add to, a folder without references is empty for whatever model comes", async () => {
  const writer = await openWriter();
  const other = { ...MADE_MODEL, hash: "cd".repeat(32), dimension: 4 };
  assert.deepEqual((await writer.readFor(other)).references, []);
  await writer.save(galleryOf([]), "made");
  const empty = await writer.readFor(other);
  assert.deepEqual([empty.modelHash, empty.dimension, empty.references.length], [other.hash, 4, 0]);
});

test("what was saved leaves no temporary file, and keeps the one before it after any number of saves", async () => {
  const writer = await openWriter();
  for (let generation = 1; generation <= 4; generation++) await writer.save(madeGallery(generation), "made");
  assert.deepEqual(await galleryFiles(), ["crops", "gallery.bin", "gallery.previous.bin", "history"]);
  await rm(join(folder, "gallery.bin"));
  assert.equal(generationOf((await readGallery(folder, MADE_MODEL)).gallery), 3);
});

test("what a killed process had begun to write goes when the folder is opened again", async () => {
  await (await saveTwo()).close();
  await writeFile(join(folder, "gallery.bin.0123456789ab.tmp"), "half");
  await writeFile(join(folder, "gallery.spare.tmp"), "half");
  await openWriter();
  assert.deepEqual(await galleryFiles(), ["crops", "gallery.bin", "gallery.previous.bin", "history"]);
});

test("a gallery that could not be read again is not saved", async () => {
  const writer = await saveTwo();
  const wrong = galleryOf([{ ...randomReference(1, "sound"), origin: "x".repeat(5000) }]);
  await assert.rejects(writer.save(wrong, "made"), { code: "GALLERY" });
  assert.equal(generationOf((await readGallery(folder, MADE_MODEL)).gallery), 2);
});

test("views come back to the bit, in their order", async () => {
  const writer = await openWriter();
  for (const views of [1, 2, 37]) {
    const crops = madeCrops(views, views);
    await writer.saveCrops("item", crops, MADE_MODEL.sizePx);
    assert.deepEqual(await writer.readCrops("item", MADE_MODEL.sizePx), crops);
  }
});

test("grey views come back in colour, to the bit", async () => {
  const writer = await openWriter();
  const crops = [new Uint8Array(192).fill(7), new Uint8Array(192).fill(118)];
  await writer.saveCrops("item", crops, 8);
  assert.deepEqual(await writer.readCrops("item", 8), crops);
});

test("the views of an item with as many as are allowed come back", async () => {
  const writer = await openWriter();
  // More pixels than a picture of a camera may have.
  const crops = Array.from({ length: 10_000 }, () => new Uint8Array(64 * 64 * 3));
  crops[9_999]!.fill(200);
  await writer.saveCrops("item", crops, 64);
  const back = await writer.readCrops("item", 64);
  assert.equal(back.length, 10_000);
  assert.deepEqual(back[9_999], crops[9_999]);
});

test("views of another size than the model's are refused", async () => {
  const writer = await openWriter();
  await writer.saveCrops("item", madeCrops(1, 3), MADE_MODEL.sizePx);
  await assert.rejects(writer.readCrops("item", 16), { code: "IMAGE", message: /8 x 24, wanted views of 16 x 16/ });
  await assert.rejects(writer.readCrops("absent", 8), { code: "FILE" });
});

test("views of items that no gallery has that can be gone back to go with a save", async () => {
  const writer = await openWriter();
  const [a, b, c] = [1, 2, 3].map((seed) => randomReference(seed, "sound"));
  for (const { id } of [a!, b!, c!]) await writer.saveCrops(id, madeCrops(1, 3), 8);
  await writer.saveCrops("from-a-crash", madeCrops(1, 3), 8);
  await writer.save(galleryOf([a!, b!, c!]), "made");
  assert.deepEqual((await readdir(join(folder, "crops"))).sort(), ["item-1.png", "item-2.png", "item-3.png"]);
  for (let step = 0; step < MAX_STEPS; step++) await writer.save(galleryOf([a!, b!]), "made");
  // The first one can still be gone back to.
  assert.ok((await readdir(join(folder, "crops"))).includes("item-3.png"));
  for (let step = 0; step < 2; step++) await writer.save(galleryOf([a!, b!]), "made");
  assert.deepEqual((await readdir(join(folder, "crops"))).sort(), ["item-1.png", "item-2.png"]);
});

test("changes are taken back one by one, and again, until another change is made", async () => {
  const writer = await openWriter();
  const ids = async () => (await writer.read())!.gallery.references.map(({ id }) => id).join(" ");
  const [a, b, c] = [1, 2, 3].map((seed) => randomReference(seed, "sound"));
  assert.equal(await writer.step("back"), undefined);
  await writer.save(galleryOf([a!]), "made");
  await writer.save(galleryOf([a!, b!]), "made");
  await writer.save(galleryOf([a!, b!, c!]), "made");
  assert.equal((await writer.step("back"))!.left, 2);
  assert.equal(await ids(), "item-1 item-2");
  await writer.step("back");
  assert.equal(await ids(), "item-1");
  assert.equal((await writer.step("back"))!.left, 0);
  assert.equal(await ids(), "", "there was none before the first");
  assert.equal(await writer.step("back"), undefined);
  for (let step = 0; step < 3; step++) await writer.step("forth");
  assert.equal(await ids(), "item-1 item-2 item-3");
  assert.equal(await writer.step("forth"), undefined);
  await writer.step("back");
  await writer.save(galleryOf([a!, c!]), "made");
  assert.equal(await writer.step("forth"), undefined, "another change was made");
  await writer.step("back");
  assert.equal(await ids(), "item-1 item-2");
});

test("a step to a gallery that is damaged is refused, and what stands stays", async () => {
  const writer = await openWriter();
  for (const seed of [1, 2]) await writer.save(galleryOf([randomReference(seed, "sound")]), "made");
  const steps = (await readdir(join(folder, "history"))).sort();
  await writeFile(join(folder, "history", steps.at(-1)!), "torn");
  await assert.rejects(writer.step("back"), { code: "GALLERY" });
  assert.equal((await writer.read())!.gallery.references[0]!.id, "item-2");
});

test("a second writer is refused, in this process and in another, and a reader is not", async () => {
  const writer = await saveTwo();
  const busy = { code: "GALLERY", message: /another process writes to the gallery/, retry: true };
  await assert.rejects(GalleryWriter.open(folder), busy);
  const child = new Child(CHILD, [folder, "1"]);
  const refused = await child.until(({ event }) => event !== "open");
  assert.deepEqual([refused.event, refused.code, refused.retry], ["refused", "GALLERY", true]);
  await child.ended;
  assert.equal(generationOf((await readGallery(folder, MADE_MODEL)).gallery), 2);
  writer.close();
  writer.close();
  await openWriter();
});

test("the lock of a writer killed with SIGKILL is free at once", async () => {
  const child = new Child(CHILD, [folder, "-1"]);
  await child.until(({ event }) => event === "open");
  await assert.rejects(GalleryWriter.open(folder), { code: "GALLERY" });
  await child.kill();
  await openWriter();
});

test("a folder that cannot be locked or made is said, not taken for a second writer", async () => {
  await writeFile(join(folder, "lock"), "this is no lock, and longer than the header of a database ".repeat(4));
  await assert.rejects(GalleryWriter.open(folder), { code: "FILE", message: /lock cannot be locked/ });
  await rm(join(folder, "lock"));
  await mkdir(join(folder, "lock"));
  await assert.rejects(GalleryWriter.open(folder), { code: "FILE", message: /lock cannot be locked/ });
  await assert.rejects(GalleryWriter.open("/dev/null/gallery"), { code: "FILE", message: /cannot be made/ });
});

test("after kill -9 at any moment of saving the newest or the last saved gallery is there, views included", async () => {
  const random = seededRandom(7);
  const moments = Array.from({ length: 25 }, () => ({ saves: Math.floor(random() * 6), laterMs: random() * 12 }));
  const lanes = await Promise.all([0, 1, 2, 3, 4].map((lane) => mkdir(join(folder, `${lane}`)).then(() => lane)));
  await Promise.all(
    lanes.map(async (lane) => {
      const own = join(folder, `${lane}`);
      for (const { saves, laterMs } of moments.slice(lane * 5, lane * 5 + 5)) {
        const child = new Child(CHILD, [own, "0"]);
        await child.until(() => child.all("saved").length > saves);
        // Anywhere within the next save.
        await new Promise((resolve) => setTimeout(resolve, laterMs));
        await child.kill();
        const last = Number(child.all("saved").at(-1)!.generation);
        const { gallery, warning } = await readGallery(own, MADE_MODEL);
        assert.equal(warning, undefined);
        const found = generationOf(gallery);
        assert.ok(found === last || found === last + 1, `generation ${found} after ${last} was saved`);
        const writer = await GalleryWriter.open(own);
        for (const { id, views } of gallery.references.slice(0, 3)) {
          assert.equal((await writer.readCrops(id, MADE_MODEL.sizePx)).length, views);
        }
        writer.close();
      }
    }),
  );
});

test("a full disk keeps the last good gallery, and saving goes on when there is room", {
  skip: withoutSmallDisk,
}, async () => {
  // The folder outlives the child's file system as a copy: the shell takes it out before the mount ends.
  const inside = join(folder, "disk");
  await mkdir(inside);
  const script =
    'head -c 80000 /dev/zero > "$0/ballast" && "$@"; ' +
    'cp -r "$0/gallery" "$0/../after" && rm "$0/ballast" && "$@"; cp -r "$0/gallery" "$0/../later"';
  const child = new Child(CHILD, [join(inside, "gallery"), "10"], onSmallDisk(inside, "128k", script));
  await child.ended;
  const failed = child.all("failed");
  assert.ok(failed.length >= 1, "the disk never was full");
  const [first] = failed;
  assert.ok(Number(first!.generation) > 1, "nothing was saved before");
  assert.deepEqual([first!.code, first!.retry], ["FILE", true]);
  assert.match(String(first!.hint), /make room on the disk; what was there before is kept/);
  const { gallery, warning } = await readGallery(join(folder, "after"), MADE_MODEL);
  assert.equal(warning, undefined);
  assert.equal(generationOf(gallery), Number(first!.generation) - 1);
  assert.ok((await readdir(join(folder, "after"))).every((name) => !name.endsWith(".tmp")));
  assert.ok(generationOf((await readGallery(join(folder, "later"), MADE_MODEL)).gallery) > Number(first!.generation));
});

test("a change that is taken back is kept beside the gallery, for the case that this one turns out damaged", async () => {
  const writer = await openWriter();
  for (const generation of [1, 2]) await writer.save(madeGallery(generation), "made");
  await writer.step("back");
  assert.equal(generationOf((await readGallery(folder, MADE_MODEL)).gallery), 1);
  await truncate(join(folder, "gallery.bin"), 99);
  const { gallery, warning } = await readGallery(folder, MADE_MODEL);
  assert.equal(generationOf(gallery), 2);
  assert.match(warning ?? "", /the one before it is used/);
});
