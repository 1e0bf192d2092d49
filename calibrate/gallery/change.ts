import { asGradelineError, GradelineError } from "../../device/base/errors.ts";
import { GalleryWriter } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import type { Context } from "../cli/context.ts";

/** Whether the running daemon grades by a change already. */
export interface Told {
  /** `not asked` without a configuration that says where the daemon is. */
  readonly daemon: "reloaded" | "not asked" | "not reached";
  /** Why it was not reached. */
  readonly reason: string | null;
}

/**
 * Changes the gallery under its lock, and has the daemon of the configuration read it again.
 *
 * @param edit makes another gallery of the one there is; what it throws leaves that one as it was
 * @throws {GradelineError} GALLERY when there is none, or another process writes to it; what `edit` throws
 */
export async function changeGallery(
  context: Context,
  edit: (gallery: Gallery) => Gallery,
): Promise<{ readonly before: Gallery; readonly after: Gallery; readonly told: Told }> {
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  const stored = await writer.read();
  if (stored === undefined) throw noGallery(context.gallery);
  if (stored.warning !== undefined) process.stderr.write(`warning: ${stored.warning}\n`);
  const after = edit(stored.gallery);
  context.stop.throwIfAborted();
  await writer.save(after, stored.modelName);
  // The daemon may want to write, too.
  writer.close();
  return { before: stored.gallery, after, told: await tellDaemon(context) };
}

/** Asks the daemon to read its gallery again, where a configuration says which. It being away is no failure. */
export async function tellDaemon({ config, gallery, json }: Context): Promise<Told> {
  if (config === undefined) return { daemon: "not asked", reason: null };
  const { readPlaces } = await import("../../device/recipes/bundle/installed.ts");
  const { gallery: graded } = await readPlaces(config);
  if (graded !== gallery) return { daemon: "not asked", reason: `it grades by ${graded}` };
  // Loaded only here: most changes have no daemon to tell.
  const { DaemonLink } = await import("../daemon/daemon-link.ts");
  try {
    const link = await DaemonLink.open(config);
    try {
      await link.ask("reload", {});
    } finally {
      await link.close();
    }
    return { daemon: "reloaded", reason: null };
  } catch (error) {
    const { message } = asGradelineError(error, "BROKER");
    if (!json) process.stderr.write(`the daemon was not told: ${message}\n`);
    return { daemon: "not reached", reason: message };
  }
}

/** One line for people about `told`. */
export function describeTold({ daemon, reason }: Told): string {
  if (daemon === "reloaded") return "the daemon grades by it from the next fruit on\n";
  if (daemon === "not reached") return "";
  return `a running daemon grades by it after \`reload\`${reason === null ? "; --config FILE asks it to" : `; ${reason}`}\n`;
}

export function noGallery(folder: string): GradelineError {
  return new GradelineError("GALLERY", `there is no gallery in ${folder}`, {
    hint: "gradeline-calibrate enroll GRADE PATH… makes one, --gallery names another folder",
  });
}
