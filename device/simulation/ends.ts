import type { Appearance } from "./appearance.ts";
import type { Colour } from "./catalogue.ts";
import { smoothstep } from "./noise.ts";
import type { NoiseMaps, SphereNoise } from "./sphere.ts";
import { mix, shade } from "./texel.ts";

const RUSSET: Colour = [150, 116, 68];

/** Of each texel: x, y, z on the body. */
export type Directions = SphereNoise["directions"];
/** Noise that the peel is painted by, a byte for each texel. */
export type PeelMaps = Pick<NoiseMaps, "broad" | "fine" | "streaks" | "dots">;

/**
 * Paints what lies at the ends of the stem axis: cavity, stem and russet at +y, calyx at -y.
 *
 * @param texel RGB and gloss, changed in place
 * @param i number of the texel
 */
export function paintEnds(
  texel: Float64Array,
  appearance: Appearance,
  maps: PeelMaps,
  directions: Directions,
  i: number,
): void {
  const y = directions[3 * i + 1]!;
  if (appearance.species === "apple") {
    if (y > 0.6) stemEnd(texel, appearance, maps, directions, i);
    else if (y < -0.85) calyx(texel, directions, i);
  } else if (appearance.species === "plum") suture(texel, directions, i);
  else if (appearance.pores && Math.abs(y) > 0.955) citrusEnd(texel, directions, i);
}

function stemEnd(texel: Float64Array, appearance: Appearance, maps: PeelMaps, directions: Directions, i: number): void {
  const x = directions[3 * i]!;
  const y = directions[3 * i + 1]!;
  const z = directions[3 * i + 2]!;
  const broad = maps.broad[i]! / 255 - 0.5;
  const fine = maps.fine[i]! / 255 - 0.5;
  const stripe = maps.streaks[i]! / 255 - 0.5;
  const angle = fromPole(y);
  if (appearance.stemRusset > 0) {
    const reach = 0.16 + 0.6 * appearance.stemRusset + 0.5 * broad + 0.5 * stripe;
    mix(texel, RUSSET[0], RUSSET[1], RUSSET[2], smoothstep(reach, reach * 0.45, angle) * (0.62 + 0.8 * fine));
  }
  const wall = smoothstep(0.5, 0.16, angle);
  // One half of the cavity's wall lies in the shade of the other.
  shade(texel, 1 - 0.5 * wall * (0.75 + (0.5 * x * z) / (x * x + z * z + 1e-6)));
  if (angle < 0.13) mix(texel, 66, 46, 26, appearance.stem * smoothstep(0.13, 0.07, angle));
  texel[3] = texel[3]! * (1 - 0.8 * wall);
}

function calyx(texel: Float64Array, directions: Directions, i: number): void {
  const x = directions[3 * i]!;
  const y = directions[3 * i + 1]!;
  const z = directions[3 * i + 2]!;
  const angle = fromPole(-y);
  const wall = smoothstep(0.4, 0.14, angle);
  shade(texel, 1 - 0.42 * wall);
  if (angle < 0.24) {
    const star = 0.14 + 0.04 * Math.cos(5 * Math.atan2(z, x));
    mix(texel, 74, 62, 40, 0.9 * smoothstep(star + 0.05, star - 0.05, angle));
  }
  texel[3] = texel[3]! * (1 - 0.8 * wall);
}

function citrusEnd(texel: Float64Array, directions: Directions, i: number): void {
  const x = directions[3 * i]!;
  const y = directions[3 * i + 1]!;
  const z = directions[3 * i + 2]!;
  const angle = fromPole(Math.abs(y));
  const star = 0.07 + 0.015 * Math.cos(5 * Math.atan2(z, x));
  shade(texel, 1 - 0.2 * smoothstep(0.28, 0.08, angle));
  if (y > 0) mix(texel, 96, 104, 48, 0.9 * smoothstep(star + 0.03, star - 0.02, angle));
}

function suture(texel: Float64Array, directions: Directions, i: number): void {
  const x = directions[3 * i]!;
  const y = directions[3 * i + 1]!;
  const z = directions[3 * i + 2]!;
  const aside = Math.abs(x) / (Math.sqrt(x * x + z * z) + 1e-6);
  if (z > 0 && aside < 0.06) shade(texel, 0.78 + 3.6 * aside);
  if (y > 0.93) shade(texel, 0.6);
}

/** Angle to the pole from the cosine, radians; true to 1 % up to 1 rad. */
function fromPole(cosine: number): number {
  const square = Math.max(0, 2 - 2 * cosine);
  return Math.sqrt(square) * (1 + square / 24);
}
