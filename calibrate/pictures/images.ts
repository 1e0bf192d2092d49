import type { Dirent, Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { otherKindOfName } from "../../device/capture/kinds.ts";
import { isImageName, isSystemFile, naturalOrder, systemFolder } from "../../device/capture/names.ts";
import { gradeSchema } from "../../device/config/schema.ts";
import { MAX_VIEWS } from "../../device/gallery/file.ts";
import { isUsualGrade } from "../../device/grade/gallery.ts";
import { describePassedOver, Remarks } from "./remarks.ts";

/** One item on disk: the pictures of one fruit. */
export interface ItemFiles {
  readonly grade: string;
  readonly name: string;
  readonly files: readonly string[];
}

/** As many as a configuration may have; more folders are rather other fruit. */
const MAX_CAMERAS = 16;

/** The folder of what belongs to no grade. */
export const UNKNOWN = "unknown";

/**
 * Reads `DIR/GRADE/ITEM/*` and, where an item has a folder for each camera, `DIR/GRADE/ITEM/CAMERA/*`; an image directly
 * under a grade is an item of its own.
 *
 * @param remarks takes what is not used, and why
 * @throws {GradelineError} SOURCE_EMPTY when there is no image, GRADE when the name of a folder with images cannot be a
 *   grade, USAGE when an item has too many folders
 */
export async function listGradeFolders(folder: string, remarks: Remarks = new Remarks()): Promise<ItemFiles[]> {
  const items: ItemFiles[] = [];
  const top = await look(folder, remarks);
  for (const path of top.images) remarks.passOver(path, "it is in no folder of a grade");
  for (const grade of top.folders) {
    const own = await itemsBelow(join(folder, grade), grade, remarks);
    if (own.length === 0) continue;
    if (grade !== UNKNOWN) checkGrade(grade);
    items.push(...own.map(({ name, files }) => ({ grade, name: basename(name), files })));
  }
  if (items.length === 0) {
    throw nothingIn(folder, remarks, "wanted: DIR/GRADE/ITEM/*.jpg, or images directly under DIR/GRADE");
  }
  tellOneGrade(folder, items, remarks);
  return items;
}

/** `photos/sound` in the place of `photos`: its fruit would be taken for grades, and their views for fruit. */
function tellOneGrade(folder: string, items: readonly ItemFiles[], remarks: Remarks): void {
  const grades = new Set(items.map(({ grade }) => grade));
  if (grades.size < 2 || items.some(({ name, files }) => basename(files[0]!) !== name)) return;
  const isGrade = (name: string): boolean => name === UNKNOWN || isUsualGrade(name);
  const numbered = [...grades].every((name) => /\d$/.test(name));
  if ([...grades].some(isGrade) || !(numbered || isGrade(basename(resolve(folder))))) return;
  remarks.oneGrade(folder, [...grades]);
}

/**
 * Items of one grade from paths as a user gives them: an image is an item, a folder of images is an item, a folder of
 * folders is one item each; a folder in one of those holds the views of one camera.
 *
 * @param remarks takes what is not used, and why
 * @throws {GradelineError} SOURCE_EMPTY when a path has no image, FILE when it does not exist, USAGE when a folder has
 *   more images than one fruit may have views, or is a folder of grades
 */
export async function listPaths(
  grade: string,
  paths: readonly string[],
  remarks: Remarks = new Remarks(),
): Promise<ItemFiles[]> {
  const items: ItemFiles[] = [];
  for (const path of paths) {
    if (!(await isFolder(path))) {
      items.push({ grade, name: path, files: [path] });
      continue;
    }
    const { images, folders } = await look(path, remarks);
    const own: ItemFiles[] = images.length > 0 ? [{ grade, name: path, files: images }] : [];
    for (const child of folders) {
      const item = await itemAt(join(path, child), grade, remarks);
      // Items have folders for their cameras; a grade has them for its items.
      if (item !== undefined && child === grade && item.cameras > 0) {
        throw new GradelineError("USAGE", `${path} holds the folder ${grade} itself, wanted the items of ${grade}`, {
          hint: `gradeline-calibrate enroll ${grade} ${join(path, child)}`,
        });
      }
      if (item !== undefined) own.push(item);
    }
    for (const { name, files } of own) checkViews(name, files.length);
    if (own.length === 0) {
      throw nothingIn(path, remarks, "give images, a folder of images of one fruit, or a folder of such folders");
    }
    items.push(...own);
  }
  return items;
}

async function itemsBelow(folder: string, grade: string, remarks: Remarks): Promise<ItemFiles[]> {
  const { images, folders } = await look(folder, remarks);
  const items: ItemFiles[] = images.map((path) => ({ grade, name: path, files: [path] }));
  for (const name of folders) {
    const item = await itemAt(join(folder, name), grade, remarks);
    if (item === undefined) continue;
    checkViews(item.name, item.files.length);
    items.push(item);
  }
  return items;
}

/** The item of one folder, with the views in it and in a folder for each camera; undefined without any. */
async function itemAt(
  folder: string,
  grade: string,
  remarks: Remarks,
): Promise<(ItemFiles & { readonly cameras: number }) | undefined> {
  const { images, folders } = await look(folder, remarks);
  const files = [...images];
  const cameras: string[] = [];
  for (const name of folders) {
    const inner = await look(join(folder, name), remarks);
    for (const deep of inner.folders) {
      remarks.passOver(join(folder, name, deep, "/"), "deeper than ITEM/CAMERA, it is not looked into");
    }
    if (inner.images.length === 0) continue;
    files.push(...inner.images);
    cameras.push(name);
  }
  if (cameras.length > MAX_CAMERAS) {
    throw new GradelineError(
      "USAGE",
      `found ${cameras.length} folders of images in ${folder}, taken for the cameras that saw one fruit; a fruit has at most ${MAX_CAMERAS}`,
      { hint: `where each is another fruit, name the folder above them alone: ${folder}` },
    );
  }
  if (files.length === 0) {
    remarks.passOver(join(folder, "/"), "there is no picture in it");
    return undefined;
  }
  if (cameras.length > 0) remarks.cameras(folder, cameras);
  return { grade, name: folder, files, cameras: cameras.length };
}

/** Everything else was passed over; the reasons say what to do. */
function nothingIn(folder: string, { passedOver }: Remarks, hint: string): GradelineError {
  const why = passedOver.length === 0 ? "" : `; ${describePassedOver(passedOver)}`;
  return new GradelineError("SOURCE_EMPTY", `there are no images in ${folder}`, { hint: `${hint}${why}` });
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

/**
 * Images and folders of one folder, in their order; the folder is read once, as it may be large and its disk slow.
 * Hidden files and what systems keep for themselves are no loss; everything else that is not used is told.
 */
async function look(
  folder: string,
  remarks: Remarks,
): Promise<{ readonly images: string[]; readonly folders: string[] }> {
  const images: string[] = [];
  const folders: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const { name } = entry;
    const path = join(folder, name);
    if (name.startsWith(".") || isSystemFile(name)) continue;
    const kind = entry.isSymbolicLink() ? await kindOfLink(path) : entry;
    if (kind?.isDirectory()) {
      const system = systemFolder(name);
      if (system === undefined) folders.push(name);
      else remarks.passOver(join(path, "/"), system);
    } else if (!kind?.isFile()) {
      remarks.passOver(path, kind === undefined ? "a link that leads nowhere" : "it is no file");
    } else if (isImageName(name)) {
      images.push(name);
    } else {
      const other = otherKindOfName(name);
      remarks.passOver(
        path,
        other === undefined ? "its name is not an image's" : `${other.name}, is not read: ${other.todo}`,
      );
    }
  }
  return { images: images.sort(naturalOrder).map((name) => join(folder, name)), folders: folders.sort() };
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw new GradelineError("FILE", `${folder} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function kindOfLink(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(() => undefined);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new GradelineError("FILE", `${path} cannot be read: ${(error as Error).message}`, {
      hint: "name a file or folder that exists and that you may read",
      cause: error,
    });
  }
}
