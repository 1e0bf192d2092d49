import sharp from "sharp";
import { readImage } from "../capture/image.ts";
import type { Sequence } from "./sequences.ts";

/** One picture of a real fruit, its background cut away. */
export interface Sprite {
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGBA, colour not multiplied by the cover, (heightPx * widthPx * 4). */
  readonly data: Uint8Array;
  /** Centre and largest diameter of the fruit in the sprite's pixels. */
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

/** Darkest channel from which a pixel can be background. */
const WHITE = 232;
/** Rings of pixels along the background that can be a mixture of fruit and white. */
const RINGS = 2;

function cutOut(widthPx: number, heightPx: number, rgb: Uint8Array): Sprite {
  const pixels = widthPx * heightPx;
  const rings = ringsOf(widthPx, heightPx, flood(widthPx, heightPx, rgb));
  const data = new Uint8Array(pixels * 4);
  const inside: number[] = [];
  let sumX = 0;
  let sumY = 0;
  for (let i = 0; i < pixels; i++) {
    const x = i % widthPx;
    const cover = rings[i] === 0 ? 0 : rings[i]! > RINGS ? 1 : mixture(widthPx, heightPx, rgb, i);
    for (let c = 0; c < 3; c++) {
      const value = rgb[3 * i + c]!;
      data[4 * i + c] = cover > 0 ? Math.max(0, Math.min(255, (value - (1 - cover) * 255) / cover)) : value;
    }
    data[4 * i + 3] = Math.round(cover * 255);
    if (cover > 0.5) {
      inside.push(i);
      sumX += x + 0.5;
      sumY += Math.floor(i / widthPx) + 0.5;
    }
  }
  if (inside.length === 0) return { widthPx, heightPx, data, cx: widthPx / 2, cy: heightPx / 2, diameterPx: widthPx };
  const cx = sumX / inside.length;
  const cy = sumY / inside.length;
  const reaches = inside.map((i) => Math.hypot((i % widthPx) + 0.5 - cx, Math.floor(i / widthPx) + 0.5 - cy));
  reaches.sort((a, b) => a - b);
  // All but the outermost 2 %: a stem does not make the fruit larger. Of a disc that is 0.99 of its radius.
  return { widthPx, heightPx, data, cx, cy, diameterPx: (2 * reaches[Math.floor(0.98 * reaches.length)]!) / 0.99 };
}

/** 0 for background, then the distance from it in steps to a neighbour, up to RINGS + 1. */
function ringsOf(widthPx: number, heightPx: number, background: Uint8Array): Uint8Array {
  const rings = Uint8Array.from(background, (value) => (value === 1 ? 0 : RINGS + 1));
  for (let ring = 1; ring <= RINGS; ring++) {
    for (let i = 0; i < rings.length; i++) {
      if (rings[i]! <= ring) continue;
      const x = i % widthPx;
      const y = Math.floor(i / widthPx);
      const nearest = Math.min(
        x > 0 ? rings[i - 1]! : RINGS,
        x < widthPx - 1 ? rings[i + 1]! : RINGS,
        y > 0 ? rings[i - widthPx]! : RINGS,
        y < heightPx - 1 ? rings[i + widthPx]! : RINGS,
      );
      if (nearest === ring - 1) rings[i] = ring;
    }
  }
  return rings;
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

/** Share of fruit in a pixel at the edge, 0.05..1: how far from white it is, where the darkest close by is all fruit. */
function mixture(widthPx: number, heightPx: number, rgb: Uint8Array, i: number): number {
  const x = i % widthPx;
  const y = Math.floor(i / widthPx);
  let fruit = 255;
  for (let v = Math.max(0, y - 3); v <= Math.min(heightPx - 1, y + 3); v++) {
    for (let u = Math.max(0, x - 3); u <= Math.min(widthPx - 1, x + 3); u++) {
      fruit = Math.min(fruit, darkest(rgb, v * widthPx + u));
    }
  }
  return Math.max(0.05, Math.min(1, (255 - darkest(rgb, i)) / Math.max(1, 250 - fruit)));
}

function darkest(rgb: Uint8Array, i: number): number {
  return Math.min(rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!);
}
