import { AMBIENT, DIFFUSE, HALF, highlights, type Lamp, LIGHT } from "./light.ts";
import type { Rotation } from "./rotation.ts";
import { NOISE_MEAN, type SensorNoise } from "./sensor.ts";
import type { Skin } from "./skin.ts";
import { MAP_SIZE } from "./sphere.ts";

/** A frame under work. */
export interface Canvas {
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGB8, clamping: the same memory as the frame's bytes. */
  readonly data: Uint8ClampedArray;
  readonly lamp: Lamp;
  readonly gain: number;
  readonly noise: SensorNoise;
  readonly k: number;
  /** Smear along the travel during the exposure, pixels. */
  readonly blurPx: number;
}

const SHEEN = highlights();
const SHADOW_REACH = 1.4;
const SHADOW = shadowTable();

/** What is left of the light, in 256ths, for the squared distance from the shadow's centre over the squared reach. */
function shadowTable(): Uint16Array {
  const table = new Uint16Array(1024);
  for (let i = 0; i < table.length; i++) {
    const distance = Math.sqrt(i / 1023) * SHADOW_REACH;
    const t = Math.max(0, Math.min(1, (SHADOW_REACH - distance) / 0.75));
    table[i] = Math.round(256 * (1 - 0.5 * t * t * (3 - 2 * t)));
  }
  return table;
}

/**
 * Darkens the conveyor around a body.
 *
 * @param cx centre of the body, pixels, as cy
 * @param radiusPx mean radius of the body
 * @param coverPx smallest radius of the body: so much of the ground it hides for sure
 */
export function drawShadow(canvas: Canvas, cx: number, cy: number, radiusPx: number, coverPx: number): void {
  const x0 = cx + 0.1 * radiusPx;
  const y0 = cy + 0.15 * radiusPx;
  const reach = radiusPx * SHADOW_REACH;
  const inner = Math.max(0, coverPx - 2 - 0.19 * radiusPx) ** 2;
  const scale = 1023 / (reach * reach);
  const top = Math.max(0, Math.ceil(y0 - reach));
  const bottom = Math.min(canvas.heightPx - 1, Math.floor(y0 + reach));
  for (let y = top; y <= bottom; y++) {
    const dy = y + 0.5 - y0;
    const half = Math.sqrt(Math.max(0, reach * reach - dy * dy));
    // What the body itself covers needs no shadow.
    const hidden = Math.sqrt(Math.max(0, inner - dy * dy));
    darken(canvas, y, Math.ceil(x0 - half), Math.floor(x0 - hidden), x0, dy, scale);
    darken(canvas, y, Math.floor(x0 - hidden) + 1 + Math.floor(2 * hidden), Math.floor(x0 + half), x0, dy, scale);
  }
}

function darken(
  { widthPx, data }: Canvas,
  y: number,
  from: number,
  to: number,
  x0: number,
  dy: number,
  scale: number,
): void {
  const first = Math.max(0, from);
  const last = Math.min(widthPx - 1, to);
  let at = (y * widthPx + first) * 3;
  for (let x = first; x <= last; x++, at += 3) {
    const dx = x + 0.5 - x0;
    const left = SHADOW[Math.min(1023, (dx * dx + dy * dy) * scale) | 0]!;
    data[at] = (data[at]! * left) >> 8;
    data[at + 1] = (data[at + 1]! * left) >> 8;
    data[at + 2] = (data[at + 2]! * left) >> 8;
  }
}

