import { GradelineError } from "../../device/base/errors.ts";
import { readAnyGallery } from "../../device/gallery/store.ts";
import type { Context } from "../cli/context.ts";

/** `list`: needs no model, so that a gallery of another one can be looked at too. */
export async function listCommand({ gallery: folder, json }: Context): Promise<void> {
  const stored = await readAnyGallery(folder);
  if (stored === undefined) {
    throw new GradelineError("GALLERY", `there is no gallery in ${folder}`, {
      hint: "gradeline-calibrate enroll GRADE PATH… makes one, --gallery names another folder",
    });
  }
  const { gallery, hash, modelName, warning } = stored;
  if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
  const items = gallery.references.map(({ id, grade, origin, enrolledAt, views, cameras }) => ({
    id,
    grade,
    origin,
    enrolledAt,
    views,
    cameras,
  }));
  if (json) {
    const { grades, modelHash } = gallery;
    process.stdout.write(`${JSON.stringify({ gallery: folder, hash, modelName, modelHash, grades, items })}\n`);
    return;
  }
  process.stdout.write(
    `${folder}: ${items.length} items, model ${modelName}, grades best to worst: ${gallery.grades.join(", ") || "none"}\n`,
  );
  for (const { id, grade, origin, enrolledAt, views } of items) {
    process.stdout.write(
      `${id}  ${grade.padEnd(10)} ${String(views).padStart(3)} views  ${enrolledAt.slice(0, 19)}Z  ${origin}\n`,
    );
  }
}
