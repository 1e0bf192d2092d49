import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { GradelineError } from "../../base/errors.ts";
import { unwritable } from "../../base/files.ts";
import { type FolderLock, lockFolder } from "../../base/folder-lock.ts";
import type { Closable } from "../../base/lifecycle.ts";
import { shortHash } from "../../base/short-hash.ts";
import { formatMicros, nowMicros } from "../../base/time.ts";
import { readAnyGallery } from "../../gallery/store.ts";
import {
  clearTemporaryState,
  folderOf,
  INBOX,
  type InstalledRecipe,
  numberOf,
  type RecipesState,
  readInstalled,
  readState,
  writeState,
} from "./installed.ts";
import { labelOf } from "./manifest.ts";
import { RecipeFile } from "./recipe-file.ts";
import { fingerprint } from "./signing.ts";

const STAGING = "installing";
const DIGEST = /^[0-9a-f]{64}$/;

export interface StoreOptions {
  /** Public keys whose signatures count. */
  readonly trust: readonly string[];
  /** Recipes kept on disk. */
  readonly keep: number;
}

/** Whoever changes the folder of recipes: one process at a time. */
export class RecipeStore implements Closable {
  readonly folder: string;
  readonly #options: StoreOptions;
  readonly #lock: FolderLock;
  #state: RecipesState;

  private constructor(folder: string, options: StoreOptions, lock: FolderLock, state: RecipesState) {
    this.folder = folder;
    this.#options = options;
    this.#lock = lock;
    this.#state = state;
  }

