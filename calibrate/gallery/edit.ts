import type { Gallery } from "../../device/grade/gallery.ts";
import { findReference, needGrade, relabelled, withoutReferences } from "../../device/grade/gallery-edit.ts";
import type { Context } from "../cli/context.ts";
import { checkGrade } from "../pictures/images.ts";
import { changeGallery, describeTold } from "./change.ts";

/** `remove ITEM…` */
export async function removeItems(context: Context, names: readonly string[]): Promise<void> {
  let removed: { id: string; grade: string; origin: string }[] = [];
  const { after, told } = await changeGallery(context, (gallery) => {
    const references = namedIn(gallery, names);
    removed = references.map(({ id, grade, origin }) => ({ id, grade, origin }));
    return withoutReferences(gallery, new Set(references.map(({ id }) => id)));
  });
  const items = after.references.length;
  if (context.json) {
    process.stdout.write(`${JSON.stringify({ removed, items, told })}\n`);
    return;
  }
  for (const { id, grade, origin } of removed) process.stdout.write(`removed ${id}  ${grade}  ${origin}\n`);
  process.stdout.write(`${items} items are left; \`undo\` brings the removed back\n${describeTold(told)}`);
}

/** `relabel ITEM… GRADE` */
export async function relabelItems(
  context: Context,
  names: readonly string[],
  grade: string,
  anew: boolean,
): Promise<void> {
  checkGrade(grade);
  let changed: { id: string; from: string; origin: string }[] = [];
  const { told } = await changeGallery(context, (gallery) => {
    const references = namedIn(gallery, names);
    changed = references.map(({ id, grade: from, origin }) => ({ id, from, origin }));
    const with_ =
      anew && !gallery.grades.includes(grade) ? { ...gallery, grades: [...gallery.grades, grade] } : gallery;
    needGrade(with_, grade);
    return relabelled(with_, new Set(references.map(({ id }) => id)), grade);
  });
  if (context.json) {
    process.stdout.write(`${JSON.stringify({ relabelled: changed, grade, told })}\n`);
    return;
  }
  for (const { id, from, origin } of changed) process.stdout.write(`${id}  ${from} -> ${grade}  ${origin}\n`);
  process.stdout.write(describeTold(told));
}

function namedIn(gallery: Gallery, names: readonly string[]) {
  return [...new Set(names.map((name) => findReference(gallery, name)))];
}
