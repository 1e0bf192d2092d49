import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { GradelineError } from "../../base/errors.ts";
import { removeTemporary, setAside, sha256, unwritable, writeAtomic } from "../../base/files.ts";
import { shortHash } from "../../base/short-hash.ts";
import type { Config } from "../../config/schema.ts";
import { labelOf } from "./manifest.ts";
import { checkHead, MANIFEST, type RecipeHead, SIGNATURE } from "./recipe-file.ts";

/*
 * The folder of recipes. Each installed one is a folder of its own, named by a number that grows; `state.json` says which
 * is active, which were before it, and which is tried in its shadow. That file is written in one step, so at every moment
 * one model goes with one gallery; what it does not name may come and go.
 */
const STATE = "state.json";
/** The same again: damage to one of the two loses nothing. */
const COPY = "state.copy.json";
/** Files that wait to be installed, each named by its digest. */
export const INBOX = "inbox";
const NUMBER = /^\d{8}$/;

const number = z.number().int().min(1).max(99_999_999);

const stateSchema = z.strictObject({
  v: z.literal(1),
  /** Null: model and gallery of the configuration. */
  active: number.nullable(),
  /** What `rollback` goes back to, newest first. */
  previous: z.array(number.nullable()).max(100),
  shadow: number.nullable(),
  /** When the active one was activated or gone back to, RFC 3339; null where nothing ever was. */
  since: z.string().max(64).nullable(),
});

export type RecipesState = z.output<typeof stateSchema>;

/** A recipe that lies ready. */
export interface InstalledRecipe extends RecipeHead {
  readonly number: number;
  /** Name and version. */
  readonly label: string;
  readonly folder: string;
  /** Description of its model. */
  readonly model: string;
  /** Folder of its gallery, which may have been taught since. */
  readonly gallery: string;
}

/** What is graded by: an installed recipe, or what the configuration names. */
export interface Places {
  readonly model: string;
  readonly gallery: string;
  readonly installed: InstalledRecipe | undefined;
}

/** Where recipes are: as configured, else beside the journal. */
export function recipesFolder(config: Pick<Config, "recipes" | "journal">): string {
  return config.recipes.path ?? join(dirname(config.journal.path), "recipes");
}

/** Durable when it resolves. @throws {GradelineError} FILE; what was there before still holds then */
export async function writeState(folder: string, state: RecipesState): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  await writeAtomic(join(folder, STATE), [bytes]);
  // What it says is older then, and only looked at where the other is damaged.
  await writeAtomic(join(folder, COPY), [bytes]).catch(() => {});
}

/** Removes what whoever changed the folder had begun to write when it was killed. */
export async function clearTemporaryState(folder: string): Promise<void> {
  await removeTemporary(folder, (name) => name === STATE || name === COPY);
}

/**
 * At the start of a line that must run: a damaged state is set aside, and its copy takes its place. Where that is damaged,
 * too, model and gallery of the configuration apply.
 *
 * @returns what to tell; undefined where nothing is damaged
 * @throws {GradelineError} FILE
 */
export async function mendState(folder: string): Promise<string | undefined> {
  try {
    await readState(folder);
    return undefined;
  } catch (error) {
    if (!(error instanceof GradelineError) || error.code !== "RECIPE") throw error;
    const aside = await setAside(join(folder, STATE)).catch((cause: unknown) => {
      throw unwritable(join(folder, STATE), cause);
    });
    const copy = await readStateFrom(join(folder, COPY)).catch(() => undefined);
    if (copy !== undefined) await writeState(folder, copy);
    return (
      `${join(folder, STATE)} was damaged and is set aside as ${aside}: ` +
      (copy === undefined
        ? "model and gallery of the configuration apply; activate the recipe again"
        : "what the copy beside it says applies")
    );
  }
}

/** @throws {GradelineError} RECIPE when it is damaged */
export async function readState(folder: string): Promise<RecipesState> {
  return (await readStateFrom(join(folder, STATE))) ?? { v: 1, active: null, previous: [], shadow: null, since: null };
}

async function readStateFrom(path: string): Promise<RecipesState | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new GradelineError("FILE", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new GradelineError("RECIPE", `${path} is damaged, so the active recipe is unknown`, {
      hint: `remove it: model and gallery of the configuration apply then; and activate the recipe again`,
      cause,
    });
  }
}

export function folderOf(folder: string, id: number): string {
  return join(folder, String(id).padStart(8, "0"));
}

export function numberOf(name: string): number | undefined {
  return NUMBER.test(name) ? Number(name) : undefined;
}

/** @throws {GradelineError} RECIPE when it is not there or damaged */
export async function readInstalled(folder: string, id: number): Promise<InstalledRecipe> {
  const own = folderOf(folder, id);
  let manifest: Uint8Array;
  let signature: Uint8Array;
  try {
    manifest = await readFile(join(own, MANIFEST));
    signature = await readFile(join(own, SIGNATURE));
  } catch (error) {
    throw damaged(own, (error as Error).message, error);
  }
  const head = checkHead(own, manifest, signature, undefined);
  if (typeof head === "string") throw damaged(own, head);
  return {
    ...head,
    number: id,
    label: labelOf(head.manifest),
    folder: own,
    model: join(own, head.manifest.model.description),
    gallery: join(own, "gallery"),
  };
}

/**
 * Holds the model of an installed recipe against its signed hashes. Its gallery says by its own whether it is whole, and
 * may have been taught since.
 *
 * @throws {GradelineError} RECIPE
 */
export async function checkInstalled({ folder, manifest }: InstalledRecipe): Promise<void> {
  for (const { path, sha256: wanted } of manifest.parts) {
    if (!path.startsWith("model/")) continue;
    const bytes = await readFile(join(folder, path)).catch((error: Error) => {
      throw damaged(folder, error.message, error);
    });
    const found = sha256(bytes);
    if (found !== wanted) throw damaged(folder, `${path} has sha256 ${shortHash(found)}, wanted ${shortHash(wanted)}`);
  }
}

/** @throws {GradelineError} RECIPE, FILE */
export async function readPlaces(config: Pick<Config, "recipes" | "journal" | "model" | "gallery">): Promise<Places> {
  const folder = recipesFolder(config);
  const { active } = await readState(folder);
  return placesOf(config, active === null ? undefined : await readInstalled(folder, active));
}

export function placesOf(
  { model, gallery }: Pick<Config, "model" | "gallery">,
  installed: InstalledRecipe | undefined,
): Places {
  return installed === undefined
    ? { model, gallery, installed }
    : { model: installed.model, gallery: installed.gallery, installed };
}

function damaged(folder: string, found: string, cause?: unknown): GradelineError {
  return new GradelineError("RECIPE", `the recipe installed in ${folder} is damaged: ${found}`, {
    hint: "with the daemon stopped: gradeline-calibrate rollback --offline --config FILE, or activate its file again",
    cause,
  });
}
