import { GradelineError } from "../base/errors.ts";
import { encodePng, type Image } from "../capture/image.ts";

/** All views of one item as one picture, row by row, for people and for reading them again. */
export interface SheetShape {
  readonly views: number;
  readonly sizePx: number;
  readonly columns: number;
}

/** About as wide as high. */
export function sheetColumns(views: number): number {
  return Math.max(1, Math.ceil(Math.sqrt(views)));
}

/** @returns {@link laySheet} as a PNG file's bytes, without loss */
export function encodeSheet(crops: readonly Uint8Array[], sizePx: number, fill: number): Promise<Buffer> {
  return encodePng(laySheet(crops, sizePx, fill));
}

/**
 * @param crops each (sizePx, sizePx, 3)
 * @param fill grey of places without a view
 * @returns all of them side by side, {@link sheetColumns} in a row
 */
export function laySheet(crops: readonly Uint8Array[], sizePx: number, fill: number): Image {
  const columns = sheetColumns(crops.length);
  const rows = Math.max(1, Math.ceil(crops.length / columns));
  const row = sizePx * 3;
  const data = new Uint8Array(columns * rows * sizePx * row).fill(fill);
  for (const [index, crop] of crops.entries()) {
    let to = (Math.floor(index / columns) * sizePx * columns + (index % columns)) * row;
    for (let y = 0; y < sizePx; y++, to += columns * row) data.set(crop.subarray(y * row, (y + 1) * row), to);
  }
  return { widthPx: columns * sizePx, heightPx: rows * sizePx, data };
}

/**
 * The views of a sheet, each (sizePx, sizePx, 3).
 *
 * @throws {GradelineError} IMAGE when the picture has another size than the shape
 */
export function cutSheet({ widthPx, heightPx, data }: Image, { views, sizePx, columns }: SheetShape): Uint8Array[] {
  const row = sizePx * 3;
  if (widthPx !== columns * sizePx || heightPx !== Math.max(1, Math.ceil(views / columns)) * sizePx) {
    throw new GradelineError("IMAGE", `the sheet is ${widthPx} x ${heightPx}, wanted ${views} views of ${sizePx}`);
  }
  return Array.from({ length: views }, (_, index) => {
    const crop = new Uint8Array(sizePx * row);
    let from = (Math.floor(index / columns) * sizePx * columns + (index % columns)) * row;
    for (let y = 0; y < sizePx; y++, from += columns * row) crop.set(data.subarray(from, from + row), y * row);
    return crop;
  });
}
