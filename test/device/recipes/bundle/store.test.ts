import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { loadModel } from "../../../../device/embed/model.ts";
import { checkInstalled, mendState, readInstalled, readState } from "../../../../device/recipes/bundle/installed.ts";
import { RecipeStore } from "../../../../device/recipes/bundle/store.ts";
import { loadRecipe } from "../../../../device/recipes/load.ts";
import { type MadeKey, madeKey, releaseMade, savePicturedGallery } from "../../../support/recipe-made.ts";

let folder: string;
let key: MadeKey;
let own: string;
let tests = 0;
const files: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-recipes-"));
  key = await madeKey(folder);
  for (let version = 1; version <= 5; version++) {
    const gallery = join(folder, `gallery-${version}`);
    await savePicturedGallery(gallery, 3 + version, { seed: version * 10 });
    const out = join(folder, `apples-${version}.recipe`);
    await releaseMade(gallery, key, { name: "apples", version: String(version), out });
    files.push(out);
  }
});
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  own = join(folder, `recipes-${++tests}`);
});

async function within<T>(work: (store: RecipeStore) => Promise<T>, keep = 5, trust = [key.publicKey]): Promise<T> {
  const store = await RecipeStore.open(own, { trust, keep });
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** Installs and activates one. */
async function activate(version: number, keep = 5): Promise<number> {
  return within(async (store) => {
    const installed = await store.install(files[version - 1]!);
    await store.activate(installed);
    await store.prune();
    return installed.number;
  }, keep);
}

test("an installed recipe grades by its own gallery and model, whole", async () => {
  const number = await activate(2);
  const installed = await readInstalled(own, number);
  await checkInstalled(installed);
  assert.deepEqual([installed.label, installed.publicKey], ["apples-2", key.publicKey]);
  const { model } = await loadModel(installed.model);
  const recipe = await loadRecipe({ gallery: installed.gallery, installed }, model);
  assert.deepEqual([recipe.name, recipe.references, recipe.warning], ["apples-2", 5, undefined]);
});

test("going back goes through what was active, the latest first, to the configuration's own", async () => {
  for (const version of [1, 2, 1]) await activate(version);
  const { since, ...state } = await readState(own);
  assert.deepEqual(state, { v: 1, active: 1, previous: [2, 1, null], shadow: null });
  assert.match(since!, /^20\d\d-/);
  const seen: (string | undefined)[] = [];
  await within(async (store) => {
    for (let before = await store.previous(); before !== undefined; before = await store.previous()) {
      seen.push(before.installed?.label);
      await store.rollback();
    }
  });
  assert.deepEqual(seen, ["apples-2", "apples-1", undefined]);
  assert.deepEqual(await readState(own), { ...(await readState(own)), active: null, previous: [], shadow: null });
});

test("so many are kept as was asked for: the active one, those that can be gone back to, and the newest", async () => {
  for (let version = 1; version <= 5; version++) await activate(version, 3);
  const labels = () => within(async (store) => (await store.all()).map(({ label }) => label), 3);
  assert.deepEqual(await labels(), ["apples-5", "apples-4", "apples-3"]);
  await within(async (store) => {
    await store.rollback();
    await store.rollback();
    await store.prune();
    assert.equal(await store.previous(), undefined);
  }, 3);
  // What was gone back from may be activated again by its name.
  assert.deepEqual(await labels(), ["apples-5", "apples-4", "apples-3"]);
  assert.equal((await within((store) => store.find("apples-5"), 3)).manifest.gallery.items, 8);
});

test("what a process that was killed left half done is cleared away, and a folder that is half removed", async () => {
  const number = await activate(1);
  await mkdir(join(own, "installing", "model"), { recursive: true });
  await writeFile(join(own, "state.json.0123456789ab.tmp"), "{");
  await cp(join(own, "00000001"), join(own, "00000009"), { recursive: true });
  await rm(join(own, "00000009", "manifest.json"));
  await within(async (store) => {
    assert.deepEqual(
      (await store.all()).map(({ number: id }) => id),
      [number],
    );
    await store.prune();
  });
  assert.deepEqual((await readdir(own)).sort(), ["00000001", "inbox", "lock", "state.copy.json", "state.json"]);
});

test("at a live start a damaged state is set aside: its copy applies, and without one the configuration", async () => {
  const number = await activate(1);
  assert.equal(await mendState(own), undefined);
  const state = join(own, "state.json");
  const whole = await readFile(state, "utf8");
  for (const damage of ["", whole.slice(0, 20), whole.replace('"v":1', '"v":7'), "\0".repeat(whole.length)]) {
    await writeFile(state, damage);
    assert.match((await mendState(own)) ?? "", /state\.json was damaged and is set aside as .*the copy beside it/);
    assert.deepEqual([(await readState(own)).active, await readFile(state, "utf8")], [number, whole]);
  }
  const aside = (await readdir(own)).filter((name) => name.startsWith("state.json.damaged-"));
  assert.equal(aside.length, 2, "the newest two are kept");
  await writeFile(state, "{");
  await writeFile(join(own, "state.copy.json"), "{");
  assert.match((await mendState(own)) ?? "", /model and gallery of the configuration apply; activate the recipe again/);
  assert.equal((await readState(own)).active, null);
});

test("two cannot change the folder at once; who comes second is told to come again", async () => {
  await within(async () => {
    await assert.rejects(
      within(async () => {}),
      { code: "RECIPE", retry: true, message: /another process changes the recipes/ },
    );
  });
  await within(async () => {});
});

test("without a trusted key none is taken; one whose key is trusted no more cannot be activated again", async () => {
  await assert.rejects(
    within((store) => store.install(files[0]!), 5, []),
    { code: "RECIPE_SIGNATURE", hint: /recipes\.trust/ },
  );
  await activate(1);
  const other = await madeKey(folder, "other.key");
  await assert.rejects(
    within((store) => store.find("apples-1"), 5, [other.publicKey]),
    { code: "RECIPE_SIGNATURE", message: /not trusted any more/ },
  );
});

test("a name and version means one recipe, whoever signed the other", async () => {
  await activate(1);
  const out = join(folder, "again.recipe");
  await releaseMade(join(folder, "gallery-2"), key, { name: "apples", version: "1", out });
  await assert.rejects(
    within((store) => store.install(out)),
    { code: "RECIPE", message: /apples-1 is another recipe here/ },
  );
  assert.equal((await within((store) => store.install(files[0]!))).number, 1, "the very same is the one that is there");
});

test("a state that is damaged is refused with the way out, a model or manifest that was changed is found", async () => {
  const number = await activate(1);
  const installed = await readInstalled(own, number);
  await writeFile(installed.model, `${await readFile(installed.model, "utf8")} `);
  await assert.rejects(checkInstalled(installed), {
    code: "RECIPE",
    message: /model\/tiny\.json has sha256/,
    hint: /rollback --offline/,
  });
  const manifest = join(installed.folder, "manifest.json");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace('"version":"1"', '"version":"2"'));
  await assert.rejects(readInstalled(own, number), { code: "RECIPE_SIGNATURE", message: /was changed after/ });
  await writeFile(join(own, "state.json"), '{"v":1');
  await assert.rejects(readState(own), { code: "RECIPE", message: /damaged/, hint: /remove it/ });
});

test("a state that names more to go back to than there can be is damaged", async () => {
  await mkdir(own, { recursive: true });
  const write = (count: number) =>
    writeFile(
      join(own, "state.json"),
      JSON.stringify({ v: 1, active: null, previous: new Array(count).fill(1), shadow: null, since: null }),
    );
  await write(100);
  assert.equal((await readState(own)).previous.length, 100);
  await write(101);
  await assert.rejects(readState(own), { code: "RECIPE", message: /is damaged, so the active recipe is unknown/ });
});
