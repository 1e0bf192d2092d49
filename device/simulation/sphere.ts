import { cellNoise, fractalNoise } from "./noise.ts";
import { Random } from "./random.ts";
import { type Rotation, uniformRotation } from "./rotation.ts";

/** Texels along each side of a map of the sphere: two for three pixels of a fruit 120 pixels wide. */
export const MAP_SIZE = 184;
export const MAP_TEXELS = MAP_SIZE * MAP_SIZE;

/**
 * Maps the sphere onto a square: the octahedron's faces unfolded around +y, which lies in the centre.
 * Texel centres lie on the border, so that linear interpolation needs no wrap.
 *
 * @param x unit direction, as y and z
 * @returns index of the nearest texel, 0..MAP_TEXELS - 1
 * @see Cigolle et al., "A survey of efficient representations for independent unit vectors", JCGT 2014
 */
export function nearestTexel(x: number, y: number, z: number): number {
  const inv = 1 / (Math.abs(x) + Math.abs(y) + Math.abs(z));
  let u = x * inv;
  let v = z * inv;
  if (y < 0) {
    const folded = (1 - Math.abs(v)) * (u < 0 ? -1 : 1);
    v = (1 - Math.abs(u)) * (v < 0 ? -1 : 1);
    u = folded;
  }
  const half = (MAP_SIZE - 1) / 2;
  return ((v * half + half + 0.5) | 0) * MAP_SIZE + ((u * half + half + 0.5) | 0);
}

/** Unit direction of each texel, (MAP_TEXELS * 3). */
export function texelDirections(): Float32Array {
  const directions = new Float32Array(MAP_TEXELS * 3);
  for (let row = 0, at = 0; row < MAP_SIZE; row++) {
    for (let column = 0; column < MAP_SIZE; column++, at += 3) {
      let x = (2 * column) / (MAP_SIZE - 1) - 1;
      let z = (2 * row) / (MAP_SIZE - 1) - 1;
      const y = 1 - Math.abs(x) - Math.abs(z);
      if (y < 0) {
        const folded = (1 - Math.abs(z)) * (x < 0 ? -1 : 1);
        z = (1 - Math.abs(x)) * (z < 0 ? -1 : 1);
        x = folded;
      }
      const length = Math.sqrt(x * x + y * y + z * z);
      directions[at] = x / length;
      directions[at + 1] = y / length;
      directions[at + 2] = z / length;
    }
  }
  return directions;
}

/** Noise on the sphere, one value a texel, 0..255. */
export interface NoiseMaps {
  /** Large patches. */
  readonly broad: Uint8Array;
  /** Patches of a tenth of a turn. */
  readonly mid: Uint8Array;
  /** Grain of a few pixels. */
  readonly fine: Uint8Array;
  /** Stripes along the meridians from the stem. */
  readonly streaks: Uint8Array;
  /** Distance to the nearest of many strewn points: 0 on a point. */
  readonly dots: Uint8Array;
}

/** What all fruit share. */
export interface SphereNoise {
  readonly directions: Float32Array;
  /** The same noise in different attitudes, so that two fruit seldom show the same. */
  readonly variants: readonly NoiseMaps[];
}

export const VARIANTS = 8;

/** Makes the noise that all fruit share; about 0.2 s once. */
export function makeSphereNoise(): SphereNoise {
  const directions = texelDirections();
  const first = makeMaps(directions);
  const random = new Random(0x73706865);
  const variants = [first];
  while (variants.length < VARIANTS) {
    const free = uniformRotation(random.unit(), random.unit(), random.unit());
    const c = Math.cos(variants.length);
    const s = Math.sin(variants.length);
    variants.push({
      broad: turn(first.broad, directions, free),
      mid: turn(first.mid, directions, free),
      fine: turn(first.fine, directions, free),
      // Stripes stay along the meridians.
      streaks: turn(first.streaks, directions, [c, 0, s, 0, 1, 0, -s, 0, c]),
      dots: turn(first.dots, directions, free),
    });
  }
  return { directions, variants };
}

function makeMaps(directions: Float32Array): NoiseMaps {
  const map = (at: (x: number, y: number, z: number) => number): Uint8Array => {
    const values = new Uint8Array(MAP_TEXELS);
    for (let i = 0; i < MAP_TEXELS; i++) {
      values[i] = Math.min(255, 256 * at(directions[3 * i]!, directions[3 * i + 1]!, directions[3 * i + 2]!));
    }
    return values;
  };
  return {
    broad: map((x, y, z) => fractalNoise(11, x * 1.7 + 9, y * 1.7 + 9, z * 1.7 + 9, 4)),
    mid: map((x, y, z) => fractalNoise(23, x * 5 + 9, y * 5 + 9, z * 5 + 9, 3)),
    fine: map((x, y, z) => fractalNoise(37, x * 17 + 30, y * 17 + 30, z * 17 + 30, 2)),
    streaks: map((x, y, z) => {
      const ring = Math.sqrt(x * x + z * z) + 0.12;
      return fractalNoise(53, (x / ring) * 9 + 30, y * 1.5 + 30, (z / ring) * 9 + 30, 2);
    }),
    dots: map((x, y, z) => cellNoise(71, x * 9 + 30, y * 9 + 30, z * 9 + 30)),
  };
}

function turn(map: Uint8Array, directions: Float32Array, r: Rotation): Uint8Array {
  const out = new Uint8Array(MAP_TEXELS);
  for (let i = 0; i < MAP_TEXELS; i++) {
    const x = directions[3 * i]!;
    const y = directions[3 * i + 1]!;
    const z = directions[3 * i + 2]!;
    const from = nearestTexel(
      r[0] * x + r[1] * y + r[2] * z,
      r[3] * x + r[4] * y + r[5] * z,
      r[6] * x + r[7] * y + r[8] * z,
    );
    out[i] = map[from]!;
  }
  return out;
}
