import type { Canvas } from "./canvas.ts";
import { AMBIENT, DIFFUSE, HALF, highlights, LIGHT } from "./light.ts";
import type { Rotation } from "./rotation.ts";
import { NOISE_MEAN } from "./sensor.ts";
import type { Skin } from "./skin.ts";
import { MAP_SIZE } from "./sphere.ts";

const SHEEN = highlights();
/** Pixels between two rays in the middle of a body; place and light of those between are interpolated. */
const SPAN_BITS = 2;
const SPAN = 1 << SPAN_BITS;
/** Part of the depth below which the body bends too much for that, and every pixel has its ray. */
const STEEP = 0.18;

/** What does not change over one body. World axes as in rotation.ts, lengths in pixels. */
interface Body {
  /** Columns of the map from world to the unit sphere: q = mx * x + my * y + mz * z. */
  readonly mx: Float64Array;
  readonly my: Float64Array;
  readonly mz: Float64Array;
  /** The same products with light and half vector: the normal is the gradient of |q|^2, so both are linear in q. */
  readonly light: Float64Array;
  readonly half: Float64Array;
  /** Square of the normal's length is n0 + n1 * q1^2, for |q| is 1. */
  readonly n0: number;
  readonly n1: number;
  /** The ray meets the body where f = a - (p x^2 + 2 q x y + s y^2) >= 0, at z = (sqrt(f) - bx x - by y) / a. */
  readonly a: number;
  readonly bx: number;
  readonly by: number;
  readonly p: number;
  readonly q: number;
  readonly s: number;
}

/** Places in the answer of one ray: place in the skin's map in 256ths of a texel, brightness, fold of the map. */
const U = 0;
const V = 1;
const DULL = 2;
const SHINE = 3;
const FOLD = 4;
/** Places in the question: the pixel from the centre, its depth as in Body, the lamp there. */
const X = 5;
const Y = 6;
const F = 7;
const LAMP = 8;
/** Numbers of a ray, question and answer. As arguments each would be an object on the heap, for every fourth pixel. */
const RAY = 9;

/**
 * Draws an ellipsoid of revolution seen from straight above: a ray meets the body, the meeting point picks the colour
 * from the skin, the normal there the light. The edge is mixed by the covered share of each pixel.
 *
 * @param cx centre, pixels, as cy
 * @param radiusPx across the body's +y axis
 * @param halfHeightPx along it
 * @param r attitude, world = r * body
 */
export function drawBody(
  canvas: Canvas,
  skin: Skin,
  cx: number,
  cy: number,
  radiusPx: number,
  halfHeightPx: number,
  r: Rotation,
): void {
  const { widthPx, heightPx, lamp, gain, blurPx } = canvas;
  const body = bodyOf(radiusPx, halfHeightPx, r);
  const { a, p, q, s } = body;
  const hit = new Float64Array(RAY);
  const reachY = Math.sqrt((a * p) / (p * s - q * q)) + 1;
  // Over one body the lamp falls off about evenly.
  const from = Math.max(0, Math.min(widthPx - 1, Math.floor(cx - radiusPx)));
  const to = Math.max(0, Math.min(widthPx - 1, Math.floor(cx + radiusPx)));
  const lampSlope = to > from ? (lamp.columns[to]! - lamp.columns[from]!) / (to - from) : 0;
  const lampMiddle = lamp.columns[from]! + lampSlope * (cx - from - 0.5);

  const top = Math.max(0, Math.floor(cy - reachY));
  const bottom = Math.min(heightPx - 1, Math.ceil(cy + reachY));
  const line: Row = { canvas, skin, body, cx, y: 0.5, row: 0, light: 0.5, slope: 0.5, hit };
  for (let row = top; row <= bottom; row++) {
    const y = row + 0.5 - cy;
    // Ends of the row from the quadratic in x; beyond the top and bottom by less than a pixel the middle counts.
    const middle = cx - (q * y) / p;
    const outer = Math.sqrt(Math.max(0, q * q * y * y - p * (s * y * y - a))) / p + 1.5 + blurPx;
    const inner = Math.sqrt(Math.max(0, q * q * y * y - p * (s * y * y - a * (1 - STEEP)))) / p;
    const first = Math.max(0, Math.floor(middle - outer));
    const end = Math.min(widthPx, Math.ceil(middle + outer) + 1);
    const flat = Math.max(first, Math.min(end, Math.ceil(middle - inner)));
    const spans = Math.max(0, Math.floor((Math.min(end, Math.floor(middle + inner)) - flat) / SPAN));
    const rowLight = lamp.rows[row]! * gain;
    line.y = y;
    line.row = row;
    line.light = lampMiddle * rowLight;
    line.slope = lampSlope * rowLight;
    drawExact(line, first, flat);
    drawSpans(line, flat, spans);
    drawExact(line, flat + spans * SPAN, end);
  }
}

