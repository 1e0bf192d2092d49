import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { shortHash } from "../../../device/base/short-hash.ts";
import type { NodeEmbedder } from "../../../device/embed/node.ts";
import { embedAll, enroll } from "../../../device/gallery/enroll.ts";
import { GalleryWriter, readGallery } from "../../../device/gallery/store.ts";
import { enrollKept } from "../../../device/teach/enroll-kept.ts";
import type { EnrollableItem } from "../../../device/teach/enrollable.ts";
import { aroundFile } from "../../support/around-file.ts";
import { openTiny } from "../../support/embedder-tiny.ts";
import { madeCrops } from "../../support/gallery-made.ts";
import { draft } from "../../support/verdicts.ts";

let embedder: NodeEmbedder;
let folder: string;
const signal = new AbortController().signal;

aroundFile(
  async () => {
    embedder = await openTiny(4);
  },
  () => embedder.close(),
);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "enroll-kept-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function kept(n: number): EnrollableItem {
  const crops = madeCrops(n, 3, embedder.model.sizePx);
  const verdict = { ...draft("a", n), seq: n, model: shortHash(embedder.model.hash) };
  return { verdict, crops, embeddings: undefined };
}

const save = (grade: string, ...items: EnrollableItem[]) => enrollKept(folder, embedder, grade, items, signal);
const read = async () => (await readGallery(folder, embedder.model)).gallery;

test("items of the line become references by their own names, with their views", async () => {
  const [one, two] = [kept(1), kept(2)];
  const known = await embedAll(embedder, two!.crops);
  const enrolled = await save("sound", one!, { ...two!, embeddings: known });
  assert.deepEqual(
    enrolled,
    [one!, two!].map(({ verdict }) => ({ item: verdict.item, views: 3 })),
  );
  const { references } = await read();
  assert.deepEqual(
    references.map(({ id, grade, views }) => [id, grade, views]),
    [one!, two!].map(({ verdict }) => [verdict.item, "sound", 3]),
  );
  assert.deepEqual(references[1]!.embeddings, known);
  assert.equal((await readdir(join(folder, "crops"))).length, 2);
});

test("a reference says which camera saw each of its views, read again from the file", async () => {
  await save("sound", { ...kept(1), cameras: ["top", "left", "top"] }, { ...kept(2), cameras: ["top", "top", "top"] });
  await save("sound", kept(3));
  assert.deepEqual(
    (await read()).references.map(({ cameras, from }) => [cameras, from]),
    [
      [
        ["top", "left"],
        [0, 1, 0],
      ],
      [["top"], undefined],
      [undefined, undefined],
    ],
  );
});

test("an item that is enrolled twice is one reference", async () => {
  await save("sound", kept(1));
  assert.deepEqual(await save("sound", kept(1)), [{ item: kept(1).verdict.item, views: 3 }]);
  assert.equal((await read()).references.length, 1);
});

test("the same pictures under another grade are refused, from the line as from files, and nothing is enrolled", async () => {
  await save("sound", kept(1));
  const refused = (error: unknown): boolean =>
    error instanceof GradelineError && error.code === "GRADE" && /relabel .* reject; nothing/.test(error.hint ?? "");
  await assert.rejects(save("reject", kept(2), kept(1)), refused);
  const writer = await GalleryWriter.open(folder);
  await assert.rejects(
    enroll(writer, embedder, [{ grade: "reject", origin: "a file", crops: kept(1).crops }]),
    refused,
  );
  writer.close();
  const { references } = await read();
  assert.deepEqual(
    references.map(({ id, grade }) => [id, grade]),
    [[kept(1).verdict.item, "sound"]],
  );
  assert.equal((await readdir(join(folder, "crops"))).length, 1, "views of the other item are gone");
});

test("views of another size are refused with what to do", async () => {
  const item = { ...kept(1), crops: madeCrops(1, 3, 5) };
  await assert.rejects(save("sound", item), (error: GradelineError) => {
    assert.match(
      error.hint!,
      /^dismiss this item and enroll fruit that pass from now on: the active model needs \d+ px/,
    );
    return error.code === "REQUEST";
  });
});

test("an enrollment that is stopped leaves the gallery as it was", async () => {
  await save("sound", kept(1));
  const stop = AbortSignal.abort(new GradelineError("CLOSED", "the daemon stops"));
  await assert.rejects(enrollKept(folder, embedder, "sound", [kept(2)], stop), { code: "CLOSED" });
  assert.equal((await read()).references.length, 1);
  assert.equal((await readdir(join(folder, "crops"))).length, 1);
});
