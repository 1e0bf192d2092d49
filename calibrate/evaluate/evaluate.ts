import { basename, dirname } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { formatMicros, nowMicros } from "../../device/base/time.ts";
import type { Model } from "../../device/embed/embedder.ts";
import { loadModel } from "../../device/embed/model.ts";
import { readGallery, readKeptCrops, type StoredGallery } from "../../device/gallery/store.ts";
import type { Gallery } from "../../device/grade/gallery.ts";
import { flatten } from "../../device/grade/references.ts";
import { NO_ITEM, nearestByGrade } from "../../device/grade/search/distance.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { checkFolderOf } from "../cli/output.ts";
import { Progress } from "../cli/progress.ts";
import { listGradeFolders, UNKNOWN } from "../pictures/images.ts";
import { type PassedOver, Remarks } from "../pictures/remarks.ts";
import { StillReader } from "../pictures/still-reader.ts";
import { type ColourItem, HSV_LENGTH, hsvHistogram } from "./base-line.ts";
import { describeEvaluation } from "./describe.ts";
import { evaluationOf } from "./evaluation.ts";
import { type EmbeddedItem, embedItems } from "./items.ts";
import { byGallery, byShots, type Judged, type JudgeOptions, leaveOneOut } from "./methods.ts";
import { type ShownMistake, shownMistakes } from "./mistakes.ts";
import { type ReportReferences, reportPage } from "./report.ts";

export interface EvaluateFlags {
  readonly order: readonly string[];
  readonly shots: number | undefined;
  readonly repeats: number;
  readonly seed: number;
  readonly alpha: number | undefined;
  readonly byGallery: boolean;
  readonly sameFruit: boolean;
  /** Where the report goes; undefined: nowhere. */
  readonly html: string | undefined;
}

/** Embeddings nearer than this are of the same picture. */
const SAME = 1e-3;

/** What is judged, and what else is known of it. */
interface Judging {
  /** For people: a folder of pictures, or a gallery. */
  readonly source: string;
  readonly model: Model;
  readonly items: readonly EmbeddedItem[];
  readonly skipped: readonly PassedOver[];
  /** What judges; undefined where the items judge each other. */
  readonly stored: StoredGallery | undefined;
  /** Whose order, tolerances and share of good fruit called unknown hold; undefined without a gallery. */
  readonly gallery: Gallery | undefined;
  readonly crop: (item: EmbeddedItem, view: number) => Promise<Uint8Array | undefined>;
}

/** `evaluate [DIR]`: judges the items of a folder, or those of the gallery by each other, and says how well that went. */
export async function evaluate(context: Context, folder: string | undefined, flags: EvaluateFlags): Promise<void> {
  if (folder !== undefined && flags.byGallery && flags.shots !== undefined) {
    throw new GradelineError("USAGE", "found both a gallery and --shots, wanted one of them", {
      hint: "--shots enrolls items of DIR itself",
    });
  }
  if (flags.html !== undefined) await checkFolderOf(flags.html);
  const gallery = folderOf(context.gallery);
  const judging = folder === undefined ? await ofGallery(context, gallery) : await ofFolder(context, folder, flags);
  const { items, skipped, stored, model, source, crop } = judging;
  const order = flags.order.length > 0 ? flags.order : (judging.gallery?.grades ?? []);
  const alpha = flags.alpha ?? judging.gallery?.fit?.alpha;
  const settled = { ...flags, order, alpha };
  const colours = stored === undefined ? undefined : await coloursOf(gallery, stored.gallery, model);
  const judged = await judgeAll(items, stored?.gallery, colours, model, settled, context.stop);
  const warnings = [...(folder === undefined ? [] : sameItems(items)), ...galleryWarnings(items, stored?.gallery)];
  const { seed } = flags;
  const tolerances = judging.gallery?.tolerances ?? new Map<string, number>();
  const evaluation = evaluationOf(judged, { seed, alpha, tolerances, skipped, warnings });
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (flags.html !== undefined) {
    const mistakes = shownMistakes(judged.draws.flat(), judged.grades);
    const by = stored === undefined ? byItems(items, crop, flags) : byKept(gallery, stored.gallery);
    const cropOf = ({ source: item, tellingView }: ShownMistake) => crop(item, tellingView);
    const madeAt = formatMicros(nowMicros());
    const text = await reportPage({ folder: source, model, madeAt, evaluation, mistakes, cropOf, by });
    await writeAtomic(flags.html, [Buffer.from(text)]);
  }
  process.stdout.write(context.json ? `${JSON.stringify(evaluation)}\n` : describeEvaluation(evaluation));
}

async function ofFolder(context: Context, folder: string, { byGallery: by }: EvaluateFlags): Promise<Judging> {
  const remarks = new Remarks();
  const files = await listGradeFolders(folder, remarks);
  const embedder = await openForWork(context);
  const { model } = embedder;
  const stored = by ? await readGallery(folderOf(context.gallery), model) : undefined;
  if (stored?.warning !== undefined) process.stderr.write(`warning: ${stored.warning}\n`);
  const progress = new Progress("embedding", files.length);
  const items = await embedItems(files, embedder, {
    onItem: (done) => progress.update(done),
    signal: context.stop,
    remarks,
  }).finally(() => progress.stop());
  remarks.print();
  const reader = new StillReader(model);
  return {
    source: folder,
    model,
    items,
    skipped: remarks.passedOver,
    stored,
    gallery: stored?.gallery,
    crop: ({ files: pictures }, view) => reader.crop(pictures[view]!).catch(() => undefined),
  };
}

