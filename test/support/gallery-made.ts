import type { Model } from "../../device/embed/embedder.ts";
import { emptyGallery, type Gallery, type Reference, withReferences } from "../../device/grade/gallery.ts";
import { seededNormal } from "./random.ts";

export const MADE_MODEL: Model = {
  name: "made",
  version: "1",
  hash: "ab".repeat(32),
  sizePx: 8,
  dimension: 6,
  cropMargin: 0.06,
  cropFill: 118,
};

/** A reference from rows of any length; they are made unit rows. */
export function referenceOf(id: string, grade: string, rows: readonly (readonly number[])[]): Reference {
  return {
    id,
    grade,
    origin: `test/${id}`,
    enrolledAt: "2026-01-01T00:00:00.000000Z",
    views: rows.length,
    embeddings: unitRows(rows),
  };
}

/** (rows, dimension) row-major. */
export function unitRows(rows: readonly (readonly number[])[]): Float32Array {
  return Float32Array.from(
    rows.flatMap((row) => {
      const length = Math.hypot(...row);
      return row.map((value) => value / length);
    }),
  );
}

/** A direction in the plane, as a row of two values. */
export function direction(degrees: number): [number, number] {
  return [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
}

/** Distance between two directions of the plane. */
export function chord(degrees: number): number {
  return 2 * Math.sin((degrees * Math.PI) / 360);
}

/** A reference with views that the seed chooses. */
export function randomReference(seed: number, grade: string, views = 3, dimension = MADE_MODEL.dimension): Reference {
  const normal = seededNormal(seed);
  const rows = Array.from({ length: views }, () => Array.from({ length: dimension }, normal));
  return referenceOf(`item-${seed}`, grade, rows);
}

/**
 * A reference that spreads as embeddings of fruit do: widely in a few directions and less and less in the others, views of
 * one item nearer than others. Outside the first 23 directions lie 0.03 of the squared lengths; with embedder 0.3.0 it is
 * 0.034 for turning apples of Fruits-360, 0.044 for photographed ones.
 */
export function fruitLikeReference(seed: number, grade: string, views: number, dimension: number): Reference {
  const normal = seededNormal(seed);
  const spread = (d: number): number => 0.93 ** d;
  const item = Array.from({ length: dimension }, (_, d) => (d === 0 ? 2 : 0) + normal() * spread(d));
  const rows = Array.from({ length: views }, () => item.map((value, d) => value + 0.7 * normal() * spread(d)));
  return referenceOf(`item-${seed}`, grade, rows);
}

export function galleryOf(references: readonly Reference[], model: Model = MADE_MODEL): Gallery {
  return withReferences(emptyGallery(model), references);
}

/** A small gallery of three grades; `generation` can be told from its first reference. */
export function madeGallery(generation = 0, items = 6): Gallery {
  const grades = ["sound", "second", "reject"];
  return galleryOf(
    Array.from({ length: items }, (_, item) => ({
      ...randomReference(item, grades[item % 3]!, 1 + (item % 4)),
      origin: `generation ${generation}`,
    })),
  );
}

/** Views of one item, each another texture. */
export function madeCrops(seed: number, views: number, sizePx = MADE_MODEL.sizePx): Uint8Array[] {
  return Array.from({ length: views }, (_, view) =>
    Uint8Array.from({ length: sizePx * sizePx * 3 }, (_, i) => (i * 7 + view * 31 + seed * 57 + ((i * i) >> 3)) & 255),
  );
}
