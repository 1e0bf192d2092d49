import { readFile } from "node:fs/promises";
import { GradelineError } from "../base/errors.ts";
import { sha256 } from "../base/files.ts";
import type { Closable } from "../base/lifecycle.ts";
import { Batcher, type BatcherOptions } from "../embed/batcher.ts";
import type { Model, ProvenEmbedder } from "../embed/embedder.ts";
import type { Decision } from "../grade/verdict.ts";
import type { DecidedBy, Judge } from "./decided-item.ts";
import type { Recipe } from "./load.ts";

/** A model at work and the recipe that it is compared by. Another judge may follow it: it ends when its items are decided. */
export class ModelJudge implements Judge, Closable {
  readonly embedder: ProvenEmbedder;
  readonly batcher: Batcher;
  /** Identifies the model's description, which names every file of the model by its hash. */
  readonly source: string;
  #recipe: Recipe;
  #by: DecidedBy;
  #items = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(embedder: ProvenEmbedder, source: string, recipe: Recipe, batching: BatcherOptions) {
    this.embedder = embedder;
    this.source = source;
    this.batcher = new Batcher(embedder, batching);
    this.#recipe = recipe;
    this.#by = this.#byOf(recipe);
  }

  get recipe(): Recipe {
    return this.#recipe;
  }

  /** Items are decided by it from now on, also those in view. */
  set recipe(recipe: Recipe) {
    this.#recipe = recipe;
    this.#by = this.#byOf(recipe);
  }

  get by(): DecidedBy {
    return this.#by;
  }

  get dimension(): number {
    return this.embedder.model.dimension;
  }

  embed(crop: Uint8Array, urgent: boolean): Promise<Float32Array> {
    return this.batcher.add(crop, urgent);
  }

  grade(embeddings: Float32Array, count: number): Decision {
    return this.#recipe.grader.grade(embeddings, count);
  }

  begun(): void {
    this.#items++;
  }

  done(): void {
    this.#items--;
    if (this.#items === 0) this.#idle?.();
  }

  /** Items that began with it and are not decided. */
  get items(): number {
    return this.#items;
  }

  /** Waits until its items are decided, then frees the model. */
  async retire(): Promise<void> {
    if (this.#items > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.close();
  }

  /** Embeds what waits, then frees the model. */
  close(): Promise<void> {
    this.#closing ??= this.batcher.close().then(() => this.embedder.close());
    return this.#closing;
  }

  #byOf({ name, galleryHash }: Recipe): DecidedBy {
    return { recipe: name, modelHash: this.embedder.model.hash, galleryHash };
  }
}

/**
 * Identifies the description of a model: two models are the same if their descriptions are.
 *
 * @param path of the JSON description
 * @throws {GradelineError} MODEL
 */
export async function sourceOf(path: string): Promise<string> {
  try {
    return sha256(await readFile(path));
  } catch (error) {
    throw new GradelineError("MODEL", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether views that were cut for one model can be embedded by the other. */
export function cutAlike(a: Model, b: Model): boolean {
  return a.sizePx === b.sizePx && a.cropMargin === b.cropMargin && a.cropFill === b.cropFill;
}
