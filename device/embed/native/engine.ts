import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { GradelineError } from "../../base/errors.ts";
import { type FolderLock, lockFolder } from "../../base/folder-lock.ts";
import { type Progress, telling } from "./progress.ts";

/** All that a TensorRT engine depends on; another value of any of them is another engine. */
export interface EngineKey {
  readonly model: string;
  readonly library: string;
  readonly tensorrt: string;
  readonly driver: string;
  readonly gpu: string;
  readonly capability: string;
  readonly precision: string;
  /** sha256 of the calibration table; `none` but for int8. */
  readonly calibration: string;
  readonly batches: readonly number[];
  readonly sizePx: number;
}

const manifestSchema = z.strictObject({
  key: z.unknown(),
  files: z.record(z.string(), z.strictObject({ sizeBytes: z.number(), sha256: z.string() })),
});

const LOCK_POLL_MS = 250;
const MANIFEST = "manifest.json";
/** Engines kept beside the one in use: the models between which an operator goes back and forth. */
const KEPT = 3;

/** State of the engine cache when it was opened. */
export type CacheState = "hit" | "absent" | "torn";

/** The engines of one key in a folder of their own. */
export interface EngineCache {
  readonly folder: string;
  readonly state: CacheState;
  /** Why a cache that was there is not used. */
  readonly reason: string | undefined;
}

/** Name of the key's folder: the same key gives the same name, whatever the order of its members. */
export function keyName(key: EngineKey): string {
  const text = JSON.stringify(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

/**
 * Opens the cache of a key. Every file is held against the manifest that was written when the engines had been built;
 * whatever does not fit, an interrupted build included, is removed, so that the library never reads a torn engine.
 *
 * @param root folder of all caches; made where absent
 * @throws {GradelineError} FILE when the folder cannot be made or read
 */
export async function openEngineCache(root: string, key: EngineKey): Promise<EngineCache> {
  const folder = join(root, keyName(key));
  try {
    const reason = await tornReason(folder);
    if (reason === undefined) return { folder, state: "hit", reason: undefined };
    const existed = await stat(folder).then(
      () => true,
      () => false,
    );
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o750 });
    return existed ? { folder, state: "torn", reason } : { folder, state: "absent", reason: undefined };
  } catch (error) {
    throw unusable(folder, error);
  }
}

/**
 * Waits until nobody else builds engines below a folder: two builds at once would spoil each other's timing, and each
 * takes the other's unfinished engines for torn ones.
 *
 * @returns a lock to close when the engines are built; it ends with the process, too
 * @throws {GradelineError} FILE when the folder cannot be made or locked
 */
export async function lockEngines(root: string, tell?: (progress: Progress) => void): Promise<FolderLock> {
  try {
    await mkdir(root, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw unusable(root, error);
  }
  return (
    lockIfFree(root) ??
    (await telling(tell, "engine", "waiting for another process that builds engines", async () => {
      for (;;) {
        await setTimeout(LOCK_POLL_MS);
        const lock = lockIfFree(root);
        if (lock !== undefined) return lock;
      }
    }))
  );
}

function lockIfFree(root: string): FolderLock | undefined {
  const busy = new GradelineError("FILE", `another process builds engines in ${root}`, { retry: true });
  try {
    return lockFolder(root, () => busy);
  } catch (error) {
    if (error === busy) return undefined;
    throw error;
  }
}

/** Empties a cache, for the reason given. */
export async function dropEngines(cache: EngineCache, reason: string): Promise<EngineCache> {
  await rm(cache.folder, { recursive: true, force: true });
  await mkdir(cache.folder, { recursive: true, mode: 0o750 });
  return { folder: cache.folder, state: "torn", reason };
}

/**
 * Writes the manifest, which makes the cache whole: last, and in one step. Caches beyond the newest few are removed.
 *
 * @param key written beside the files for whoever looks
 */
export async function sealEngineCache(root: string, cache: EngineCache, key: EngineKey): Promise<void> {
  const files: Record<string, { sizeBytes: number; sha256: string }> = {};
  for (const name of await filesIn(cache.folder)) {
    const bytes = await readFile(join(cache.folder, name));
    files[name] = { sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  }
  const target = join(cache.folder, MANIFEST);
  await using file = await open(`${target}.new`, "w", 0o640);
  await file.writeFile(`${JSON.stringify({ key, files }, undefined, 2)}\n`);
  await file.sync();
  await rename(`${target}.new`, target);
  await prune(root, cache.folder);
}

function unusable(folder: string, error: unknown): GradelineError {
  return new GradelineError("FILE", `the engine cache ${folder} cannot be used: ${(error as Error).message}`, {
    hint: "give the daemon a folder that it may write, embedder.engineCache",
    cause: error,
  });
}

async function tornReason(folder: string): Promise<string | undefined> {
  let manifest: z.output<typeof manifestSchema>;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), "utf8")));
  } catch (error) {
    return `no whole manifest: ${(error as Error).message.split("\n")[0]}`;
  }
  const found = await filesIn(folder);
  if (found.length === 0) return "it holds no engine";
  for (const name of new Set([...found, ...Object.keys(manifest.files)])) {
    const wanted = manifest.files[name];
    if (wanted === undefined) return `${name} is not in the manifest`;
    if (!found.includes(name)) return `${name} is missing`;
    const bytes = await readFile(join(folder, name));
    if (createHash("sha256").update(bytes).digest("hex") !== wanted.sha256) return `${name} is damaged`;
  }
  return undefined;
}

/** Files below a folder that must stay as they were built, as paths from it. The library goes on writing timing caches. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(MANIFEST) && !entry.name.endsWith(".timing"))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

async function prune(root: string, inUse: string): Promise<void> {
  const others = (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]{24}$/.test(entry.name))
    .map((entry) => join(root, entry.name))
    .filter((folder) => folder !== inUse);
  const aged = await Promise.all(others.map(async (folder) => ({ folder, at: (await stat(folder)).mtimeMs })));
  aged.sort((a, b) => b.at - a.at);
  for (const { folder } of aged.slice(KEPT)) await rm(folder, { recursive: true, force: true });
}
