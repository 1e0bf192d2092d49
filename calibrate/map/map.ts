import { extname } from "node:path";
import { GradelineError } from "../../device/base/errors.ts";
import { writeAtomic } from "../../device/base/files.ts";
import { checkModel, readAnyGallery, type StoredGallery } from "../../device/gallery/store.ts";
import type { Context } from "../cli/context.ts";
import { openForWork } from "../cli/open-embedder.ts";
import { checkFolderOf } from "../cli/output.ts";
import { Progress } from "../cli/progress.ts";
import { rasterize } from "../html/raster.ts";
import { checkGrade, type ItemFiles, listGradeFolders, listPaths } from "../pictures/images.ts";
import { Remarks } from "../pictures/remarks.ts";
import { drawMap } from "./draw.ts";
import { type Landing, landingsOf } from "./landing.ts";
import { type Layout, layOut } from "./layout.ts";
import { mapPage } from "./map-page.ts";
import { filePoints, type MapPoint, type PointOptions, queuePoints, referencePoints } from "./points.ts";

export interface MapFlags {
  /** Files to write, by their endings. */
  readonly out: readonly string[];
  readonly items: string | undefined;
  /** GRADE=PATH each. */
  readonly fresh: readonly string[];
  readonly queue: string | undefined;
  readonly eachView: boolean;
  readonly umap: boolean;
  readonly seed: number;
}

const ENDINGS = [".svg", ".png", ".html"];
/** Pixels of a picture per unit of the drawing. */
const PNG_SCALE = 2;

/** `map`: draws the enrolled references, and what else was asked for, in two dimensions. */
export async function drawGallery(context: Context, flags: MapFlags): Promise<void> {
  for (const path of flags.out) {
    if (!ENDINGS.includes(extname(path).toLowerCase())) {
      throw new GradelineError("USAGE", `${path} ends with neither of ${ENDINGS.join(", ")}`);
    }
    await checkFolderOf(path);
  }
  const stored = await readAnyGallery(context.gallery);
  if (stored === undefined || stored.gallery.references.length === 0) {
    throw new GradelineError("GALLERY_EMPTY", `there are no references in ${context.gallery} to draw a map of`, {
      hint: `enroll some first: gradeline-calibrate enroll GRADE PATH… --gallery ${context.gallery}`,
    });
  }
  const { points, fresh } = await collect(context, stored, flags);
  const { gallery } = stored;
  const grades = gallery.grades.filter((name) =>
    points.some(({ grade, kind }) => grade === name && kind === "reference"),
  );
  const others = [...new Set(points.filter(({ kind }) => kind === "item").map(({ grade }) => grade!))];
  const unenrolled = [...new Set([...fresh, ...others])].filter((name) => !grades.includes(name));
  const layout = layOut(points, gallery.dimension, flags.umap, flags.seed);
  const drawing = drawMap(points, layout, grades, unenrolled);
  const landings = landingsOf(points);
  const notes = [describePoints(points, layout), ...landings.map(describeLanding)];
  const markup = Buffer.from(drawing.svg.text);
  for (const path of flags.out) await write(path);
  if (context.json) {
    process.stdout.write(`${JSON.stringify(asJson(points, layout, landings, flags))}\n`);
    return;
  }
  process.stdout.write(`${[...notes, `written: ${flags.out.join(", ")}`].join("\n")}\n`);

  async function write(path: string): Promise<void> {
    const ending = extname(path).toLowerCase();
    if (ending === ".svg") return await writeAtomic(path, [markup]);
    if (ending === ".png") {
      return await writeAtomic(path, [await rasterize(markup, 72 * PNG_SCALE)]);
    }
    const progress = new Progress("pictures", points.length);
    const text = await mapPage({
      points,
      drawing,
      title: "Map of the enrolled fruit",
      notes,
      onPicture: (done) => {
        context.stop.throwIfAborted();
        progress.update(done);
      },
    }).finally(() => progress.stop());
    await writeAtomic(path, [Buffer.from(text)]);
  }
}

