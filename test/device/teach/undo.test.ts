import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLog } from "../../../device/base/log.ts";
import { configSchema } from "../../../device/config/schema.ts";
import type { NodeEmbedder } from "../../../device/embed/node.ts";
import { enroll } from "../../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../../device/gallery/store.ts";
import { loadRecipe, type Recipe } from "../../../device/recipes/load.ts";
import { Teaching, type TeachingParts } from "../../../device/teach/teaching.ts";
import { aroundFile } from "../../support/around-file.ts";
import { openTiny } from "../../support/embedder-tiny.ts";
import { madeCrops } from "../../support/gallery-made.ts";
import { smallLine } from "../../support/line-config.ts";
import { queueItem } from "../../support/queue-items.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

let embedder: NodeEmbedder;
aroundFile(
  async () => {
    embedder = await openTiny(4);
  },
  () => embedder.close(),
);

interface Opened {
  readonly teaching: Teaching;
  readonly gallery: string;
  recipe(): Recipe;
  reload(): Promise<Recipe>;
}

/** Teaching over a real gallery and a real queue in which so many items wait. */
async function opened(t: TestContext, waiting: number): Promise<Opened> {
  const folder = await temporaryFolder(t);
  const gallery = join(folder, "gallery");
  const writer = await GalleryWriter.open(gallery);
  for (const [n, grade] of ["sound", "reject"].entries()) {
    await enroll(writer, embedder, [{ grade, origin: "a file", crops: madeCrops(100 + n, 2, embedder.model.sizePx) }]);
  }
  writer.close();
  let recipe = await loadRecipe({ gallery }, embedder.model);
  const reload = async (): Promise<Recipe> => {
    recipe = await loadRecipe({ gallery }, embedder.model);
    return recipe;
  };
  const parts = {
    config: configSchema.parse(smallLine({ folder, brokerPort: 1, pace: "fast", startAt: 0 })),
    embedder: () => embedder,
    log: createLog("silent"),
    recipe: () => recipe,
    runExclusive: (work: () => Promise<unknown>) => work(),
    reload,
    advanced: () => {},
  };
  const teaching = await Teaching.open(parts as unknown as TeachingParts);
  t.after(() => teaching.close());
  for (let n = 1; n <= waiting; n++) teaching.queue.offer(queueItem(n, 2, embedder.model.sizePx));
  await teaching.queue.settled();
  return { teaching, gallery, recipe: () => recipe, reload };
}

const ids = ({ queue }: Teaching): string[] => queue.list().map(({ id }) => id);

test("each act is taken back, the last first: the gallery is as before, and fruit of the queue wait again", async (t) => {
  const { teaching, recipe } = await opened(t, 4);
  const [before, all] = [recipe().galleryHash, ids(teaching).sort()];
  assert.equal(teaching.lastAct, undefined);
  await teaching.enrollItems("sound", ["a-run-1", "a-run-2"]);
  const between = recipe().galleryHash;
  assert.equal(await teaching.dismiss(["a-run-3", "nobody"]), 1);
  await teaching.enrollItems("reject", ["a-run-4"]);
  assert.deepEqual(ids(teaching), []);
  const back = async (): Promise<unknown> => {
    const { grade, items } = await teaching.undo();
    return { grade, items, waits: ids(teaching).sort(), references: recipe().references };
  };
  assert.deepEqual(await back(), { grade: "reject", items: 1, waits: ["a-run-4"], references: 4 });
  assert.equal(recipe().galleryHash, between);
  assert.deepEqual(await back(), { grade: null, items: 1, waits: ["a-run-3", "a-run-4"], references: 4 });
  assert.deepEqual(await back(), { grade: "sound", items: 2, waits: all, references: 2 });
  assert.equal(recipe().galleryHash, before);
  assert.equal(teaching.lastAct, undefined);
  await assert.rejects(teaching.undo(), { code: "REQUEST", message: /nothing was taught/ });
});

test("where the gallery was changed since from elsewhere, nothing is taken back, and it says how", async (t) => {
  const { teaching, gallery, recipe, reload } = await opened(t, 1);
  await teaching.enrollItems("sound", ["a-run-1"]);
  const writer = await GalleryWriter.open(gallery);
  const crops = madeCrops(7, 2, embedder.model.sizePx);
  await enroll(writer, embedder, [{ grade: "reject", origin: "another file", crops }]);
  writer.close();
  const { galleryHash } = await reload();
  await assert.rejects(teaching.undo(), { code: "REQUEST", hint: /gradeline-calibrate undo/ });
  assert.equal(recipe().galleryHash, galleryHash);
  assert.deepEqual(teaching.lastAct?.grade, "sound");
});

test("a new grade takes the place that was asked for", async (t) => {
  const { teaching, recipe } = await opened(t, 4);
  const grades = (): string[] => recipe().grades.map(({ grade }) => grade);
  assert.deepEqual(grades(), ["sound", "reject"]);
  await teaching.enrollItems("juice", ["a-run-1"], "reject");
  assert.deepEqual(grades(), ["sound", "juice", "reject"]);
  await teaching.enrollItems("compost", ["a-run-2"], null);
  assert.deepEqual(grades(), ["sound", "juice", "reject", "compost"]);
  await teaching.enrollItems("extra", ["a-run-3"], "sound");
  assert.deepEqual(grades(), ["extra", "sound", "juice", "reject", "compost"]);
  await teaching.enrollItems("juice", ["a-run-4"], "extra");
  assert.deepEqual(grades(), ["extra", "sound", "juice", "reject", "compost"], "a known grade stays where it is");
});
