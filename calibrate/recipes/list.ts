import { readdir } from "node:fs/promises";
import type { Config } from "../../device/config/schema.ts";
import {
  type InstalledRecipe,
  numberOf,
  type RecipesState,
  readInstalled,
  readState,
  recipesFolder,
} from "../../device/recipes/bundle/installed.ts";
import { fingerprint } from "../../device/recipes/bundle/signing.ts";
import { isAsReleased } from "../../device/recipes/bundle/store.ts";
import type { Context } from "../cli/context.ts";

/** `recipes`: what is installed, what is active and what `rollback` goes back to; needs no daemon. */
export async function listRecipes({ json }: Context, config: Config): Promise<void> {
  const folder = recipesFolder(config);
  const state = await readState(folder);
  const names = await readdir(folder).catch((): string[] => []);
  const numbers = names.map(numberOf).filter((id) => id !== undefined);
  const rows = await Promise.all(
    numbers
      .sort((a, b) => b - a)
      .map(async (id) => {
        const installed = await readInstalled(folder, id).catch(() => undefined);
        return installed === undefined ? undefined : rowOf(installed, state, await isAsReleased(installed));
      }),
  );
  const recipes = rows.filter((row) => row !== undefined);
  const ownModel = { active: state.active === null, previous: state.previous[0] === null };
  if (json) {
    process.stdout.write(`${JSON.stringify({ folder, recipes, configuration: ownModel })}\n`);
    return;
  }
  process.stdout.write(
    `${recipes.length === 1 ? "1 recipe is" : `${recipes.length} recipes are`} installed in ${folder}\n`,
  );
  for (const { recipe, digest, madeAt, items, grades, taught, signedBy, active, previous, shadow } of recipes) {
    const roles = [active && "active", previous && "rollback goes back to it", shadow && "in the shadow"];
    const said = roles.filter((role) => role !== false).join(", ");
    process.stdout.write(
      `${active ? "*" : " "} ${recipe}  ${digest.slice(0, 8)}  ${madeAt.slice(0, 19)}Z  ${items} items as ` +
        `${grades.join(", ")}${taught ? ", taught since" : ""}; key ${signedBy}${said === "" ? "" : `; ${said}`}\n`,
    );
  }
  if (ownModel.active) process.stdout.write("* the configuration's own model and gallery are active\n");
  else if (ownModel.previous)
    process.stdout.write("  rollback goes back to the configuration's own model and gallery\n");
}

function rowOf(
  { label, digest, manifest, publicKey, number }: InstalledRecipe,
  state: RecipesState,
  asReleased: boolean,
) {
  return {
    recipe: label,
    digest,
    madeAt: manifest.madeAt,
    items: manifest.gallery.items,
    grades: manifest.grades.map(({ grade }) => grade),
    /** Since it was installed. */
    taught: !asReleased,
    signedBy: fingerprint(publicKey),
    active: state.active === number,
    previous: state.previous[0] === number,
    shadow: state.shadow === number,
  };
}
