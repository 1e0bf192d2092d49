import { GradelineError } from "../../device/base/errors.ts";
import type { Config } from "../../device/config/schema.ts";
import {
  checkInstalled,
  type InstalledRecipe,
  placesOf,
  recipesFolder,
} from "../../device/recipes/bundle/installed.ts";
import { RecipeStore } from "../../device/recipes/bundle/store.ts";
import { loadRecipeOrUntaught } from "../../device/recipes/load.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { describeName } from "./activate.ts";
import { isFile } from "./hand-over.ts";

/** `activate --offline`: the daemon grades by it from its next start on. */
export async function activateOffline(context: Context, config: Config, wanted: string): Promise<void> {
  await change(context, config, async (store) => {
    const installed = (await isFile(wanted)) ? await store.install(wanted) : await store.find(wanted);
    await prove(context, config, installed);
    context.stop.throwIfAborted();
    await store.activate(installed);
    return installed.label;
  });
}

/** `rollback --offline` */
export async function rollbackOffline(context: Context, config: Config): Promise<void> {
  await change(context, config, async (store) => {
    if (store.state.previous.length === 0) {
      throw new GradelineError("RECIPE", "there is no recipe to go back to: none was activated after another");
    }
    const installed = (await store.previous())!.installed;
    await prove(context, config, installed);
    await store.rollback();
    return installed?.label ?? null;
  });
}

async function change(
  { json }: Context,
  config: Config,
  work: (store: RecipeStore) => Promise<string | null>,
): Promise<void> {
  const store = await RecipeStore.open(recipesFolder(config), config.recipes);
  let recipe: string | null;
  try {
    recipe = await work(store);
  } finally {
    await store.prune();
    store.close();
  }
  if (json) process.stdout.write(`${JSON.stringify({ recipe, from: "next start" })}\n`);
  else process.stdout.write(`${describeName(recipe)} is graded by from the daemon's next start on\n`);
}

/** As the daemon will at its start: better said here than there. */
async function prove(context: Context, config: Config, installed: InstalledRecipe | undefined): Promise<void> {
  const places = placesOf(config, installed);
  if (installed !== undefined) await checkInstalled(installed);
  const { model } = await openForWork({ ...context, model: places.model });
  const { warning } = await loadRecipeOrUntaught(places, model);
  if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
}
