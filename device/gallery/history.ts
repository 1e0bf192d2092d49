import { copyFile, link, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { unwritable } from "../base/files.ts";
import { readIds } from "./file.ts";

/** Galleries before the one that stands, which `undo` goes back to. */
const HISTORY = "history";
const SPARE = "spare.tmp";
/** Galleries that were undone since the last change. */
const UNDONE = "undone";
/** Steps back that are kept. */
export const MAX_STEPS = 20;
const NAME = /^(\d{8})\.bin$/;

/** A stack of whole galleries in a folder: their names are numbers, the highest is on top. */
class Stack {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Paths, top first. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((): string[] => []);
    return names
      .filter((name) => NAME.test(name))
      .sort()
      .reverse()
      .map((name) => join(this.#folder, name));
  }

  /** Puts a copy of a file on top. In one step: it is there whole or not at all. */
  async push(path: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const [top] = await this.list();
    const number = top === undefined ? 1 : Number(top.slice(-12, -4)) + 1;
    const spare = join(this.#folder, SPARE);
    await this.clearTemporary();
    // Some file systems of memory cards know no links.
    await link(path, spare).catch(() => copyFile(path, spare));
    await rename(spare, join(this.#folder, `${String(number).padStart(8, "0")}.bin`));
  }

  /** Removes what a process that was killed had begun. */
  async clearTemporary(): Promise<void> {
    await rm(join(this.#folder, SPARE), { force: true });
  }

  /** Removes what lies below the newest `count`. */
  async keep(count: number): Promise<void> {
    for (const path of (await this.list()).slice(count)) await rm(path, { force: true });
  }
}

/** The way back, and forth again, through a gallery folder's last changes. */
export class GallerySteps {
  readonly #back: Stack;
  readonly #forth: Stack;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#back = new Stack(join(folder, HISTORY));
    this.#forth = new Stack(join(folder, UNDONE));
  }

  async clearTemporary(): Promise<void> {
    for (const stack of [this.#back, this.#forth]) await stack.clearTemporary();
  }

  /** Before a new gallery takes the place of the one at `current`: the way forth ends here. */
  async beforeChange(current: string): Promise<void> {
    await this.#guarded(async () => {
      await this.#back.push(current);
      await this.#back.keep(MAX_STEPS);
      await this.#forth.keep(0);
    });
  }

  /** Path of the gallery one step back; undefined where there is none. */
  async previous(): Promise<string | undefined> {
    return (await this.#back.list())[0];
  }

  /** Path of the gallery that was undone last; undefined where there is none. */
  async undone(): Promise<string | undefined> {
    return (await this.#forth.list())[0];
  }

  /** Steps that can be undone. */
  async count(): Promise<number> {
    return (await this.#back.list()).length;
  }

  /**
   * Puts the gallery one step back in the place of `current`, which can be had again by `forth`. A crash in between
   * leaves one gallery too many in a stack, never one too few.
   */
  async back(current: string): Promise<void> {
    await this.#move(this.#back, this.#forth, current);
  }

  /** Takes a step back again. */
  async forth(current: string): Promise<void> {
    await this.#move(this.#forth, this.#back, current);
  }

  async #move(from: Stack, to: Stack, current: string): Promise<void> {
    await this.#guarded(async () => {
      const [top] = await from.list();
      if (top === undefined) return;
      await to.push(current);
      await to.keep(MAX_STEPS);
      await rename(top, current);
    });
  }

  /** Ids of all items in them; undefined where one cannot be read. */
  async ids(): Promise<Set<string> | undefined> {
    const ids = new Set<string>();
    for (const path of [...(await this.#back.list()), ...(await this.#forth.list())]) {
      const file = await open(path, "r");
      try {
        const own = await readIds(file);
        if (own === undefined) return undefined;
        for (const id of own) ids.add(id);
      } finally {
        await file.close();
      }
    }
    return ids;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw unwritable(join(this.#folder, HISTORY), error);
    }
  }
}