  /**
   * Makes the folder where it is missing, locks it, and clears away what a process that was killed had begun.
   *
   * @throws {GradelineError} RECIPE when another process changes it (with `retry`) or it is damaged, FILE
   */
  static async open(folder: string, options: StoreOptions): Promise<RecipeStore> {
    try {
      await mkdir(join(folder, INBOX), { recursive: true });
    } catch (error) {
      throw new GradelineError("FILE", `${folder} cannot be made: ${(error as Error).message}`, {
        hint: "recipes.path names a folder that the daemon may write to",
        cause: error,
      });
    }
    const lock = lockFolder(
      folder,
      (cause) =>
        new GradelineError("RECIPE", `another process changes the recipes in ${folder}`, {
          hint: "wait for it to end",
          retry: true,
          cause,
        }),
    );
    try {
      await rm(join(folder, STAGING), { recursive: true, force: true });
      await clearTemporaryState(folder);
      return new RecipeStore(folder, options, lock, await readState(folder));
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  get state(): RecipesState {
    return this.#state;
  }

  /** A recipe that is installed. @throws {GradelineError} RECIPE */
  installed(id: number): Promise<InstalledRecipe> {
    return readInstalled(this.folder, id);
  }

  /** All that are installed and whole, the newest first. */
  async all(): Promise<InstalledRecipe[]> {
    const found: InstalledRecipe[] = [];
    for (const id of await this.#numbers()) {
      const one = await readInstalled(this.folder, id).catch(() => undefined);
      if (one !== undefined) found.push(one);
    }
    return found;
  }

  /**
   * A recipe by its name and version among those installed, as it was taught since; or by its digest as it was released,
   * from the file of that name in the inbox, else among those installed.
   *
   * @throws {GradelineError} RECIPE when there is none or its file is torn, RECIPE_SIGNATURE, FILE when the disk is full
   */
  async find(wanted: string): Promise<InstalledRecipe> {
    if (DIGEST.test(wanted)) {
      const path = join(this.folder, INBOX, `${wanted}.recipe`);
      if ((await readdir(join(this.folder, INBOX))).includes(`${wanted}.recipe`)) {
        try {
          return await this.install(path, wanted);
        } finally {
          await rm(path, { force: true });
        }
      }
    }
    const all = await this.all();
    // Messages add a + where it was taught since.
    const name = wanted.replace(/\+$/, "");
    const found = all.find(({ label, digest }) => label === name || digest === wanted);
    if (found !== undefined) {
      if (this.#options.trust.includes(found.publicKey)) return found;
      throw new GradelineError(
        "RECIPE_SIGNATURE",
        `${found.label} is signed by the key ${fingerprint(found.publicKey)}, which is not trusted any more`,
        { hint: "see recipes.trust of the configuration" },
      );
    }
    const kept =
      all.length === 0 ? "none is" : `installed are ${[...new Set(all.map(({ label }) => label))].join(", ")}`;
    throw new GradelineError("RECIPE", `no recipe ${JSON.stringify(wanted.slice(0, 80))} is installed; ${kept}`, {
      hint: "gradeline-calibrate activate FILE --config FILE installs one",
    });
  }

  /**
   * Installs the file of a recipe. Where it is installed already and was not taught since, that one stands for it.
   *
   * @param digest that it must have
   * @throws {GradelineError} RECIPE, RECIPE_SIGNATURE, FILE; nothing is left of it then
   */
  async install(path: string, digest?: string): Promise<InstalledRecipe> {
    if (this.#options.trust.length === 0) {
      throw new GradelineError("RECIPE_SIGNATURE", "this daemon trusts no key, so it takes no recipe", {
        hint: "add the public key of whoever releases recipes to recipes.trust of its configuration, and start it again",
      });
    }
    const file = await RecipeFile.open(path, this.#options.trust);
    try {
      const { head } = file;
      if (digest !== undefined && digest !== head.digest) {
        throw new GradelineError("RECIPE", `${path} holds the recipe ${shortHash(head.digest)}, not that of its name`);
      }
      const label = labelOf(head.manifest);
      for (const one of await this.all()) {
        if (one.digest === head.digest && (await isAsReleased(one))) return one;
        if (one.label !== label || one.digest === head.digest) continue;
        throw new GradelineError(
          "RECIPE",
          `${label} is another recipe here, made ${one.manifest.madeAt.slice(0, 19)}Z (${one.digest.slice(0, 8)}), not ` +
            `that made ${head.manifest.madeAt.slice(0, 19)}Z (${head.digest.slice(0, 8)})`,
          { hint: "verdicts name the version, so it must mean one recipe: release it with another version" },
        );
      }
      const staging = join(this.folder, STAGING);
      await file.extract(staging);
      const id = ((await this.#numbers())[0] ?? 0) + 1;
      await rename(staging, folderOf(this.folder, id)).catch((error: unknown) => {
        throw unwritable(folderOf(this.folder, id), error);
      });
      return await this.installed(id);
    } finally {
      await file.close();
    }
  }

  /** Grades by it from the next start on, and goes back to what was active by `rollback`. Durable when it returns. */
  async activate({ number }: InstalledRecipe): Promise<void> {
    const { active, previous, shadow } = this.#state;
    if (active === number) return;
    await this.#save({
      v: 1,
      active: number,
      previous: [active, ...previous].slice(0, this.#options.keep - 1),
      shadow: shadow === number ? null : shadow,
      since: formatMicros(nowMicros()),
    });
  }

  /** What `rollback` goes back to; undefined where it was never activated over anything. @throws {GradelineError} RECIPE */
  async previous(): Promise<{ readonly installed: InstalledRecipe | undefined } | undefined> {
    const [before] = this.#state.previous;
    if (before === undefined) return undefined;
    return { installed: before === null ? undefined : await this.installed(before) };
  }

  async rollback(): Promise<void> {
    const [before, ...rest] = this.#state.previous;
    if (before === undefined) throw new GradelineError("INTERNAL", "there is nothing to go back to");
    const { shadow } = this.#state;
    const since = formatMicros(nowMicros());
    await this.#save({ v: 1, active: before, previous: rest, shadow: shadow === before ? null : shadow, since });
  }

  /** Removes files that nobody asks for any more. */
  async clearInbox(): Promise<void> {
    const inbox = join(this.folder, INBOX);
    for (const name of await readdir(inbox)) await rm(join(inbox, name), { recursive: true, force: true });
  }

  async setShadow(installed: InstalledRecipe | undefined): Promise<void> {
    await this.#save({ ...this.#state, shadow: installed?.number ?? null });
  }

  /** Removes what is neither active nor to be gone back to, nor among the newest; failures are for the next time. */
  async prune(): Promise<void> {
    const { active, previous, shadow } = this.#state;
    const kept = new Set([active, shadow, ...previous].filter((id) => id !== null));
    for (const id of await this.#numbers()) {
      if (kept.has(id)) continue;
      const whole = await readInstalled(this.folder, id).then(
        () => true,
        () => false,
      );
      if (whole && kept.size < this.#options.keep) kept.add(id);
      else await rm(folderOf(this.folder, id), { recursive: true, force: true }).catch(() => {});
    }
  }

  close(): void {
    this.#lock.close();
  }

  async #save(state: RecipesState): Promise<void> {
    await writeState(this.folder, state);
    this.#state = state;
  }

  /** The highest first. */
  async #numbers(): Promise<number[]> {
    return (await readdir(this.folder))
      .map(numberOf)
      .filter((id) => id !== undefined)
      .sort((a, b) => b - a);
  }
}

/** Whether nothing was taught since it was installed. */
export async function isAsReleased({ gallery, manifest }: InstalledRecipe): Promise<boolean> {
  const stored = await readAnyGallery(gallery).catch(() => undefined);
  return stored?.hash === manifest.gallery.hash;
}
