import sharp from "sharp";
import { writeAtomic } from "../../device/base/files.ts";
import { readAnyGallery, readKeptCrops } from "../../device/gallery/store.ts";
import { emptyGallery, type Gallery, type Reference } from "../../device/grade/gallery.ts";
import { findReference } from "../../device/grade/gallery-edit.ts";
import { flatten } from "../../device/grade/references.ts";
import { NO_ITEM, nearestByGrade } from "../../device/grade/search/distance.ts";
import type { Context } from "../cli/context.ts";
import { checkFolderOf } from "../cli/output.ts";
import { noGallery } from "./change.ts";

/** Views of a row on a sheet. */
const COLUMNS = 10;
const GAP_PX = 2;
const NEIGHBOURS = 5;

interface Neighbour {
  readonly id: string;
  readonly grade: string;
  readonly origin: string;
  /** Of the two nearest views, 0..2. */
  readonly distance: number;
}

/** `show ITEM` */
export async function showItem(context: Context, name: string, out: string | undefined): Promise<void> {
  const stored = await readAnyGallery(context.gallery);
  if (stored === undefined) throw noGallery(context.gallery);
  const { gallery } = stored;
  const reference = findReference(gallery, name);
  const { id, grade, origin, enrolledAt, views, cameras } = reference;
  const nearest = neighboursOf(reference, gallery);
  if (out !== undefined) {
    await checkFolderOf(out);
    await writeAtomic(out, [await sheetOf(await readKeptCrops(context.gallery, id, gallery.sizePx), gallery.sizePx)]);
  }
  if (context.json) {
    const picture = out ?? null;
    process.stdout.write(`${JSON.stringify({ id, grade, origin, enrolledAt, views, cameras, nearest, picture })}\n`);
    return;
  }
  process.stdout.write(`${id}\n  grade     ${grade}\n  from      ${origin}\n  enrolled  ${enrolledAt.slice(0, 19)}Z\n`);
  process.stdout.write(
    `  views     ${views}${out === undefined ? "; --out FILE.png draws them" : `, drawn in ${out}`}\n`,
  );
  if (cameras !== undefined) process.stdout.write(`  seen by   ${cameras.join(", ")}\n`);
  if (nearest.length > 0) process.stdout.write("  most alike\n");
  for (const other of nearest) {
    process.stdout.write(`    ${other.distance.toFixed(3)}  ${other.grade.padEnd(10)} ${other.id}  ${other.origin}\n`);
  }
}

/** The other items, by the distance of the nearest pair of views. */
function neighboursOf(reference: Reference, gallery: Gallery): Neighbour[] {
  const others = gallery.references.filter(({ id }) => id !== reference.id);
  const found = others.map(({ id, grade, origin, ...rest }) => {
    const alone = flatten({
      ...emptyGallery({ hash: gallery.modelHash, dimension: gallery.dimension, sizePx: gallery.sizePx }),
      grades: [grade],
      references: [{ id, grade, origin, ...rest }],
    });
    const distances = new Float64Array(reference.views);
    nearestByGrade(reference.embeddings, reference.views, alone, NO_ITEM, distances);
    return { id, grade, origin, distance: Math.round(Math.min(...distances) * 1e4) / 1e4 };
  });
  return found.sort((a, b) => a.distance - b.distance).slice(0, NEIGHBOURS);
}

/** @param crops each (sizePx, sizePx, 3) @returns a PNG with all of them in rows */
async function sheetOf(crops: readonly Uint8Array[], sizePx: number): Promise<Buffer> {
  const columns = Math.min(COLUMNS, crops.length);
  const pitch = sizePx + GAP_PX;
  return sharp({
    create: {
      width: columns * pitch - GAP_PX,
      height: Math.ceil(crops.length / columns) * pitch - GAP_PX,
      channels: 3,
      background: "#ffffff",
    },
  })
    .composite(
      crops.map((crop, index) => ({
        input: Buffer.from(crop.buffer, crop.byteOffset, crop.byteLength),
        raw: { width: sizePx, height: sizePx, channels: 3 as const },
        left: (index % columns) * pitch,
        top: Math.floor(index / columns) * pitch,
      })),
    )
    .png()
    .toBuffer();
}
