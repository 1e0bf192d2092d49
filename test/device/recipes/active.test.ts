import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { handOver } from "../../../calibrate/recipes/hand-over.ts";
import { createLog } from "../../../device/base/log.ts";
import { type Config, configSchema } from "../../../device/config/schema.ts";
import { createMetrics } from "../../../device/contract/metrics.ts";
import { StationRecipes } from "../../../device/recipes/active.ts";
import { readState } from "../../../device/recipes/bundle/installed.ts";
import { loadRecipe } from "../../../device/recipes/load.ts";
import { openTiny, writeOtherTiny } from "../../support/embedder-tiny.ts";
import { madeCrops } from "../../support/gallery-made.ts";
import { smallLine } from "../../support/line-config.ts";
import { cpuProof } from "../../support/proof-made.ts";
import {
  type MadeKey,
  madeKey,
  releasedOtherwise,
  releaseMade,
  savePicturedGallery,
} from "../../support/recipe-made.ts";

let folder: string;
let key: MadeKey;
let config: Config;
let changes = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-station-recipes-"));
  key = await madeKey(folder);
  await savePicturedGallery(join(folder, "gallery"), 6);
  const recipes = { trust: [key.publicKey], keep: 10 };
  config = configSchema.parse(smallLine({ folder, brokerPort: 1, pace: "fast", startAt: 1, more: { recipes } }));
});
after(() => rm(folder, { recursive: true, force: true }));

async function open(t: TestContext): Promise<StationRecipes> {
  const embedder = Object.assign(await openTiny(4), { proof: cpuProof });
  const recipe = await loadRecipe(config, embedder.model);
  const metrics = createMetrics();
  const parts = { config, log: createLog("silent"), metrics, changed: () => void changes++ };
  const recipes = await StationRecipes.open(parts, embedder, recipe);
  metrics.close();
  t.after(async () => {
    await recipes.close();
    await recipes.free();
    await embedder.close();
  });
  return recipes;
}

/** A recipe with a model of its own, in the inbox. @returns its digest */
async function handedOver(name: string): Promise<string> {
  const own = join(folder, name);
  await mkdir(own);
  const model = await writeOtherTiny(own, (description) => {
    description.version = name;
  });
  await savePicturedGallery(join(own, "gallery"), 4, { model });
  const out = join(own, "made.recipe");
  await releaseMade(join(own, "gallery"), key, { name, version: "1", out, model });
  return handOver({ stop: new AbortController().signal }, config, out);
}

test("a model that was in use stays for the items that began with it, and is freed with the last; too many of them are refused", async (t) => {
  const recipes = await open(t);
  const first = recipes.judge;
  const crop = madeCrops(1, 1, first.embedder.model.sizePx)[0]!;
  first.begun();
  await recipes.activate(await handedOver("a"));
  const second = recipes.judge;
  assert.notEqual(second, first);
  assert.deepEqual([first.by.recipe, second.by.recipe, changes], [null, "a-1", 1]);
  assert.equal((await first.embed(crop, true)).length, first.dimension, "it goes on");
  second.begun();
  await recipes.activate(await handedOver("b"));
  recipes.judge.begun();
  const c = await handedOver("c");
  await assert.rejects(recipes.activate(c), { code: "RECIPE", retry: true, message: /still need the models/ });
  assert.equal(recipes.judge.by.recipe, "b-1");
  first.done();
  await first.retire();
  await assert.rejects(first.embed(crop, true), { code: "CLOSED" });
  assert.equal((await second.embed(crop, true)).length, second.dimension);
  // Its file was used up by the first try; it is installed since.
  assert.equal((await recipes.activate("c-1")).recipe.name, "c-1");
  assert.equal(changes, 3);
  const { done } = recipes.embedding;
  assert.ok(done >= 2, "batches of models that are gone count on");
  second.done();
});

