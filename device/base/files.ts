import { createHash, randomBytes } from "node:crypto";
import { open, readdir, rename, rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GradelineError } from "./errors.ts";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What others than root may still write to the disk of a folder, bytes; undefined where the disk does not say. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/**
 * Writes a file so that a reader, also after a crash or a loss of power, finds the old content or the new, never a mix:
 * temporary file, fsync, rename, fsync of the folder.
 *
 * @param parts its content, in pieces that may be made as they are written
 * @throws {GradelineError} FILE when it cannot be written, or what `parts` throws; the old content is still there
 */
export async function writeAtomic(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  mode = 0o640,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      for await (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error instanceof GradelineError ? error : unwritable(path, error);
  }
}

/**
 * Removes what {@link writeAtomic} had begun to write in a process that was killed. Only for whoever alone writes these
 * files; a folder that is not there has none.
 *
 * @param isOurs whether a file of that name is one of them
 */
export async function removeTemporary(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const of = /^(.+)\.[0-9a-f]{12}\.tmp$/.exec(name)?.[1];
    if (of !== undefined && isOurs(of)) await rm(join(folder, name), { force: true });
  }
}

/** Damaged files of one name that are kept for whoever wants to look. */
const KEPT_ASIDE = 2;

/**
 * Renames a damaged file, so that the next write does not destroy what it tells.
 *
 * @returns its new path
 * @throws what the file system says
 */
export async function setAside(path: string): Promise<string> {
  const target = `${path}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  await rename(path, target);
  const earlier = (await readdir(dirname(path))).filter((name) => name.startsWith(`${basename(path)}.damaged-`)).sort();
  for (const name of earlier.slice(0, -KEPT_ASIDE)) await rm(join(dirname(path), name), { force: true });
  return target;
}

/** The error of a file that was to be replaced and is as it was. */
export function unwritable(path: string, error: unknown): GradelineError {
  const full = (error as NodeJS.ErrnoException).code === "ENOSPC";
  return new GradelineError("FILE", `${path} cannot be written: ${(error as Error).message}`, {
    hint: full ? "make room on the disk; what was there before is kept" : "what was there before is kept",
    retry: full,
    cause: error,
  });
}
