import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GradelineError } from "./errors.ts";

/** SQLite's code for a file that another process has locked. */
const SQLITE_BUSY = 5;

/** What one process at a time has. It ends with the process, also when that is killed. */
export interface FolderLock {
  /** Closing twice is allowed. */
  close(): void;
}

/**
 * Takes the file `lock` of a folder, at once or not at all.
 *
 * @param busy the error where another process has it
 * @throws {GradelineError} what `busy` makes, FILE when there can be no lock
 */
export function lockFolder(folder: string, busy: (cause: unknown) => GradelineError): FolderLock {
  const path = join(folder, "lock");
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) throw busy(error);
    throw new GradelineError("FILE", `${path} cannot be locked: ${(error as Error).message}`, { cause: error });
  }
  const held = lock;
  return {
    close() {
      if (held.isOpen) held.close();
    },
  };
}
