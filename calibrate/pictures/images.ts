import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { listImages } from "../../device/capture/image.ts";
import { isImageName } from "../../device/capture/names.ts";
import { gradeSchema } from "../../device/config/schema.ts";
import { MAX_VIEWS } from "../../device/gallery/file.ts";

/** One item on disk: the pictures of one fruit. */
export interface ItemFiles {
  readonly grade: string;
  readonly name: string;
  readonly files: readonly string[];
}

/** The folder of what belongs to no grade. */
export const UNKNOWN = "unknown";

/**
 * Reads `DIR/GRADE/ITEM/*`; an image directly under a grade is an item of its own.
 *
 * @param passOver called with each file that belongs to no item: no image, or not under a grade
 * @throws {GradelineError} SOURCE_EMPTY when there is no image, GRADE when a folder's name cannot be a grade
 */
export async function listGradeFolders(
  folder: string,
  passOver: (path: string, reason: string) => void = () => {},
): Promise<ItemFiles[]> {
  const items: ItemFiles[] = [];
  for (const grade of await listFolders(folder)) {
    if (grade !== UNKNOWN) checkGrade(grade);
    const own = join(folder, grade);
    items.push(...(await listItems(own, grade)));
    for (const place of [own, ...(await listFolders(own)).map((name) => join(own, name))]) {
      for (const path of await listOthers(place)) passOver(path, "its name is not an image's");
    }
  }
  for (const path of await listImages(folder)) passOver(path, "it is in no folder of a grade");
  if (items.length === 0) {
    throw new GradelineError("SOURCE_EMPTY", `there are no images in ${folder}`, {
      hint: "wanted: DIR/GRADE/ITEM/*.jpg, or images directly under DIR/GRADE",
    });
  }
  return items;
}

/**
 * Items of one grade from paths as a user gives them: an image is an item, a folder of images is an item, a folder of
 * folders is one item each.
 *
 * @throws {GradelineError} SOURCE_EMPTY when a path has no image, FILE when it does not exist, USAGE when a folder has
 *   more images than one fruit may have views
 */
export async function listPaths(grade: string, paths: readonly string[]): Promise<ItemFiles[]> {
  const items: ItemFiles[] = [];
  for (const path of paths) {
    if (!(await isFolder(path))) {
      items.push({ grade, name: path, files: [path] });
      continue;
    }
    const images = await listImages(path);
    if (images.length > 0) items.push({ grade, name: path, files: images });
    for (const child of await listFolders(path)) {
      const files = await listImages(join(path, child));
      if (files.length > 0) items.push({ grade, name: join(path, child), files });
    }
    for (const { name, files } of items) checkViews(name, files.length);
    if (!items.some(({ name }) => name === path || name.startsWith(join(path, "/")))) {
      throw new GradelineError("SOURCE_EMPTY", `there are no images in ${path}`, {
        hint: "give images, a folder of images of one fruit, or a folder of such folders",
      });
    }
  }
  return items;
}

/** A folder of pictures is one fruit; thousands of them are rather thousands of fruit. */
function checkViews(name: string, views: number): void {
  if (views <= MAX_VIEWS) return;
  throw new GradelineError("USAGE", `found ${views} pictures of one fruit in ${name}, wanted at most ${MAX_VIEWS}`, {
    hint: `where each shows another fruit, name the pictures themselves, as ${join(name, "*.jpg")}, or give each fruit a folder`,
  });
}

/** @throws {GradelineError} GRADE when the name cannot be a grade */
export function checkGrade(name: string): string {
  const parsed = gradeSchema.safeParse(name);
  if (parsed.success) return name;
  throw new GradelineError("GRADE", `${JSON.stringify(name)} cannot be a grade: ${parsed.error.issues[0]!.message}`);
}

async function listItems(folder: string, grade: string): Promise<ItemFiles[]> {
  const items: ItemFiles[] = [];
  for (const file of await listImages(folder)) items.push({ grade, name: basename(file), files: [file] });
  for (const name of await listFolders(folder)) {
    const files = await listImages(join(folder, name));
    if (files.length > 0) items.push({ grade, name, files });
  }
  return items;
}

/** Files that are no images by their names; hidden ones and what systems leave behind do not count. */
async function listOthers(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith(".") && name !== "Thumbs.db" && !isImageName(name))
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(folder, name));
}

async function listFolders(folder: string): Promise<string[]> {
  try {
    const folders: string[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      // A link that leads nowhere is no folder.
      const linked = entry.isSymbolicLink() && (await isFolder(join(folder, entry.name)).catch(() => false));
      if (entry.isDirectory() || linked) folders.push(entry.name);
    }
    return folders.sort();
  } catch (error) {
    throw new GradelineError("FILE", `${folder} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new GradelineError("FILE", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