/** The row of pixels under work; one object for all rows of a body. */
interface Row {
  readonly canvas: Canvas;
  readonly skin: Skin;
  readonly body: Body;
  readonly cx: number;
  y: number;
  row: number;
  /** Lamp over the centre, and its change per pixel. */
  light: number;
  slope: number;
  /** Answer of the ray sent last. */
  readonly hit: Float64Array;
}

/** Pixels first..end - 1, a ray for each, mixed with what is behind where the edge covers a part. */
function drawExact({ canvas, skin, body, cx, y, row, light, slope, hit }: Row, first: number, end: number): void {
  const { widthPx, data, blurPx } = canvas;
  const noise = canvas.noise.words;
  const { a, p, q, s } = body;
  const rim = a * 0.12;
  let n = (canvas.noise.start(canvas.k, row) >> 2) + first;
  let at = (row * widthPx + first) * 3;
  for (let column = first; column < end; column++, at += 3, n++) {
    const x = column + 0.5 - cx;
    let f = a - (p * x + 2 * q * y) * x - s * y * y;
    let share = 1;
    if (f < rim) {
      const gx = p * x + q * y;
      const gy = q * x + s * y;
      const steep = Math.sqrt(gx * gx + gy * gy);
      share = Math.min(1, 0.5 + f / (2 * (steep + blurPx * Math.abs(gx))));
      if (share <= 0) continue;
      f = Math.max(0, f);
    }
    hit[X] = x;
    hit[Y] = y;
    hit[F] = f;
    hit[LAMP] = light + x * slope;
    shoot(body, hit);
    const colour = texel(skin, hit[U]! | 0, hit[V]! | 0);
    const diffuse = hit[DULL]!;
    const sheen = hit[SHINE]! * (colour >>> 24) - NOISE_MEAN;
    const grain = noise[n]!;
    const red = (colour & 255) * diffuse + sheen + (grain & 15);
    const green = ((colour >> 8) & 255) * diffuse + sheen + ((grain >> 8) & 15);
    const blue = ((colour >> 16) & 255) * diffuse + sheen + ((grain >> 16) & 15);
    data[at] = data[at]! + share * (red - data[at]!);
    data[at + 1] = data[at + 1]! + share * (green - data[at + 1]!);
    data[at + 2] = data[at + 2]! + share * (blue - data[at + 2]!);
  }
}

/** Spans of pixels from `first` on, all covered: a ray at each end, what lies between is interpolated. */
function drawSpans(line: Row, first: number, spans: number): void {
  if (spans === 0) return;
  const { canvas, skin, body, cx, y, row, light, slope, hit } = line;
  const { widthPx, data } = canvas;
  const noise = canvas.noise.words;
  const { a, p, q, s } = body;
  let n = (canvas.noise.start(canvas.k, row) >> 2) + first;
  let at = (row * widthPx + first) * 3;
  let x = first + 0.5 - cx;
  hit[X] = x;
  hit[Y] = y;
  hit[F] = a - (p * x + 2 * q * y) * x - s * y * y;
  hit[LAMP] = light + x * slope;
  shoot(body, hit);
  for (let span = 0; span < spans; span++) {
    const fold = hit[FOLD]!;
    // Fixed point from here on: 16 bits of fraction for place and sheen, 12 for light.
    let u = (hit[U]! * 256) | 0;
    let v = (hit[V]! * 256) | 0;
    let diffuse = (hit[DULL]! * 4096) | 0;
    let shine = (hit[SHINE]! * 65536) | 0;
    x += SPAN;
    hit[X] = x;
    hit[F] = a - (p * x + 2 * q * y) * x - s * y * y;
    hit[LAMP] = light + x * slope;
    shoot(body, hit);
    if (hit[FOLD]! !== fold) {
      // The map is torn between the two ends.
      const column = first + span * SPAN;
      drawExact(line, column, column + SPAN);
      hit[X] = x;
      hit[F] = a - (p * x + 2 * q * y) * x - s * y * y;
      hit[LAMP] = light + x * slope;
      shoot(body, hit);
      at += 3 * SPAN;
      n += SPAN;
      continue;
    }
    const du = (((hit[U]! * 256) | 0) - u) >> SPAN_BITS;
    const dv = (((hit[V]! * 256) | 0) - v) >> SPAN_BITS;
    const dDiffuse = (((hit[DULL]! * 4096) | 0) - diffuse) >> SPAN_BITS;
    const dShine = (((hit[SHINE]! * 65536) | 0) - shine) >> SPAN_BITS;
    for (let i = 0; i < SPAN; i++, at += 3, n++) {
      const colour = texel(skin, u >> 8, v >> 8);
      const grain = noise[n]!;
      const sheen = (Math.imul(shine, colour >>> 24) >> 16) - NOISE_MEAN;
      data[at] = (Math.imul(colour & 255, diffuse) >> 12) + sheen + (grain & 15);
      data[at + 1] = (Math.imul((colour >> 8) & 255, diffuse) >> 12) + sheen + ((grain >> 8) & 15);
      data[at + 2] = (Math.imul((colour >> 16) & 255, diffuse) >> 12) + sheen + ((grain >> 16) & 15);
      u += du;
      v += dv;
      diffuse += dDiffuse;
      shine += dShine;
    }
  }
}