/**
 * Draws an ellipsoid of revolution seen from straight above: every pixel's ray meets the body, the meeting point picks
 * the colour from the skin, the normal there the light. The edge is mixed by the covered share of the pixel.
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
  const { widthPx, heightPx, data, lamp, gain, blurPx } = canvas;
  const noise = canvas.noise.words;
  // Columns of the map from world pixels to the unit sphere: q = mx * x + my * y + mz * z.
  const ia = 1 / radiusPx;
  const ib = 1 / halfHeightPx;
  const mx0 = r[0] * ia;
  const mx1 = r[1] * ib;
  const mx2 = r[2] * ia;
  const my0 = r[3] * ia;
  const my1 = r[4] * ib;
  const my2 = r[5] * ia;
  const mz0 = r[6] * ia;
  const mz1 = r[7] * ib;
  const mz2 = r[8] * ia;
  const a = mz0 * mz0 + mz1 * mz1 + mz2 * mz2;
  const bx = mz0 * mx0 + mz1 * mx1 + mz2 * mx2;
  const by = mz0 * my0 + mz1 * my1 + mz2 * my2;
  // The ray meets the body where a - (p x^2 + 2 q x y + s y^2) >= 0.
  const p = a * (mx0 * mx0 + mx1 * mx1 + mx2 * mx2) - bx * bx;
  const q = a * (mx0 * my0 + mx1 * my1 + mx2 * my2) - bx * by;
  const s = a * (my0 * my0 + my1 * my1 + my2 * my2) - by * by;
  const ia2 = 1 / a;
  // The normal is the gradient of |q|^2; its products with light and half vector are linear in q, and so is its length
  // squared in q1^2, for |q| is 1.
  const l0 = mx0 * LIGHT[0] + my0 * LIGHT[1] + mz0 * LIGHT[2];
  const l1 = mx1 * LIGHT[0] + my1 * LIGHT[1] + mz1 * LIGHT[2];
  const l2 = mx2 * LIGHT[0] + my2 * LIGHT[1] + mz2 * LIGHT[2];
  const h0 = mx0 * HALF[0] + my0 * HALF[1] + mz0 * HALF[2];
  const h1 = mx1 * HALF[0] + my1 * HALF[1] + mz1 * HALF[2];
  const h2 = mx2 * HALF[0] + my2 * HALF[1] + mz2 * HALF[2];
  const n0 = ia * ia;
  const n1 = ib * ib - n0;
  const reachY = Math.sqrt((a * p) / (p * s - q * q)) + 1;
  const half = (MAP_SIZE - 1) / 2;
  const rim = a * 0.12;
  // Over one body the lamp falls off about evenly.
  const from = Math.max(0, Math.min(widthPx - 1, Math.floor(cx - radiusPx)));
  const to = Math.max(0, Math.min(widthPx - 1, Math.floor(cx + radiusPx)));
  const lightPerPx = to > from ? (lamp.columns[to]! - lamp.columns[from]!) / (to - from) : 0;
  const middleLight = lamp.columns[from]! + lightPerPx * (cx - from - 0.5);

  const top = Math.max(0, Math.floor(cy - reachY));
  const bottom = Math.min(heightPx - 1, Math.ceil(cy + reachY));
  for (let row = top; row <= bottom; row++) {
    const y = row + 0.5 - cy;
    // Ends of the row from the quadratic in x; beyond the top and bottom by less than a pixel the middle counts.
    const inside = Math.max(0, q * q * y * y - p * (s * y * y - a));
    const middle = (-q * y) / p;
    const reachX = Math.sqrt(inside) / p + 1.5 + blurPx;
    const first = Math.max(0, Math.floor(cx + middle - reachX));
    const last = Math.min(widthPx - 1, Math.ceil(cx + middle + reachX));
    const startLight = middleLight * lamp.rows[row]! * gain;
    const slopeLight = lightPerPx * lamp.rows[row]! * gain;
    let n = (canvas.noise.start(canvas.k, row) >> 2) + first;
    let at = (row * widthPx + first) * 3;
    for (let column = first; column <= last; column++, at += 3, n++) {
      const x = column + 0.5 - cx;
      let f = a - (p * x + 2 * q * y) * x - s * y * y;
      let share = 1;
      if (f < rim) {
        const gx = p * x + q * y;
        const gy = q * x + s * y;
        const slope = Math.sqrt(gx * gx + gy * gy);
        const ramp = 1 + (blurPx * Math.abs(gx)) / slope;
        share = 0.5 + f / (2 * slope * ramp);
        if (share <= 0) continue;
        if (share > 1) share = 1;
        if (f < 0) f = 0;
      }
      const z = (Math.sqrt(f) - bx * x - by * y) * ia2;
      const q0 = mx0 * x + my0 * y + mz0 * z;
      const q1 = mx1 * x + my1 * y + mz1 * z;
      const q2 = mx2 * x + my2 * y + mz2 * z;

      const inv = 1 / Math.sqrt(n0 + n1 * q1 * q1);
      const lit = (l0 * q0 + l1 * q1 + l2 * q2) * inv;
      const shine = (h0 * q0 + h1 * q1 + h2 * q2) * inv;
      const light = startLight + x * slopeLight;
      const diffuse = light * (AMBIENT + 0.1 * (mz0 * q0 + mz1 * q1 + mz2 * q2) * inv + DIFFUSE * Math.max(0, lit));

      // Octahedral map, linear between four texels; see sphere.ts.
      const a0 = Math.abs(q0);
      const a1 = Math.abs(q1);
      const a2 = Math.abs(q2);
      const fold = 1 / (a0 + a1 + a2);
      let u = q0 * fold;
      let v = q2 * fold;
      if (q1 < 0) {
        const folded = (1 - a2 * fold) * (q0 < 0 ? -1 : 1);
        v = (1 - a0 * fold) * (q2 < 0 ? -1 : 1);
        u = folded;
      }
      const tu = u * half + half;
      const tv = v * half + half;
      let iu = tu | 0;
      let iv = tv | 0;
      if (iu > MAP_SIZE - 2) iu = MAP_SIZE - 2;
      if (iv > MAP_SIZE - 2) iv = MAP_SIZE - 2;
      const fu = ((tu - iu) * 256) | 0;
      const fv = ((tv - iv) * 256) | 0;
      const t = iv * MAP_SIZE + iu;
      const w11 = (fu * fv) >> 8;
      const w10 = fv - w11;
      const w01 = fu - w11;
      const w00 = 256 - fu - w10;
      const c00 = skin[t]!;
      const c01 = skin[t + 1]!;
      const c10 = skin[t + MAP_SIZE]!;
      const c11 = skin[t + MAP_SIZE + 1]!;
      // Red and blue in one number, green in another: two channels are weighted by one multiplication.
      const rb =
        Math.imul(c00 & 0xff00ff, w00) +
        Math.imul(c01 & 0xff00ff, w01) +
        Math.imul(c10 & 0xff00ff, w10) +
        Math.imul(c11 & 0xff00ff, w11);
      const green = ((c00 & 0xff00) * w00 + (c01 & 0xff00) * w01 + (c10 & 0xff00) * w10 + (c11 & 0xff00) * w11) >> 16;
      const red = (rb >>> 8) & 0xff;
      const blue = rb >>> 24;
      // The sheen is below one step where the half vector is far from the normal.
      const sheen = shine > 0.65 ? SHEEN[(shine * 256) | 0]! * (c00 >>> 24) * light : 0;
      if (share === 1) {
        const grain = noise[n]!;
        const floor = sheen - NOISE_MEAN;
        data[at] = red * diffuse + floor + (grain & 15);
        data[at + 1] = green * diffuse + floor + ((grain >> 8) & 15);
        data[at + 2] = blue * diffuse + floor + ((grain >> 16) & 15);
      } else {
        data[at] = data[at]! + share * (red * diffuse + sheen - data[at]!);
        data[at + 1] = data[at + 1]! + share * (green * diffuse + sheen - data[at + 1]!);
        data[at + 2] = data[at + 2]! + share * (blue * diffuse + sheen - data[at + 2]!);
      }
    }
  }
}
