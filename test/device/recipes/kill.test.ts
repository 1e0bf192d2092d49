import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { handOver } from "../../../calibrate/recipes/hand-over.ts";
import { nowMicros } from "../../../device/base/time.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { loadModel } from "../../../device/embed/model.ts";
import { GalleryWriter } from "../../../device/gallery/store.ts";
import { checkInstalled, readPlaces } from "../../../device/recipes/bundle/installed.ts";
import { RecipeStore } from "../../../device/recipes/bundle/store.ts";
import { loadRecipe } from "../../../device/recipes/load.ts";
import { Mosquitto, withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Child } from "../../support/child.ts";
import { Daemon } from "../../support/daemon.ts";
import { assertNumbered, verdictsOf } from "../../support/daemon-verdicts.ts";
import { writeOtherTiny } from "../../support/embedder-tiny.ts";
import { smallLine } from "../../support/line-config.ts";
import { seededRandom } from "../../support/random.ts";
import { type MadeKey, madeKey, releaseMade, savePicturedGallery } from "../../support/recipe-made.ts";
import { Subscriber } from "../../support/subscriber.ts";

/** 200 before a release. */
const KILLS = Number(process.env.GRADELINE_KILLS ?? 12);
/** A change takes some tens of milliseconds: moments before, within and after it are all met. */
const SPAN_MS = 60;
const DAEMON_KILLS = 4;
const ITEMS = 5;

let folder: string;
let key: MadeKey;
const files: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradeline-recipe-kill-"));
  key = await madeKey(folder);
  await mkdir(join(folder, "other"));
  const other = await writeOtherTiny(join(folder, "other"));
  for (const [name, model] of [
    ["apples", undefined],
    ["pears", other],
  ] as const) {
    const gallery = join(folder, name);
    const out = join(folder, `${name}.recipe`);
    const of = model === undefined ? {} : { model };
    await savePicturedGallery(gallery, ITEMS, { seed: files.length * 10, ...of });
    await releaseMade(gallery, key, { name, version: "1", out, ...of });
    files.push(out);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

/** Whatever was going on: model and gallery belong together, load whole, and nothing stays locked. */
async function active(config: ReturnType<typeof configSchema.parse>) {
  const places = await readPlaces(config);
  if (places.installed !== undefined) await checkInstalled(places.installed);
  const { model } = await loadModel(places.model);
  const recipe = await loadRecipe(places, model);
  assert.equal(recipe.warning, undefined);
  assert.equal(recipe.gallery!.modelHash, model.hash);
  const writer = await GalleryWriter.open(places.gallery);
  for (const { id, views } of recipe.gallery!.references) {
    assert.equal((await writer.readCrops(id, model.sizePx)).length, views);
  }
  writer.close();
  (await RecipeStore.open(join(folder, "state", "recipes"), config.recipes)).close();
  return recipe;
}

test(`kill -9 at ${KILLS} random moments of activate, enroll and rollback: what is active loads, whole, and is the last or the next`, async (context) => {
  const own = join(folder, "state");
  await mkdir(own);
  await savePicturedGallery(join(own, "gallery"), ITEMS, { seed: 90 });
  const recipes = { trust: [key.publicKey] };
  const made = smallLine({ folder: own, brokerPort: 1, pace: "fast", startAt: 1, more: { recipes } });
  const config = configSchema.parse(made);
  const file = join(own, "gradeline.yaml");
  await writeFile(file, JSON.stringify(made));
  const random = seededRandom(5);
  const seen = new Map<string, number>();
  for (let kill = 0; kill < KILLS; kill++) {
    const changes = Math.floor(random() * 6);
    const child = new Child("test/support/recipe-child.ts", [file, ...files]);
    await child.until(() => child.said.length > changes);
    // Anywhere within the next change.
    await new Promise((resolve) => setTimeout(resolve, random() * SPAN_MS));
    await child.kill();
    const last = child.said.at(-1)!;
    seen.set(last.event, (seen.get(last.event) ?? 0) + 1);
    const recipe = await active(config);
    // Of what is taught all items are there or none.
    assert.equal((recipe.references - ITEMS) % 2, 0, `${recipe.references} items`);
    if (last.event === "activated" || last.event === "rolled back") {
      // A change of the gallery follows: the name is the same, with or without a +.
      assert.equal(recipe.name?.replace("+", ""), String(last.recipe).replace("+", ""));
    } else if (last.gallery !== recipe.galleryHash) {
      assert.match(String(recipe.name), /^(apples|pears)-1\+?$/);
    }
  }
  context.diagnostic(`killed after ${JSON.stringify(Object.fromEntries(seen))}`);
});

test(`a daemon killed with SIGKILL at ${DAEMON_KILLS} random moments of activate and rollback starts with the one or the other, and numbers on`, {
  skip: withoutMosquitto,
}, async () => {
  const own = join(folder, "daemon");
  await mkdir(own);
  await savePicturedGallery(join(own, "gallery"), ITEMS, { seed: 90 });
  const broker = await Mosquitto.start();
  const ears = await Subscriber.connect(broker.port, ["gradeline/board/#"]);
  const random = seededRandom(9);
  let daemon: Daemon | undefined;
  try {
    for (let round = 0; round <= DAEMON_KILLS; round++) {
      const recipes = { trust: [key.publicKey] };
      const config = smallLine({
        folder: own,
        brokerPort: broker.port,
        pace: "real",
        startAt: nowMicros(),
        more: { recipes },
      });
      daemon = await Daemon.start(own, config);
      await daemon.ready();
      // By what the last one left, whichever it is.
      const from = verdictsOf(ears).length;
      const { recipe } = await ears.until(() => verdictsOf(ears)[from]);
      const { name } = await active(configSchema.parse(config));
      assert.equal(recipe, name);
      if (round === DAEMON_KILLS) break;
      if (round % 3 === 2) await ears.ask("gradeline/board/request/rollback", "");
      else {
        const { signal: stop } = new AbortController();
        const digest = await handOver({ stop }, configSchema.parse(config), files[round % 3]!);
        await ears.ask("gradeline/board/request/activate", JSON.stringify({ recipe: digest }));
      }
      await new Promise((resolve) => setTimeout(resolve, random() * SPAN_MS * 2));
      await daemon.kill("SIGKILL");
    }
  } finally {
    await daemon?.kill();
    await ears.close();
    await broker.close();
  }
  assertNumbered(verdictsOf(ears));
});
