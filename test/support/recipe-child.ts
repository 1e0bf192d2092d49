/**
 * A process that changes what it would grade by without end, as a station does: activates recipes from files and by name,
 * teaches them, goes back. Arguments: the configuration's file, two files of recipes. Standard output: one JSON line per
 * change, with what it left active.
 */
import { randomBytes } from "node:crypto";
import { handOver } from "../../calibrate/recipes/hand-over.ts";
import { createLog } from "../../device/base/log.ts";
import { loadConfig } from "../../device/config/file.ts";
import { createMetrics } from "../../device/contract/metrics.ts";
import { openEmbedder } from "../../device/embed/open-embedder.ts";
import { enroll } from "../../device/gallery/enroll.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import { StationRecipes } from "../../device/recipes/active.ts";
import { readPlaces } from "../../device/recipes/bundle/installed.ts";
import { loadRecipeOrUntaught } from "../../device/recipes/load.ts";

const AT_ONCE = 2;

const [path, ...files] = process.argv.slice(2);
const config = await loadConfig(path!);
const { signal: stop } = new AbortController();
const places = await readPlaces(config);
const embedder = await openEmbedder(places.model, config.embedder);
const recipe = await loadRecipeOrUntaught(places, embedder.model);
const parts = { config, log: createLog("silent"), metrics: createMetrics(), changed: () => {} };
const recipes = await StationRecipes.open(parts, embedder, recipe);

function say(event: string): void {
  const { name, galleryHash } = recipes.judge.recipe;
  process.stdout.write(`${JSON.stringify({ event, recipe: name, gallery: galleryHash })}\n`);
}

async function teach(): Promise<void> {
  await recipes.runExclusive(async () => {
    const { recipe: now, embedder: model } = recipes.judge;
    const { sizePx } = model.model;
    const writer = await GalleryWriter.open(now.folder);
    const samples = Array.from({ length: AT_ONCE }, (_, item) => ({
      grade: "sound",
      origin: `made ${item}`,
      crops: [randomBytes(sizePx * sizePx * 3)],
    }));
    try {
      await enroll(writer, model, samples);
    } finally {
      writer.close();
    }
    await recipes.reload();
  });
}

say("open");
for (;;) {
  for (const file of files) {
    await recipes.activate(await handOver({ stop }, config, file!));
    say("activated");
    await teach();
    say("taught");
  }
  await recipes.rollback();
  say("rolled back");
  await teach();
  say("taught");
}