/** Items that are enrolled; nothing has to be embedded. */
async function ofGallery({ model: description }: Context, folder: string): Promise<Judging> {
  const { model } = await loadModel(description);
  const { gallery, warning } = await readGallery(folder, model);
  if (warning !== undefined) process.stderr.write(`warning: ${warning}\n`);
  const colours = await coloursOf(folder, gallery, model);
  const ids = new Map<EmbeddedItem, string>();
  const items = gallery.references.map(({ id, grade, origin, views, embeddings }, index) => {
    const histograms = colours?.[index]?.histograms;
    const item: EmbeddedItem = { grade, name: origin, files: [], views, embeddings, histograms, crops: id };
    ids.set(item, id);
    return item;
  });
  const crop = async (item: EmbeddedItem, view: number): Promise<Uint8Array | undefined> =>
    (await readKeptCrops(folder, ids.get(item)!, gallery.sizePx).catch(() => undefined))?.[view];
  return { source: folder, model, items, skipped: [], stored: undefined, gallery, crop };
}

async function judgeAll(
  items: readonly EmbeddedItem[],
  gallery: Gallery | undefined,
  colours: readonly ColourItem[] | undefined,
  model: Model,
  { order, shots, repeats, seed, alpha, sameFruit }: EvaluateFlags,
  signal: AbortSignal,
): Promise<Judged> {
  let progress: Progress | undefined;
  const options: JudgeOptions = {
    model,
    order,
    alpha,
    sameFruit,
    signal,
    onDone: (done, of) => {
      progress ??= new Progress("judging", of);
      progress.update(done);
    },
  };
  try {
    if (gallery !== undefined) return await byGallery(items, gallery, colours, options);
    if (shots !== undefined) return await byShots(items, { shots, repeats, seed }, options);
    return await leaveOneOut(items, options);
  } finally {
    progress?.stop();
  }
}

/** Items that judge each other are their own references. */
function byItems(
  items: readonly EmbeddedItem[],
  crop: Judging["crop"],
  { sameFruit }: EvaluateFlags,
): ReportReferences {
  const known = items.filter(({ grade }) => grade !== UNKNOWN);
  return {
    references: known.map(({ name, ...item }, index) => ({ ...item, id: `${index}`, origin: name, enrolledAt: "" })),
    counts: (reference, { source }) =>
      known[reference] !== source && !(sameFruit && known[reference]!.name === source.name),
    crop: (reference, view) => crop(known[reference]!, view),
  };
}

function byKept(folder: string, { references, sizePx }: Gallery): ReportReferences {
  return {
    references,
    counts: () => true,
    crop: async (reference, view) =>
      (await readKeptCrops(folder, references[reference]!.id, sizePx).catch(() => undefined))?.[view],
  };
}

/** Colours of what is enrolled; undefined where its pictures are gone, for half of them would be no base line. */
async function coloursOf(
  folder: string,
  { references, sizePx }: Gallery,
  { cropFill }: Model,
): Promise<ColourItem[] | undefined> {
  const colours: ColourItem[] = [];
  for (const { id, grade, views } of references) {
    const crops = await readKeptCrops(folder, id, sizePx).catch(() => undefined);
    if (crops?.length !== views) return undefined;
    const histograms = new Float32Array(views * HSV_LENGTH);
    for (const [view, crop] of crops.entries()) {
      hsvHistogram(crop, cropFill, histograms.subarray(view * HSV_LENGTH, (view + 1) * HSV_LENGTH));
    }
    colours.push({ grade, views, histograms });
  }
  return colours;
}

/** A gallery may be named by its folder or by the file in it. */
function folderOf(path: string): string {
  return basename(path).endsWith(".bin") ? dirname(path) : path;
}

/** The same pictures as two items: in one grade they judge each other, in two at least one is wrong. */
function sameItems(items: readonly EmbeddedItem[]): string[] {
  const warnings: string[] = [];
  for (const same of Map.groupBy(items, ({ crops }) => crops).values()) {
    if (same.length < 2) continue;
    const names = same.map(({ grade, name }) => `${grade}/${name}`).join(", ");
    const grades = new Set(same.map(({ grade }) => grade)).size;
    warnings.push(`${names} are the same pictures${grades > 1 ? ` under ${grades} grades` : ""}`);
  }
  return warnings.length > 5 ? [...warnings.slice(0, 5), `and ${warnings.length - 5} more such items`] : warnings;
}

function galleryWarnings(items: readonly EmbeddedItem[], gallery: Gallery | undefined): string[] {
  if (gallery === undefined) return [];
  const references = flatten(gallery);
  const enrolled = items.filter(({ embeddings, views }) => {
    const nearest = new Float64Array(views * references.grades);
    nearestByGrade(embeddings, views, references, NO_ITEM, nearest);
    for (let view = 0; view < views; view++) {
      const own = nearest.subarray(view * references.grades, (view + 1) * references.grades);
      if (!own.some((distance) => distance < SAME)) return false;
    }
    return true;
  });
  const missing = new Set(items.map(({ grade }) => grade));
  for (const name of [UNKNOWN, ...gallery.grades]) missing.delete(name);
  return [
    ...(enrolled.length === 0
      ? []
      : [
          `${enrolled.length} of ${items.length} items are enrolled in the gallery (${enrolled[0]!.name}${enrolled.length > 1 ? ", …" : ""}): the figures are too good`,
        ]),
    ...(missing.size === 0
      ? []
      : [`the gallery has no grade ${[...missing].join(", ")}: every verdict for these items counts as wrong`]),
  ];
}
