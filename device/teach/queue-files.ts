import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { GradelineError } from "../base/errors.ts";
import { raised } from "../contract/form.ts";
import { type Verdict, verdictSchema } from "../contract/messages.ts";

/*
 * One item is two files: ITEM.png, all its views as one sheet, and ITEM.json, which names it and is written last. What
 * has no JSON is not there; a crash leaves at most a sheet, which the next start removes.
 */

/** What the files of an item end with that was taken out and can be put back. */
export const TAKEN = ".taken";
/** Files of damaged items that are kept to be looked at. */
const MAX_ASIDE = 20;

const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,120}$/);

/** An item that a daemon of version 1 kept stays in the queue. */
function asCurrent(message: unknown): unknown {
  return (message as { v?: unknown } | null)?.v === 1 ? raised(message as Verdict) : message;
}

export const entrySchema = z.strictObject({
  v: z.literal(1),
  sizePx: z.number().int().min(8).max(1024),
  views: z.number().int().min(1).max(10_000),
  columns: z.number().int().min(1).max(100),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().min(1),
  verdict: z.preprocess(asCurrent, verdictSchema.extend({ item: idSchema })),
});

/** An item as its file names it. */
export type Entry = z.output<typeof entrySchema>;

/** Oldest first. */
export async function readEntries(folder: string): Promise<{ entries: Entry[]; damaged: string[] }> {
  const entries: Entry[] = [];
  const damaged: string[] = [];
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { entries, damaged };
    throw new GradelineError("FILE", `${folder} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const there = new Set(names);
  for (const name of names) {
    if (!name.endsWith(".json")) continue;
    const id = name.slice(0, -".json".length);
    if (!idSchema.safeParse(id).success) continue;
    const entry = await readEntry(join(folder, name));
    // Taken away meanwhile by the daemon.
    if (entry === "gone") continue;
    if (entry === undefined || entry.verdict.item !== id || !there.has(`${id}.png`)) damaged.push(id);
    else entries.push(entry);
  }
  entries.sort((a, b) => (a.verdict.decidedAt < b.verdict.decidedAt ? -1 : 1));
  return { entries, damaged };
}

async function readEntry(path: string): Promise<Entry | "gone" | undefined> {
  try {
    return entrySchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : undefined;
  }
}

/** Sheets without an entry, and what a process that was killed had begun to write. */
export async function removeLeftOver(folder: string): Promise<void> {
  const names = new Set(await readdir(folder));
  for (const name of names) {
    const sheet = /^([A-Za-z0-9_-]{1,120})\.png$/.exec(name);
    const orphan = sheet !== null && !names.has(`${sheet[1]}.json`);
    if (orphan || name.endsWith(TAKEN) || /\.(png|json)\.[0-9a-f]{12}\.tmp$/.test(name))
      await rm(join(folder, name), { force: true });
  }
}

/** Moves items out of the queue; the newest of those moved before stay for whoever wants to look. @returns where to */
export async function moveAside(folder: string, ids: readonly string[]): Promise<string> {
  const aside = join(folder, "damaged");
  await mkdir(aside, { recursive: true });
  for (const id of ids) {
    for (const path of [entryOf(folder, id), pictureOf(folder, id)]) {
      await rename(path, join(aside, basename(path))).catch(() => rm(path, { recursive: true, force: true }));
    }
  }
  const there = await Promise.all(
    (await readdir(aside)).map(async (name) => ({ name, at: (await stat(join(aside, name))).mtimeMs })),
  );
  there.sort((a, b) => a.at - b.at);
  for (const { name } of there.slice(0, -MAX_ASIDE)) await rm(join(aside, name), { force: true });
  return aside;
}

/** The entry first: a sheet alone is nothing. */
export async function removeFiles(folder: string, id: string, ending = ""): Promise<void> {
  await rm(entryOf(folder, id) + ending, { force: true });
  await rm(pictureOf(folder, id) + ending, { force: true });
}

/**
 * Renames an item's two files. The entry goes first and comes last: a sheet alone is nothing.
 *
 * @returns whether both are there now
 */
export async function moveFiles(folder: string, id: string, from: string, to: string): Promise<boolean> {
  const paths = [entryOf(folder, id), pictureOf(folder, id)];
  try {
    for (const path of to === "" ? paths.reverse() : paths) await rename(path + from, path + to);
    return true;
  } catch {
    await removeFiles(folder, id, from);
    await removeFiles(folder, id, to);
    return false;
  }
}

export function entryOf(folder: string, id: string): string {
  return join(folder, `${id}.json`);
}

export function pictureOf(folder: string, id: string): string {
  return join(folder, `${id}.png`);
}
