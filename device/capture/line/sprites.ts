import sharp from "sharp";
import { readImage } from "../image.ts";
import type { Sequence } from "./sequences.ts";

/** One picture of a real fruit, its background cut away. */
export interface Sprite {
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGBA, colour not multiplied by the cover, (heightPx * widthPx * 4). */
  readonly data: Uint8Array;
  /** Centre and mean diameter of the fruit in the sprite's pixels. */
  readonly cx: number;
  readonly cy: number;
  readonly diameterPx: number;
}

/** Pictures of one turn where a folder holds several axes: what Fruits-360 has about. */
const LONG_TURN = 120;
/** Most pictures that are one turn. */
const ONE_TURN = 64;
/** No sprite is kept larger than this along a side. */
const MAX_SIDE_PX = 400;

/**
 * The picture to show after some turning.
 *
 * @param turns since the item's start; fractions count
 * @param start picture at the start
 */
export function pictureAt(sequence: Sequence, start: number, turns: number): number {
  const count = sequence.files.length;
  const perTurn = count <= ONE_TURN ? count : LONG_TURN;
  const at = Math.floor(start + turns * perTurn) % count;
  return at < 0 ? at + count : at;
}

/**
 * Reads one picture of a fruit before white and cuts it out: white that hangs together with the border is background;
 * pixels at its edge are a mixture of fruit and white, from which the fruit is recovered.
 *
 * @param sidePx longest side wanted; a larger picture is scaled down with averaging
 * @throws {GradelineError} FILE, IMAGE or IMAGE_SIZE when it cannot be read
 */
export async function readSprite(file: string, sidePx: number): Promise<Sprite> {
  let image = await readImage(file);
  const side = Math.min(MAX_SIDE_PX, Math.max(16, sidePx));
  if (Math.max(image.widthPx, image.heightPx) > side) {
    const { data, info } = await sharp(image.data, {
      raw: { width: image.widthPx, height: image.heightPx, channels: 3 },
    })
      .resize(side, side, { fit: "inside" })
      .raw()
      .toBuffer({ resolveWithObject: true });
    image = { widthPx: info.width, heightPx: info.height, data };
  }
  return cutOut(image.widthPx, image.heightPx, image.data);
}

/** Darkest channel from which a pixel can be background, and below which it is all fruit. */
const WHITE = 232;
const FRUIT = 190;

function cutOut(widthPx: number, heightPx: number, rgb: Uint8Array): Sprite {
  const pixels = widthPx * heightPx;
  const background = flood(widthPx, heightPx, rgb);
  const data = new Uint8Array(pixels * 4);
  let count = 0;
  let sumX = 0;
  let sumY = 0;
  for (let i = 0; i < pixels; i++) {
    const x = i % widthPx;
    const cover = background[i] === 1 ? 0 : touches(background, i, x, widthPx, pixels) ? mixture(rgb, i) : 1;
    for (let c = 0; c < 3; c++) {
      const value = rgb[3 * i + c]!;
      data[4 * i + c] = cover > 0 ? Math.max(0, Math.min(255, (value - (1 - cover) * 255) / cover)) : value;
    }
    data[4 * i + 3] = Math.round(cover * 255);
    if (cover > 0.5) {
      count++;
      sumX += x + 0.5;
      sumY += Math.floor(i / widthPx) + 0.5;
    }
  }
  if (count === 0) return { widthPx, heightPx, data, cx: widthPx / 2, cy: heightPx / 2, diameterPx: widthPx };
  return { widthPx, heightPx, data, cx: sumX / count, cy: sumY / count, diameterPx: 2 * Math.sqrt(count / Math.PI) };
}

function flood(widthPx: number, heightPx: number, rgb: Uint8Array): Uint8Array {
  const background = new Uint8Array(widthPx * heightPx);
  const stack: number[] = [];
  const visit = (x: number, y: number): void => {
    if (x < 0 || y < 0 || x >= widthPx || y >= heightPx) return;
    const i = y * widthPx + x;
    if (background[i] === 1 || darkest(rgb, i) < WHITE) return;
    background[i] = 1;
    stack.push(i);
  };
  for (let x = 0; x < widthPx; x++) {
    visit(x, 0);
    visit(x, heightPx - 1);
  }
  for (let y = 0; y < heightPx; y++) {
    visit(0, y);
    visit(widthPx - 1, y);
  }
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const x = i % widthPx;
    const y = Math.floor(i / widthPx);
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return background;
}

function touches(background: Uint8Array, i: number, x: number, widthPx: number, pixels: number): boolean {
  return (
    (x > 0 && background[i - 1] === 1) ||
    (x < widthPx - 1 && background[i + 1] === 1) ||
    (i >= widthPx && background[i - widthPx] === 1) ||
    (i < pixels - widthPx && background[i + widthPx] === 1)
  );
}

/** Share of fruit in a pixel at the edge, 0.1..1. */
function mixture(rgb: Uint8Array, i: number): number {
  return Math.max(0.1, Math.min(1, (255 - darkest(rgb, i)) / (255 - FRUIT)));
}

function darkest(rgb: Uint8Array, i: number): number {
  return Math.min(rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!);
}