async function collect(
  context: Context,
  stored: StoredGallery,
  flags: MapFlags,
): Promise<{ points: MapPoint[]; fresh: string[] }> {
  const options: PointOptions = { eachView: flags.eachView, signal: context.stop };
  const points = referencePoints(context.gallery, stored.gallery, options);
  const fresh: string[] = [];
  const remarks = new Remarks();
  const files: { kind: "item" | "new"; items: ItemFiles[] }[] = [];
  if (flags.items !== undefined) {
    files.push({ kind: "item", items: await listGradeFolders(flags.items, remarks) });
  }
  for (const text of flags.fresh) {
    const at = text.indexOf("=");
    if (at < 1) throw new GradelineError("USAGE", `found --new ${text}, wanted --new GRADE=PATH`);
    const grade = checkGrade(text.slice(0, at));
    fresh.push(grade);
    files.push({ kind: "new", items: await listPaths(grade, [text.slice(at + 1)], remarks) });
  }
  if (files.length === 0 && flags.queue === undefined) return { points, fresh };
  const embedder = await openForWork(context);
  checkModel(stored, embedder.model, context.gallery);
  for (const { kind, items } of files) {
    const title = `embedding ${kind === "new" ? items[0]!.grade : "items"}`;
    points.push(...(await embed(items.length, title, (own) => filePoints(items, kind, embedder, own, remarks))));
  }
  remarks.print();
  if (flags.queue !== undefined) {
    const folder = flags.queue;
    points.push(...(await embed(1, "embedding what waits", (own) => queuePoints(folder, embedder, own))));
  }
  return { points, fresh };

  async function embed<T>(of: number, title: string, work: (own: PointOptions) => Promise<T>): Promise<T> {
    const progress = new Progress(title, of);
    return await work({ ...options, onDone: (done) => progress.update(done) }).finally(() => progress.stop());
  }
}

function describePoints(points: readonly MapPoint[], { explained }: Layout): string {
  const count = (kind: MapPoint["kind"]): number => points.filter((point) => point.kind === kind).length;
  const parts = [
    `${count("reference")} references`,
    ...(count("item") > 0 ? [`${count("item")} that are not enrolled`] : []),
    ...(count("new") > 0 ? [`${count("new")} of a new grade`] : []),
    ...(count("queue") > 0 ? [`${count("queue")} that wait`] : []),
  ];
  const how =
    explained === null
      ? "UMAP, which keeps neighbours together and no distances"
      : `principal components of the references, ${((explained[0] + explained[1]) * 100).toFixed(0)} % of their variance`;
  return `${parts.join(", ")}; ${how}`;
}

function describeLanding({ grade, items, nearest, distance, within, usual }: Landing): string {
  const where = nearest.map(({ grade: name, items: count }) => `${count} nearest to ${name}`).join(", ");
  const apart =
    usual === null
      ? ""
      : distance > 1.5 * usual
        ? "; apart from all that is enrolled"
        : distance > usual
          ? "; at the edge of what is enrolled"
          : "; among what is enrolled: hard to tell apart";
  return (
    `new grade ${grade}: of ${items} items ${where}; median distance ${distance.toFixed(2)}` +
    `${within === null ? "" : `, to each other ${within.toFixed(2)}`}` +
    `${usual === null ? "" : `, usual within a grade ${usual.toFixed(2)}`}${apart}`
  );
}

function asJson(points: readonly MapPoint[], layout: Layout, landings: readonly Landing[], { out, seed }: MapFlags) {
  const { method, explained, places } = layout;
  return {
    method,
    seed,
    explained,
    written: out,
    landings,
    points: points.map(({ name, grade, kind }, i) => ({
      name,
      grade: grade ?? null,
      kind,
      x: places[i * 2]!,
      y: places[i * 2 + 1]!,
    })),
  };
}
