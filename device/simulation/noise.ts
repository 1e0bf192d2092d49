import { hash32 } from "./random.ts";

/**
 * Value noise on the integer lattice, smoothly interpolated (quintic, as in Perlin's "Improving noise", 2002).
 *
 * @returns 0..1, mean about 0.5
 */
export function valueNoise(seed: number, x: number, y: number, z: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const iz = Math.floor(z);
  const fx = x - ix;
  const fy = y - iy;
  const fz = z - iz;
  const u = fx * fx * fx * (fx * (fx * 6 - 15) + 10);
  const v = fy * fy * fy * (fy * (fy * 6 - 15) + 10);
  const w = fz * fz * fz * (fz * (fz * 6 - 15) + 10);
  const near = plane(seed, ix, iy, iz, u, v);
  return near + w * (plane(seed, ix, iy, iz + 1, u, v) - near);
}

/**
 * Fractal sum of value noise: each octave has twice the frequency and half the weight.
 *
 * @returns 0..1, mean about 0.5
 */
export function fractalNoise(seed: number, x: number, y: number, z: number, octaves: number): number {
  let sum = 0;
  let weight = 0;
  for (let octave = 0, scale = 1, share = 1; octave < octaves; octave++, scale *= 2, share /= 2) {
    sum += share * valueNoise(seed + octave, x * scale, y * scale, z * scale);
    weight += share;
  }
  return sum / weight;
}

/**
 * Distance to the nearest of points strewn one per lattice cell.
 *
 * @returns 0..about 1.2, in cells
 * @see Worley, "A cellular texture basis function", 1996
 */
export function cellNoise(seed: number, x: number, y: number, z: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const iz = Math.floor(z);
  let nearest = 4;
  for (let dz = -1; dz <= 1; dz++) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const h = lattice(seed, ix + dx, iy + dy, iz + dz);
        const px = ix + dx + (h & 1023) / 1023 - x;
        const py = iy + dy + ((h >>> 10) & 1023) / 1023 - y;
        const pz = iz + dz + ((h >>> 20) & 1023) / 1023 - z;
        nearest = Math.min(nearest, px * px + py * py + pz * pz);
      }
    }
  }
  return Math.sqrt(nearest);
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

function plane(seed: number, ix: number, iy: number, iz: number, u: number, v: number): number {
  const a = lattice(seed, ix, iy, iz) / 4294967296;
  const b = lattice(seed, ix + 1, iy, iz) / 4294967296;
  const c = lattice(seed, ix, iy + 1, iz) / 4294967296;
  const d = lattice(seed, ix + 1, iy + 1, iz) / 4294967296;
  const top = a + u * (b - a);
  return top + v * (c + u * (d - c) - top);
}

/** {@link hash32} of a lattice point, without the cost of its rest parameters. */
function lattice(seed: number, x: number, y: number, z: number): number {
  let h = Math.imul(x, 0x8da6b343) ^ Math.imul(y, 0xd8163841) ^ Math.imul(z, 0xcb1ab31f) ^ Math.imul(seed, 0x9e3779b9);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A seed for a named use, so that two uses of one seed are independent. */
export function seedFor(seed: number, use: number): number {
  return hash32(seed, use) & 0xffff;
}