test("a recipe that would grade otherwise here than it was released to is refused; nothing changes", async (t) => {
  const recipes = await open(t);
  const before = recipes.judge.by;
  const good = join(folder, "good.recipe");
  await releaseMade(join(folder, "gallery"), key, { name: "good", version: "1", out: good });
  const state = await readState(join(folder, "recipes"));
  const hand = (path: string) => handOver({ stop: new AbortController().signal }, config, path);
  for (const [version, change, message] of [
    [
      "2",
      { limit: 1.9 },
      /good-2 was released by gradeline .* and grades otherwise by .*: found the limit .* of sound, wanted 1\.9/,
    ],
    ["3", { grade: "prime" }, /found the grades sound, second, reject, wanted prime, second, reject/],
  ] as const) {
    const out = join(folder, `good-${version}.recipe`);
    await releasedOtherwise(good, key, out, (manifest) => ({
      ...manifest,
      version,
      grades: manifest.grades.map((grade, index) => (index === 0 ? { ...grade, ...change } : grade)),
    }));
    await assert.rejects(recipes.activate(await hand(out)), { code: "RECIPE", message, hint: /release it again/ });
  }
  assert.deepEqual(recipes.judge.by, before);
  assert.deepEqual(await readState(join(folder, "recipes")), state);
  assert.equal((await recipes.activate(await hand(good))).recipe.name, "good-1");
});

test("a recipe tried in the shadow ends being tried when it decides, not when another one does", async (t) => {
  const recipes = await open(t);
  const hand = async (name: string) => {
    const out = join(folder, `${name}.recipe`);
    await releaseMade(join(folder, "gallery"), key, { name, version: "1", out });
    return handOver({ stop: new AbortController().signal }, config, out);
  };
  const [tried, other] = [await hand("tried"), await hand("other")];
  assert.equal((await recipes.setShadow(tried))!.recipe.name, "tried-1");
  await recipes.activate(other);
  assert.equal(recipes.shadow?.recipe.name, "tried-1");
  assert.equal((await readState(join(folder, "recipes"))).shadow, recipes.shadow!.recipe.installed!.number);
  await assert.rejects(recipes.setShadow("other-1"), { code: "RECIPE", message: /cannot be its own shadow/ });
  const before = changes;
  assert.deepEqual([(await recipes.activate("other-1")).changed, changes], [false, before]);
  assert.deepEqual([(await recipes.activate("tried-1")).changed, changes], [true, before + 1]);
  assert.equal(recipes.shadow, undefined);
  assert.equal(recipes.previous, "other-1");
  assert.equal((await recipes.rollback()).recipe.name, "other-1");
  assert.equal(await recipes.setShadow(undefined), undefined);
});

test("so many recipes are kept on the disk as was asked for", async (t) => {
  const own = join(folder, "kept");
  await mkdir(own);
  const few = { ...config, recipes: { ...config.recipes, keep: 2, path: join(own, "recipes") } };
  const embedder = Object.assign(await openTiny(4), { proof: cpuProof });
  const metrics = createMetrics();
  const parts = { config: few, log: createLog("silent"), metrics, changed: () => {} };
  const recipes = await StationRecipes.open(parts, embedder, await loadRecipe(few, embedder.model));
  metrics.close();
  t.after(async () => {
    await recipes.close();
    await embedder.close();
  });
  for (const version of ["1", "2", "3", "4"]) {
    const out = join(own, `${version}.recipe`);
    await releaseMade(join(folder, "gallery"), key, { name: "kept", version, out });
    await recipes.activate(await handOver({ stop: new AbortController().signal }, few, out));
  }
  const installed = (await readdir(few.recipes.path)).filter((name) => /^\d{8}$/.test(name));
  assert.deepEqual(installed, ["00000003", "00000004"]);
});

test("a daemon that stops changes no recipe any more, and says so", async (t) => {
  const recipes = await open(t);
  await recipes.close();
  await assert.rejects(
    recipes.runExclusive(async () => assert.fail("it runs")),
    { code: "CLOSED", retry: true, message: /the daemon stops/ },
  );
  await assert.rejects(recipes.activate("other-1"), { code: "CLOSED" });
});
