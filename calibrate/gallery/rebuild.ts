import { GradelineError } from "../../device/base/errors.ts";
import { embedAll } from "../../device/gallery/enroll.ts";
import { checkCrop, GalleryWriter } from "../../device/gallery/store.ts";
import type { Reference } from "../../device/grade/gallery.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { Progress } from "../cli/progress.ts";
import { describeTold, noGallery, tellDaemon } from "./change.ts";

/** Items whose lack is told by name. */
const NAMED = 5;

/** `rebuild`: the kept crops embedded by another model. */
export async function rebuildGallery(context: Context): Promise<void> {
  const writer = context.scope.add(await GalleryWriter.open(context.gallery));
  const stored = await writer.read();
  if (stored === undefined) throw noGallery(context.gallery);
  const { gallery } = stored;
  const embedder = await openForWork(context);
  const { model } = embedder;
  if (model.sizePx !== gallery.sizePx) {
    throw new GradelineError(
      "GALLERY_MODEL",
      `the kept views are of ${gallery.sizePx} pixels, the model wants ${model.sizePx}`,
      { hint: "enroll from the pictures again" },
    );
  }
  checkCrop(gallery, model, context.gallery);
  const missing: string[] = [];
  const references: Reference[] = [];
  const progress = new Progress("embedding again", gallery.references.length);
  try {
    for (const reference of gallery.references) {
      context.stop.throwIfAborted();
      const crops = await writer.readCrops(reference.id, gallery.sizePx).catch(() => undefined);
      // All that lack are told at once, not one after each try.
      if (crops?.length !== reference.views) missing.push(`${reference.id} (${reference.origin})`);
      else references.push({ ...reference, embeddings: await embedAll(embedder, crops) });
      progress.update(references.length + missing.length);
    }
  } finally {
    progress.stop();
  }
  if (missing.length > 0) {
    const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
    throw new GradelineError("GALLERY", `the kept views are missing of ${missing.slice(0, NAMED).join(", ")}${more}`, {
      hint: "remove these items, then rebuild; nothing was changed",
    });
  }
  context.stop.throwIfAborted();
  // What was calibrated by another model says nothing of this one.
  const fit = model.hash === gallery.modelHash ? gallery.fit : undefined;
  const { hash: modelHash, dimension, emphasis } = model;
  const after = { ...gallery, modelHash, dimension, emphasis, references, fit };
  await writer.save(after, model.name);
  writer.close();
  const told = await tellDaemon(context);
  const views = references.reduce((sum, reference) => sum + reference.views, 0);
  if (context.json) {
    const from = { model: stored.modelName, modelHash: gallery.modelHash };
    const to = { model: model.name, modelHash: model.hash };
    process.stdout.write(`${JSON.stringify({ items: references.length, views, from, to, told })}\n`);
    return;
  }
  process.stdout.write(
    `${references.length} items (${views} views) embedded again: ${stored.modelName} -> ${model.name}\n` +
      `${gallery.fit === fit ? "" : "the calibration belonged to the other model; make a new one: gradeline-calibrate fit\n"}` +
      describeTold(told),
  );
}
