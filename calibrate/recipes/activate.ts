import { createReadStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../device/base/config.ts";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import type { DataOf } from "../../device/base/messages.ts";
import { INBOX, recipesFolder } from "../../device/recipes/installed.ts";
import { RecipeFile, type RecipeHead } from "../../device/recipes/recipe-file.ts";
import { DaemonLink } from "../line/daemon-link.ts";
import type { Context } from "../main.ts";
import { Progress } from "../progress.ts";

const MB = 1e6;

/** `activate FILE` or `activate NAME-VERSION` on the running daemon. */
export async function activate(context: Context, config: Config, wanted: string): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    const recipe = (await isFile(wanted)) ? await handOver(context, config, wanted) : wanted;
    context.stop.throwIfAborted();
    tell(context, await asked(context, link, link.ask("activate", { recipe }, 0)));
  } finally {
    await link.close();
  }
}

/** `rollback` on the running daemon. */
export async function rollback(context: Context, config: Config): Promise<void> {
  const link = await DaemonLink.open(config);
  try {
    tell(context, await asked(context, link, link.ask("rollback", {}, 0)));
  } finally {
    await link.close();
  }
}

/** An engine for another model may take minutes; whoever does not wait for it ends nothing. */
async function asked<T>({ stop }: Context, link: DaemonLink, answer: Promise<T>): Promise<T> {
  try {
    return await link.during(answer, stop);
  } catch (error) {
    if (stop.aborted)
      process.stderr.write("the daemon goes on with it: gradeline-calibrate recipes shows what came of it\n");
    throw error;
  }
}

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

function tell({ json }: Context, done: DataOf<"activate">): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(done)}\n`);
    return;
  }
  const { recipe, model, gallery, references, previous, changed } = done;
  const back = previous === null ? "" : `; rollback goes back to ${describeName(previous)}`;
  process.stdout.write(
    `${changed ? "the next fruit is graded by" : "graded already by"} ${describeName(recipe)}: model ${model}, ` +
      `gallery ${gallery}, ${references} references${back}\n`,
  );
}

/** A recipe's name as people read it. */
export function describeName(name: string | null): string {
  return name === null || name === "configuration" ? "the configuration's own model and gallery" : name;
}
