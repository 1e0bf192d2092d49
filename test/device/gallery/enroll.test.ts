import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { NodeEmbedder } from "../../../device/embed/node.ts";
import { embedAll, enroll, type Sample } from "../../../device/gallery/enroll.ts";
import { GalleryWriter, readGallery } from "../../../device/gallery/store.ts";
import { aroundFile } from "../../support/around-file.ts";
import { paintViews } from "../../support/embedder-contract.ts";
import { openTiny } from "../../support/embedder-tiny.ts";
import { galleryOf, MADE_MODEL, randomReference } from "../../support/gallery-made.ts";

let embedder: NodeEmbedder;
let folder: string;
let writer: GalleryWriter;

aroundFile(
  async () => {
    embedder = await openTiny(4);
  },
  () => embedder.close(),
);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-enroll-"));
  writer = await GalleryWriter.open(folder);
});
afterEach(async () => {
  writer.close();
  await rm(folder, { recursive: true, force: true });
});

function sample(grade: string, views: number): Sample {
  const { sizePx } = embedder.model;
  const bytes = sizePx ** 2 * 3;
  const painted = paintViews(views, sizePx);
  const crops = Array.from({ length: views }, (_, view) => painted.slice(view * bytes, (view + 1) * bytes));
  return { grade, origin: `painted ${grade} ${views}`, crops };
}

test("enrolled items are in the gallery on disk with grade, origin, time, views and embeddings", async () => {
  const done: number[] = [];
  const returned = await enroll(writer, embedder, [sample("reject", 3), sample("sound", 9)], {
    onItem: (count) => done.push(count),
  });
  const { gallery, modelName } = await readGallery(folder, embedder.model);
  assert.deepEqual(gallery, returned);
  assert.deepEqual([modelName, gallery.grades, done], ["tiny", ["sound", "reject"], [1, 2]]);
  const [reject, sound] = gallery.references;
  assert.deepEqual([reject!.grade, reject!.origin, reject!.views], ["reject", "painted reject 3", 3]);
  assert.match(reject!.enrolledAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(sound!.embeddings, await embedAll(embedder, sample("sound", 9).crops));
  assert.notEqual(reject!.id, sound!.id);
  assert.deepEqual(await writer.readCrops(sound!.id, embedder.model.sizePx), sample("sound", 9).crops);
});

test("enrolling again adds to what is there", async () => {
  await enroll(writer, embedder, [sample("sound", 2)]);
  const gallery = await enroll(writer, embedder, [sample("second", 3)]);
  assert.deepEqual(
    gallery.references.map(({ grade }) => grade),
    ["sound", "second"],
  );
  assert.deepEqual((await readGallery(folder, embedder.model)).gallery, gallery);
});

test("the very same pictures are passed over in their grade, and refused in another with both named", async () => {
  const known: [string, string][] = [];
  const before = await enroll(writer, embedder, [sample("sound", 2)]);
  const again = await enroll(writer, embedder, [sample("sound", 2), sample("sound", 3), sample("sound", 3)], {
    onKnown: ({ origin }, id) => known.push([origin, id]),
  });
  const [first, second] = again.references;
  assert.deepEqual([again.references.length, first!.id], [2, before.references[0]!.id]);
  assert.deepEqual(known, [
    ["painted sound 2", first!.id],
    ["painted sound 3", second!.id],
  ]);
  assert.deepEqual(await enroll(writer, embedder, [sample("sound", 2)]), again, "nothing new");
  const twice = [sample("reject", 4), { ...sample("reject", 2), origin: "shelf/7" }];
  await assert.rejects(enroll(writer, embedder, twice), {
    code: "GRADE",
    message: "shelf/7 is enrolled as sound already (painted sound 2), not as reject",
  });
  assert.deepEqual((await readGallery(folder, embedder.model)).gallery, again);
});

test("when one sample fails none is enrolled, and no view of them stays", async () => {
  const before = await enroll(writer, embedder, [sample("sound", 2)]);
  async function* samples(): AsyncGenerator<Sample> {
    yield sample("reject", 3);
    throw new Error("the second picture is torn");
  }
  await assert.rejects(enroll(writer, embedder, samples()), { message: "the second picture is torn" });
  assert.deepEqual((await readGallery(folder, embedder.model)).gallery, before);
  assert.deepEqual(await readdir(join(folder, "crops")), [`${before.references[0]!.id}.png`]);
});

test("an enrollment that is stopped leaves the gallery as it was", async () => {
  const before = await enroll(writer, embedder, [sample("sound", 2)]);
  const stop = new AbortController();
  const samples = [sample("reject", 1), sample("reject", 4), sample("reject", 3)];
  await assert.rejects(
    enroll(writer, embedder, samples, { signal: stop.signal, onItem: () => stop.abort(new Error("stopped")) }),
    { message: "stopped" },
  );
  assert.deepEqual((await readGallery(folder, embedder.model)).gallery, before);
});

test("nothing to enroll is an error, and makes no gallery", async () => {
  await assert.rejects(enroll(writer, embedder, []), { code: "GALLERY_EMPTY" });
  await assert.rejects(readGallery(folder, embedder.model), { code: "GALLERY" });
});

test("a sample without views is refused by its origin", async () => {
  await assert.rejects(enroll(writer, embedder, [{ grade: "sound", origin: "photos/7", crops: [] }]), {
    code: "GALLERY_EMPTY",
    message: /photos\/7 has no views/,
  });
});

test("a gallery of another model is refused before a sample is asked for", async () => {
  await writer.save(galleryOf([randomReference(1, "sound")]), MADE_MODEL.name);
  let asked = false;
  async function* samples(): AsyncGenerator<Sample> {
    asked = true;
    yield sample("sound", 1);
  }
  await assert.rejects(enroll(writer, embedder, samples()), { code: "GALLERY_MODEL" });
  assert.equal(asked, false);
});

test("more views than a batch holds are embedded in their order", async () => {
  const { crops } = sample("sound", 11);
  const all = await embedAll(embedder, crops);
  const { dimension } = embedder.model;
  for (const [view, crop] of crops.entries()) {
    const alone = new Float32Array(dimension);
    await embedder.embed(crop, 1, alone);
    for (let i = 0; i < dimension; i++) assert.ok(Math.abs(all[view * dimension + i]! - alone[i]!) < 1e-5);
  }
});
