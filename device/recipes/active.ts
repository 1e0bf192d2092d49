import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { Serial } from "../base/serial.ts";
import { type Micros, parseMicros } from "../base/time.ts";
import type { Config } from "../config/schema.ts";
import type { Metrics } from "../contract/metrics.ts";
import { batchingOn } from "../embed/batcher.ts";
import type { ProvenEmbedder } from "../embed/embedder.ts";
import { openEmbedder } from "../embed/open-embedder.ts";
import { clearTemporaryGallery } from "../gallery/store.ts";
import {
  checkInstalled,
  clearTemporaryState,
  type InstalledRecipe,
  placesOf,
  readInstalled,
  readState,
  recipesFolder,
} from "./bundle/installed.ts";
import { labelOf } from "./bundle/manifest.ts";
import { RecipeStore } from "./bundle/store.ts";
import { cutAlike, ModelJudge, sourceOf } from "./judge.ts";
import { loadRecipeAside, loadRecipeOrUntaught, type Recipe } from "./load.ts";
import { Shadow } from "./shadow.ts";

/** Most retired models that may wait for their last items. */
const MAX_RETIRED = 2;

export interface StationRecipesParts {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The active model or gallery has changed. */
  changed(): void;
}

/** The result of `activate` or `rollback`. */
export interface Activated {
  readonly recipe: Recipe;
  /** False where it was active already. */
  readonly changed: boolean;
}

/** The active model and gallery, changed one step at a time. An item keeps the model it started with. */
export class StationRecipes implements Closable {
  readonly #parts: StationRecipesParts;
  readonly #folder: string;
  readonly #retiring = new Map<ModelJudge, Promise<void>>();
  readonly #given: ProvenEmbedder;
  #judge: ModelJudge;
  readonly #serial = new Serial();
  #batchesBefore = 0;
  #closing = false;
  #shadow: Shadow | undefined;
  #previous: string | null = null;
  #since: Micros | undefined;

  private constructor(parts: StationRecipesParts, judge: ModelJudge) {
    this.#parts = parts;
    this.#judge = judge;
    this.#given = judge.embedder;
    this.#folder = recipesFolder(parts.config);
  }

