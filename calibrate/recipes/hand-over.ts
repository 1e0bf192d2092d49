import { createReadStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import type { Config } from "../../device/config/schema.ts";
import { INBOX, recipesFolder } from "../../device/recipes/bundle/installed.ts";
import { RecipeFile, type RecipeHead } from "../../device/recipes/bundle/recipe-file.ts";
import type { Context } from "../cli/context.ts";
import { Progress } from "../cli/progress.ts";

const MB = 1e6;

/** Whether a word names a file rather than an installed recipe. */
export async function isFile(wanted: string): Promise<boolean> {
  if (
    await stat(wanted).then(
      (found) => !found.isDirectory(),
      () => false,
    )
  )
    return true;
  if (!/[/\\]|\.recipe$/.test(wanted)) return false;
  throw new GradelineError("FILE", `${wanted} does not exist`, {
    hint: "name the file of a recipe, or one that is installed: gradeline-calibrate recipes --config FILE",
  });
}

/**
 * Checks a recipe's file whole and puts it where the daemon takes it from.
 *
 * @returns its digest, by which the daemon finds it
 * @throws {GradelineError} RECIPE, RECIPE_SIGNATURE, FILE
 */
export async function handOver({ stop }: Pick<Context, "stop">, config: Config, path: string): Promise<string> {
  const { digest } = await check(config, path, stop);
  const inbox = join(recipesFolder(config), INBOX);
  const { size } = await stat(path);
  const progress = new Progress("handing over, MB", Math.ceil(size / MB));
  try {
    await mkdir(inbox, { recursive: true });
    // Signed and no secret: the daemon may run as somebody else.
    await writeAtomic(join(inbox, `${digest}.recipe`), pieces(path, progress, stop), 0o644);
  } catch (error) {
    if (error instanceof GradelineError) throw error;
    throw new GradelineError("FILE", `${inbox} cannot be made: ${(error as Error).message}`, { cause: error });
  } finally {
    progress.stop();
  }
  return digest;
}

/** What is wrong with it is told before the daemon has to do with it. */
async function check(config: Config, path: string, stop: AbortSignal): Promise<RecipeHead> {
  const file = await RecipeFile.open(path, config.recipes.trust);
  const progress = new Progress("checking, MB", Math.ceil(file.bytes / MB));
  let done = 0;
  try {
    await file.verify((bytes) => {
      stop.throwIfAborted();
      done += bytes;
      progress.update(Math.floor(done / MB));
    });
    return file.head;
  } finally {
    progress.stop();
    await file.close();
  }
}

async function* pieces(path: string, progress: Progress, stop: AbortSignal): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of createReadStream(path)) {
    stop.throwIfAborted();
    yield piece as Uint8Array;
    done += (piece as Uint8Array).length;
    progress.update(Math.floor(done / MB));
  }
}
