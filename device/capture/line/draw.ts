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
const SHADOW_REACH = 1.5;
const SHADOW = shadowTable();

/** Darkness under a body for the squared distance from the shadow's centre over the squared reach, (257). */
function shadowTable(): Float32Array {
  const table = new Float32Array(258);
  for (let i = 0; i < 257; i++) {
    const distance = Math.sqrt(i / 256) * SHADOW_REACH;
    const t = Math.max(0, Math.min(1, (SHADOW_REACH - distance) / 0.85));
    table[i] = 1 - 0.5 * t * t * (3 - 2 * t);
  }
  table[257] = 1;
  return table;
}

/**
 * Darkens the conveyor around a body.
 *
 * @param cx centre of the body, pixels, as cy
 * @param radiusPx of the body
 */
export function drawShadow(canvas: Canvas, cx: number, cy: number, radiusPx: number): void {
  const { widthPx, heightPx, data } = canvas;
  const x0 = cx + 0.1 * radiusPx;
  const y0 = cy + 0.15 * radiusPx;
  const reach = radiusPx * SHADOW_REACH;
  const inner = (radiusPx * 0.7) ** 2;
  const scale = 256 / (reach * reach);
  const top = Math.max(0, Math.ceil(y0 - reach));
  const bottom = Math.min(heightPx - 1, Math.floor(y0 + reach));
  for (let y = top; y <= bottom; y++) {
    const dy = y + 0.5 - y0;
    const half = Math.sqrt(Math.max(0, reach * reach - dy * dy));
    const end = Math.min(widthPx - 1, Math.floor(x0 + half));
    for (let x = Math.max(0, Math.ceil(x0 - half)); x <= end; x++) {
      const dx = x + 0.5 - x0;
      const square = dx * dx + dy * dy;
      // What the body itself covers needs no shadow.
      if (square < inner) {
        x += Math.max(0, Math.floor(Math.sqrt(inner - dy * dy) - dx) - 1);
        continue;
      }
      const by = SHADOW[Math.min(257, (square * scale) | 0)]!;
      const at = (y * widthPx + x) * 3;
      data[at] = data[at]! * by;
      data[at + 1] = data[at + 1]! * by;
      data[at + 2] = data[at + 2]! * by;
    }
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
  const noise = canvas.noise.bytes;
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
  const reachY = Math.sqrt((a * p) / (p * s - q * q)) + 1;
  const half = (MAP_SIZE - 1) / 2;
  const stride = MAP_SIZE * 4;
  const rim = a * 0.12;

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
    const rowLight = lamp.rows[row]! * gain;
    let n = canvas.noise.start(canvas.k, row) + first * 3;
    let at = (row * widthPx + first) * 3;
    for (let column = first; column <= last; column++, at += 3, n += 3) {
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

      // Normal in the world: gradient of |q|^2.
      const nx = mx0 * q0 + mx1 * q1 + mx2 * q2;
      const ny = my0 * q0 + my1 * q1 + my2 * q2;
      const nz = mz0 * q0 + mz1 * q1 + mz2 * q2;
      const inv = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz);
      const lit = (nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2]) * inv;
      const shine = (nx * HALF[0] + ny * HALF[1] + nz * HALF[2]) * inv;
      const light = lamp.columns[column]! * rowLight;
      const diffuse = light * (AMBIENT + 0.1 * nz * inv + DIFFUSE * Math.max(0, lit));

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
      const fu = tu - iu;
      const fv = tv - iv;
      const t = iv * stride + iu * 4;
      const w11 = fu * fv;
      const w10 = fv - w11;
      const w01 = fu - w11;
      const w00 = 1 - fu - w10;
      const b = t + stride;
      const gloss = skin[t + 3]! * (1 / 255);
      const sheen = shine > 0 ? SHEEN[(shine * 256) | 0]! * gloss * light : 0;
      const red = skin[t]! * w00 + skin[t + 4]! * w01 + skin[b]! * w10 + skin[b + 4]! * w11;
      const green = skin[t + 1]! * w00 + skin[t + 5]! * w01 + skin[b + 1]! * w10 + skin[b + 5]! * w11;
      const blue = skin[t + 2]! * w00 + skin[t + 6]! * w01 + skin[b + 2]! * w10 + skin[b + 6]! * w11;
      if (share === 1) {
        data[at] = red * diffuse + sheen + noise[n]! - NOISE_MEAN;
        data[at + 1] = green * diffuse + sheen + noise[n + 1]! - NOISE_MEAN;
        data[at + 2] = blue * diffuse + sheen + noise[n + 2]! - NOISE_MEAN;
      } else {
        data[at] = data[at]! + share * (red * diffuse + sheen - data[at]!);
        data[at + 1] = data[at + 1]! + share * (green * diffuse + sheen - data[at + 1]!);
        data[at + 2] = data[at + 2]! + share * (blue * diffuse + sheen - data[at + 2]!);
      }
    }
  }
}
