import { readAnyGallery } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import { renamed, reordered, withoutGrade, withTolerance } from "../../device/grade/gallery-edit.ts";
import type { Context } from "../cli/context.ts";
import { tolerancesOf } from "../evaluate/tolerance.ts";
import { checkGrade } from "../pictures/images.ts";
import { changeGallery, describeTold, noGallery, type Told } from "./change.ts";

/** `grades`: shows them. */
export async function showGrades({ gallery: folder, json }: Context): Promise<void> {
  const stored = await readAnyGallery(folder);
  if (stored === undefined) throw noGallery(folder);
  print(stored.gallery, json, undefined);
}

/** `grades order BEST … WORST` */
export async function orderGradesOf(context: Context, order: readonly string[]): Promise<void> {
  const { after, told } = await changeGallery(context, (gallery) => reordered(gallery, order));
  print(after, context.json, told);
}

/** `grades rename FROM TO` */
export async function renameGrade(context: Context, from: string, to: string): Promise<void> {
  checkGrade(to);
  const { after, told } = await changeGallery(context, (gallery) => renamed(gallery, from, to));
  print(after, context.json, told);
}

/** `grades remove GRADE` */
export async function removeGrade(context: Context, grade: string): Promise<void> {
  const { after, told } = await changeGallery(context, (gallery) => withoutGrade(gallery, grade));
  print(after, context.json, told);
}

/** `grades tolerance GRADE PERCENT` */
export async function setTolerance(context: Context, grade: string, share: number | undefined): Promise<void> {
  const { after, told } = await changeGallery(context, (gallery) => withTolerance(gallery, grade, share));
  print(after, context.json, told);
}

function print(gallery: Gallery, json: boolean, told: Told | undefined): void {
  const own = gallery.tolerances ?? new Map<string, number>();
  const grades = tolerancesOf(gallery.grades, own).map(({ grade, class: of, tolerance }) => ({
    grade,
    items: gallery.references.filter((reference) => reference.grade === grade).length,
    tolerance,
    toleranceOf: of,
  }));
  if (json) {
    process.stdout.write(`${JSON.stringify(told === undefined ? { grades } : { grades, told })}\n`);
    return;
  }
  const width = Math.max(5, ...grades.map(({ grade }) => grade.length));
  process.stdout.write(`best to worst\n  ${"grade".padEnd(width)}  items  may be of another grade\n`);
  for (const { grade, items, tolerance, toleranceOf } of grades) {
    const whose = toleranceOf === "own" ? "" : ` (UNECE FFV-50, ${toleranceOf})`;
    const share = tolerance === null ? "no limit" : `${Math.round(tolerance * 1000) / 10} %${whose}`;
    process.stdout.write(`  ${grade.padEnd(width)}  ${String(items).padStart(5)}  ${share}\n`);
  }
  if (told !== undefined) process.stdout.write(describeTold(told));
}
