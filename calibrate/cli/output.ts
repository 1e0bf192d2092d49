import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";

/**
 * Looks whether a file can be written, before minutes of work.
 *
 * @throws {GradelineError} FILE
 */
export async function checkFolderOf(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw new GradelineError("FILE", `${path} cannot be written: ${(error as Error).message}`, {
      hint: "name a file in a folder that exists and that you may write to",
      cause: error,
    });
  }
}