  /** @param embedder closed by whoever opened it, or when another model has taken its place */
  static async open(parts: StationRecipesParts, embedder: ProvenEmbedder, recipe: Recipe): Promise<StationRecipes> {
    const { model } = placesOf(parts.config, recipe.installed);
    const recipes = new StationRecipes(parts, judgeOf(parts, embedder, await sourceOf(model), recipe));
    await recipes.#lookBack();
    await recipes.#tidy();
    // Its model may take long, and no verdict waits for it.
    void recipes.runExclusive(() => recipes.#shadowAgain()).catch(() => {});
    return recipes;
  }

  /** Judges items that come into view from now on. */
  get judge(): ModelJudge {
    return this.#judge;
  }

  /** Since when what was activated or gone back to last is active; undefined where nothing ever was. */
  get since(): Micros | undefined {
    return this.#since;
  }

  /** What `rollback` goes back to; null where there is nothing. */
  get previous(): string | null {
    return this.#previous;
  }

  /** Whether views are with a model, and how many batches came back. */
  get embedding(): { readonly waiting: boolean; readonly done: number } {
    const judges = [this.#judge, ...this.#retiring.keys()];
    return {
      waiting: judges.some(({ batcher }) => batcher.progress.waiting),
      done: judges.reduce((sum, { batcher }) => sum + batcher.progress.done, this.#batchesBefore),
    };
  }

  /** Runs `work` while the model and gallery are locked. One piece runs after the other; the last one asked for wins. */
  runExclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      if (this.#closing) throw new GradelineError("CLOSED", "the daemon stops", { retry: true });
      return work();
    });
  }

  /** Reads the gallery again; only within {@link runExclusive}. @throws {GradelineError} GALLERY, GALLERY_MODEL, GALLERY_EMPTY */
  async reload(): Promise<Recipe> {
    const { folder, installed } = this.#judge.recipe;
    const recipe = await loadRecipeAside({ gallery: folder, installed }, this.#judge.embedder.model);
    this.#judge.recipe = recipe;
    this.#parts.changed();
    return recipe;
  }

  /**
   * Activates another recipe from the next item on. Until its model and gallery are proven and the change is on disk, nothing
   * changes.
   *
   * @param wanted name and version of an installed recipe, or the digest of one in the inbox
   * @throws {GradelineError} RECIPE, RECIPE_SIGNATURE, GALLERY, GALLERY_MODEL, MODEL, PROVIDER, INFERENCE, FILE
   */
  activate(wanted: string): Promise<Activated> {
    return this.#change(async (store) => {
      const installed = await store.find(wanted);
      if (installed.number === this.#judge.recipe.installed?.number) {
        // Somebody may have set another one for the next start.
        await store.activate(installed);
        return { recipe: this.#judge.recipe, changed: false };
      }
      await checkInstalled(installed);
      return this.#switch(installed, true, () => store.activate(installed));
    });
  }

  /** Activates the recipe before, from the next item on. @throws {GradelineError} as {@link activate} */
  rollback(): Promise<Activated> {
    return this.#change(async (store) => {
      const before = await store.previous();
      if (before === undefined) {
        throw new GradelineError("RECIPE", "there is no recipe to go back to: none was activated after another", {
          hint: `the last ${this.#parts.config.recipes.keep} are kept; activate one by its name or file`,
        });
      }
      if (before.installed !== undefined) await checkInstalled(before.installed);
      return this.#switch(before.installed, false, () => store.rollback());
    });
  }

  /** The recipe that judges beside the active one; its verdicts are only counted. */
  get shadow(): Shadow | undefined {
    return this.#shadow;
  }

  /**
   * Lets another recipe judge beside the active one. Verdicts do not change.
   *
   * @param wanted as for {@link activate}; undefined: none any more
   * @throws {GradelineError} as {@link activate}
   */
  setShadow(wanted: string | undefined): Promise<Shadow | undefined> {
    return this.#withStore(async (store) => {
      if (wanted === undefined) {
        await store.setShadow(undefined);
        return this.#replaceShadow(undefined);
      }
      const installed = await store.find(wanted);
      if (installed.number === this.#judge.recipe.installed?.number) {
        throw new GradelineError("RECIPE", `${installed.label} is the active recipe, it cannot be its own shadow`);
      }
      await checkInstalled(installed);
      const shadow = await this.#openShadow(installed);
      try {
        await store.setShadow(installed);
      } catch (error) {
        await shadow.close();
        throw error;
      }
      return this.#replaceShadow(shadow);
    });
  }

  /** Waits for a running change and for the items of retired models. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#serial.settled();
    await this.#shadow?.close();
    await Promise.all([...this.#retiring].map(([judge, retired]) => Promise.race([retired, judge.close()])));
    await this.#judge.batcher.close();
  }

  /** Frees the model if it was opened here. Called last. */
  async free(): Promise<void> {
    if (this.#judge.embedder !== this.#given) await this.#judge.close();
  }

  async #change(work: (store: RecipeStore) => Promise<Activated>): Promise<Activated> {
    const activated = await this.#withStore(work);
    if (activated.changed) this.#parts.changed();
    return activated;
  }

  #withStore<T>(work: (store: RecipeStore) => Promise<T>): Promise<T> {
    return this.runExclusive(async () => {
      const store = await RecipeStore.open(this.#folder, this.#parts.config.recipes);
      try {
        return await work(store);
      } finally {
        await store.prune();
        store.close();
        await this.#lookBack();
      }
    });
  }

  /** @param strict refuse a recipe that grades differently from when it was released */
  async #switch(
    installed: InstalledRecipe | undefined,
    strict: boolean,
    commit: () => Promise<void>,
  ): Promise<Activated> {
    const { config, log } = this.#parts;
    const places = placesOf(config, installed);
    const source = await sourceOf(places.model);
    const before = this.#judge;
    const same = source === before.source;
    if (!same && this.#retiring.size >= MAX_RETIRED) {
      throw new GradelineError("RECIPE", "items in view still need the models before", {
        hint: "wait until they have passed, then try again",
        retry: true,
      });
    }
    const embedder = same ? before.embedder : await this.#open(places.model, before.embedder);
    let recipe: Recipe;
    try {
      recipe = await loadRecipeOrUntaught(places, embedder.model, loadRecipeAside);
      if (strict && recipe.warning !== undefined) {
        throw new GradelineError("RECIPE", recipe.warning, {
          hint: "release it again with this version of gradeline, from the same gallery",
        });
      }
      if (this.#closing) throw new GradelineError("CLOSED", "the daemon stops; nothing was changed", { retry: true });
      await commit();
    } catch (error) {
      if (!same) await embedder.close();
      throw error;
    }
    // In one go: an item sees the one or the other.
    if (same) before.recipe = recipe;
    else {
      this.#judge = judgeOf(this.#parts, embedder, source, recipe);
      this.#retire(before);
    }
    const { name, galleryHash, references, warning } = recipe;
    log.info(
      { recipe: name, model: embedder.model.hash, gallery: galleryHash, references },
      "another recipe is active",
    );
    if (warning !== undefined) log.warn(warning);
    // The one that was tried is what decides now.
    if (installed !== undefined && installed.number === this.#shadow?.recipe.installed?.number) {
      await this.#replaceShadow(undefined);
    }
    return { recipe, changed: true };
  }

  /** Beside the one in use, which goes on meanwhile. */
  async #open(path: string, inUse: ProvenEmbedder): Promise<ProvenEmbedder> {
    const { config, log } = this.#parts;
    const embedder = await openEmbedder(path, config.embedder, {
      proven: (line, proof) => log.info({ proof }, line),
    });
    if (cutAlike(embedder.model, inUse.model)) return embedder;
    await embedder.close();
    const shape = ({ sizePx, cropMargin, cropFill }: ProvenEmbedder["model"]): string =>
      `${sizePx} px with margin ${cropMargin} on grey ${cropFill}`;
    throw new GradelineError(
      "GALLERY_MODEL",
      `its model wants views of ${shape(embedder.model)}, the cameras cut them of ${shape(inUse.model)}`,
      { hint: "stop the daemon, gradeline-calibrate activate FILE --offline --config FILE, and start it again" },
    );
  }

  async #replaceShadow(shadow: Shadow | undefined): Promise<Shadow | undefined> {
    const before = this.#shadow;
    this.#shadow = shadow;
    await before?.close();
    return shadow;
  }

  async #openShadow(installed: InstalledRecipe): Promise<Shadow> {
    const { config, log, metrics } = this.#parts;
    const inUse = this.#judge.embedder;
    const same = (await sourceOf(installed.model)) === this.#judge.source;
    // Proven before it is tried; the same model embeds once for both.
    const own = same ? undefined : await this.#open(installed.model, inUse);
    const { model } = own ?? inUse;
    try {
      const recipe = await loadRecipeAside({ gallery: installed.gallery, installed }, model);
      return new Shadow({
        log,
        metrics: metrics.shadow,
        recipe,
        modelHash: model.hash,
        embedder: own,
        openEmbedder: () => openEmbedder(installed.model, config.embedder),
        idle: () => this.#judge.batcher.idle(),
      });
    } catch (error) {
      await own?.close();
      throw error;
    }
  }

  /** The one that was tried before the daemon started anew; it failing ends nothing. */
  async #shadowAgain(): Promise<void> {
    try {
      const { shadow } = await readState(this.#folder);
      if (shadow === null) return;
      const installed = await readInstalled(this.#folder, shadow);
      await checkInstalled(installed);
      this.#shadow = await this.#openShadow(installed);
    } catch (error) {
      const { message, hint } = asGradelineError(error);
      this.#parts.log.warn({ hint }, `the shadow recipe does not run: ${message}`);
    }
  }

  #retire(judge: ModelJudge): void {
    const retired = judge
      .retire()
      .catch((error: unknown) => this.#parts.log.warn({ error }, "a retired model does not close"))
      .finally(() => {
        this.#batchesBefore += judge.batcher.progress.done;
        this.#retiring.delete(judge);
      });
    this.#retiring.set(judge, retired);
  }

  async #lookBack(): Promise<void> {
    try {
      const { previous, since } = await readState(this.#folder);
      this.#since = since === null ? undefined : parseMicros(since);
      const [before] = previous;
      if (before === undefined) this.#previous = null;
      else if (before === null) this.#previous = CONFIGURED;
      else this.#previous = labelOf((await readInstalled(this.#folder, before)).manifest);
    } catch {
      this.#previous = null;
    }
  }

  /** Clears away what a daemon that was killed left behind; where somebody changes the folder just now, next time. */
  async #tidy(): Promise<void> {
    await clearTemporaryGallery(this.#judge.recipe.folder);
    if (this.#parts.config.recipes.trust.length === 0) return await clearTemporaryState(this.#folder);
    try {
      const store = await RecipeStore.open(this.#folder, this.#parts.config.recipes);
      try {
        await store.clearInbox();
        await store.prune();
      } finally {
        store.close();
      }
    } catch (error) {
      this.#parts.log.debug({ error }, "the recipes folder is not tidied");
    }
  }
}

/** What messages call the model and gallery of the configuration. */
export const CONFIGURED = "configuration";

function judgeOf(
  { config, metrics }: StationRecipesParts,
  embedder: ProvenEmbedder,
  source: string,
  recipe: Recipe,
): ModelJudge {
  return new ModelJudge(embedder, source, recipe, {
    ...batchingOn(embedder.provider, config.embedder),
    sent: (count) => metrics.batchSize.observe(count),
  });
}