/** Sends the ray that `hit` asks for and leaves the answer there. The depth is not negative. */
function shoot(body: Body, hit: Float64Array): void {
  const x = hit[X]!;
  const y = hit[Y]!;
  const lamp = hit[LAMP]!;
  const { mx, my, mz, light, half, n0, n1, a, bx, by } = body;
  const z = (Math.sqrt(hit[F]!) - bx * x - by * y) / a;
  const q0 = mx[0]! * x + my[0]! * y + mz[0]! * z;
  const q1 = mx[1]! * x + my[1]! * y + mz[1]! * z;
  const q2 = mx[2]! * x + my[2]! * y + mz[2]! * z;
  const inv = 1 / Math.sqrt(n0 + n1 * q1 * q1);
  const lit = (light[0]! * q0 + light[1]! * q1 + light[2]! * q2) * inv;
  const up = (mz[0]! * q0 + mz[1]! * q1 + mz[2]! * q2) * inv;
  const towards = (half[0]! * q0 + half[1]! * q1 + half[2]! * q2) * inv;
  hit[DULL] = lamp * (AMBIENT + 0.1 * up + DIFFUSE * Math.max(0, lit));
  // The sheen is below one step where the half vector is far from the normal.
  hit[SHINE] = towards > 0.6 ? SHEEN[Math.min(255, towards * 256) | 0]! * lamp : 0;

  // Octahedral map; see sphere.ts.
  const a0 = Math.abs(q0);
  const a1 = Math.abs(q1);
  const a2 = Math.abs(q2);
  const sum = 1 / (a0 + a1 + a2);
  let u = q0 * sum;
  let v = q2 * sum;
  hit[FOLD] = 0;
  if (q1 < 0) {
    u = (1 - a2 * sum) * (q0 < 0 ? -1 : 1);
    v = (1 - a0 * sum) * (q2 < 0 ? -1 : 1);
    hit[FOLD] = 1 + (q0 < 0 ? 1 : 0) + (q2 < 0 ? 2 : 0);
  }
  const side = (MAP_SIZE - 1) * 128;
  hit[U] = u * side + side;
  hit[V] = v * side + side;
}

/** The skin between four texels. @param u in 256ths of a texel, as v */
function texel(skin: Skin, u: number, v: number): number {
  const column = Math.min(MAP_SIZE - 2, u >> 8);
  const row = Math.min(MAP_SIZE - 2, v >> 8);
  const fu = u - (column << 8);
  const fv = v - (row << 8);
  const t = row * MAP_SIZE + column;
  const w11 = (fu * fv) >> 8;
  const w10 = fv - w11;
  const w01 = fu - w11;
  const w00 = 256 - fu - w10;
  const c00 = skin[t]!;
  const c01 = skin[t + 1]!;
  const c10 = skin[t + MAP_SIZE]!;
  const c11 = skin[t + MAP_SIZE + 1]!;
  // Red and blue in one number, green in another: two channels are weighted by one multiplication.
  const redBlue =
    Math.imul(c00 & 0xff00ff, w00) +
    Math.imul(c01 & 0xff00ff, w01) +
    Math.imul(c10 & 0xff00ff, w10) +
    Math.imul(c11 & 0xff00ff, w11);
  const green =
    Math.imul(c00 & 0xff00, w00) +
    Math.imul(c01 & 0xff00, w01) +
    Math.imul(c10 & 0xff00, w10) +
    Math.imul(c11 & 0xff00, w11);
  return ((redBlue >>> 8) & 0xff00ff) | ((green >>> 8) & 0xff00) | (c00 & 0xff000000);
}

function bodyOf(radiusPx: number, halfHeightPx: number, r: Rotation): Body {
  const ia = 1 / radiusPx;
  const ib = 1 / halfHeightPx;
  const mx = Float64Array.of(r[0] * ia, r[1] * ib, r[2] * ia);
  const my = Float64Array.of(r[3] * ia, r[4] * ib, r[5] * ia);
  const mz = Float64Array.of(r[6] * ia, r[7] * ib, r[8] * ia);
  const along = ([x, y, z]: readonly [number, number, number]): Float64Array =>
    mx.map((value, i) => value * x + my[i]! * y + mz[i]! * z);
  const a = dot(mz, mz);
  const bx = dot(mz, mx);
  const by = dot(mz, my);
  return {
    mx,
    my,
    mz,
    light: along(LIGHT),
    half: along(HALF),
    n0: ia * ia,
    n1: ib * ib - ia * ia,
    a,
    bx,
    by,
    p: a * dot(mx, mx) - bx * bx,
    q: a * dot(mx, my) - bx * by,
    s: a * dot(my, my) - by * by,
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
}
