import type { Colour, Variety } from "./catalogue.ts";
import { drawFaultTexel, type FaultPaint, prepareFault } from "./faults.ts";
import type { Fruit } from "./items.ts";
import { smoothstep } from "./noise.ts";
import { Random } from "./random.ts";
import { type Rotation, uniformRotation } from "./rotation.ts";
import { MAP_TEXELS, type SphereNoise, turned } from "./sphere.ts";

/** Colour of a fruit's whole surface, RGB and gloss (0..255 each), one octahedral map; see sphere.ts. */
export type Skin = Uint8Array;

/**
 * Paints one fruit from its variety's parameters and its faults.
 *
 * @param noise shared by all fruit
 * @returns (MAP_TEXELS * 4)
 */
export function paintSkin(fruit: Fruit, variety: Variety, noise: SphereNoise): Skin {
  const random = new Random(fruit.seed, 0x736b696e);
  const look = drawLook(random, variety);
  const faults: FaultPaint[] = fruit.faults.map((fault) => prepareFault(fault));
  const skin = new Uint8Array(MAP_TEXELS * 4);
  const texel = new Float64Array(4);
  const { directions } = noise;
  for (let i = 0; i < MAP_TEXELS; i++) {
    const x = directions[3 * i]!;
    const y = directions[3 * i + 1]!;
    const z = directions[3 * i + 2]!;
    look.paint(texel, noise, x, y, z);
    for (const fault of faults) drawFaultTexel(texel, fault, noise, x, y, z);
    skin[4 * i] = clamp(texel[0]!);
    skin[4 * i + 1] = clamp(texel[1]!);
    skin[4 * i + 2] = clamp(texel[2]!);
    skin[4 * i + 3] = clamp(texel[3]!);
  }
  return skin;
}

interface Look {
  paint(texel: Float64Array, noise: SphereNoise, x: number, y: number, z: number): void;
}

const RUSSET: Colour = [150, 116, 68];

function drawLook(random: Random, variety: Variety): Look {
  const base = vary(random, variety.base, 9);
  const blush = vary(random, variety.blush, 9);
  const cover = random.range(...variety.blushCover);
  const streaks = random.range(...variety.streaks);
  const lenticels = random.range(...variety.lenticels);
  const russet = random.range(...variety.stemRusset);
  const sun = random.direction();
  const patches = uniformRotation(random.unit(), random.unit(), random.unit());
  const grain = uniformRotation(random.unit(), random.unit(), random.unit());
  const spin = random.range(0, 2 * Math.PI);
  const meridians: Rotation = [Math.cos(spin), 0, Math.sin(spin), 0, 1, 0, -Math.sin(spin), 0, Math.cos(spin)];
  const stem = random.range(0.6, 1);
  const species = variety.species;
  const paint = (texel: Float64Array, noise: SphereNoise, x: number, y: number, z: number): void => {
    const broad = turned(noise.broad, patches, x, y, z);
    const fine = turned(noise.fine, grain, x, y, z);
    const stripe = streaks > 0 ? turned(noise.streaks, meridians, x, y, z) - 0.5 : 0;
    const lit = x * sun[0] + y * sun[1] + z * sun[2];
    // Roughly uniform over the surface, so that the threshold gives the cover asked for.
    const blushed = 0.5 + 0.38 * lit + 0.55 * (broad - 0.5) + 0.5 * streaks * stripe;
    const soft = 0.1 + 0.1 * (1 - streaks);
    const mix =
      cover <= 0 ? 0 : smoothstep(1 - cover - soft, 1 - cover + soft, blushed) * (0.86 + 0.5 * streaks * stripe);
    const shade = 1 + 0.16 * (broad - 0.5) + 0.07 * (fine - 0.5);
    for (let c = 0; c < 3; c++) texel[c] = (base[c]! + (blush[c]! - base[c]!) * Math.min(1, mix)) * shade;
    texel[3] = 200;
    if (lenticels > 0) {
      const dot = turned(noise.dots, grain, x, y, z);
      if (species === "orange" || species === "lemon") pore(texel, dot, lenticels);
      else if (dot < 0.17) mixInto(texel, 226, 206, 160, lenticels * 0.55 * smoothstep(0.17, 0.07, dot));
    }
    if (species === "apple") appleEnds(texel, russet, stem, broad, fine, stripe, x, y, z);
    else if (species === "stone") stone(texel, fine, broad);
    else if (species === "plum") plum(texel, broad, fine, x, y, z);
    else citrusEnds(texel, x, y, z);
  };
  return { paint };
}

/** Stem cavity with the stem at +y, calyx basin at -y; russet spreads from the stem. */
function appleEnds(
  texel: Float64Array,
  russet: number,
  stem: number,
  broad: number,
  fine: number,
  stripe: number,
  x: number,
  y: number,
  z: number,
): void {
  if (y > 0.6) {
    const angle = Math.acos(Math.min(1, y));
    if (russet > 0) {
      const reach = 0.16 + 0.6 * russet + 0.5 * (broad - 0.5) + 0.5 * stripe;
      mixInto(
        texel,
        RUSSET[0],
        RUSSET[1],
        RUSSET[2],
        0.85 * smoothstep(reach, reach * 0.45, angle) * (0.55 + 0.9 * (fine - 0.3)),
      );
    }
    const wall = smoothstep(0.5, 0.16, angle);
    shadeBy(texel, 1 - 0.5 * wall * (0.75 + 0.25 * Math.sin(2 * Math.atan2(z, x))));
    if (angle < 0.13) mixInto(texel, 66, 46, 26, stem * smoothstep(0.13, 0.07, angle));
    texel[3] = texel[3]! * (1 - 0.8 * wall);
  } else if (y < -0.7) {
    const angle = Math.acos(Math.min(1, -y));
    const wall = smoothstep(0.4, 0.14, angle);
    shadeBy(texel, 1 - 0.42 * wall);
    const star = 0.14 + 0.04 * Math.cos(5 * Math.atan2(z, x));
    mixInto(texel, 74, 62, 40, 0.9 * smoothstep(star + 0.05, star - 0.05, angle));
    texel[3] = texel[3]! * (1 - 0.8 * wall);
  }
}

function pore(texel: Float64Array, dot: number, depth: number): void {
  shadeBy(texel, 1 - 0.16 * depth * smoothstep(0.42, 0.1, dot) + 0.05 * smoothstep(0.4, 0.7, dot));
}

function citrusEnds(texel: Float64Array, x: number, y: number, z: number): void {
  const angle = Math.acos(Math.min(1, Math.abs(y)));
  if (angle > 0.3) return;
  const star = 0.07 + 0.015 * Math.cos(5 * Math.atan2(z, x));
  shadeBy(texel, 1 - 0.2 * smoothstep(0.28, 0.08, angle));
  if (y > 0) mixInto(texel, 96, 104, 48, 0.9 * smoothstep(star + 0.03, star - 0.02, angle));
}

function plum(texel: Float64Array, broad: number, fine: number, x: number, y: number, z: number): void {
  mixInto(texel, 150, 152, 190, 0.5 * smoothstep(0.42, 0.66, broad) * (0.6 + 0.4 * fine));
  const suture = Math.abs(x) / (Math.sqrt(x * x + z * z) + 1e-6);
  if (z > 0 && suture < 0.06) shadeBy(texel, 0.78 + 3.6 * suture);
  if (y > 0.93) shadeBy(texel, 0.6);
  texel[3] = 110;
}

function stone(texel: Float64Array, fine: number, broad: number): void {
  shadeBy(texel, 0.72 + 0.5 * fine + 0.3 * (broad - 0.5));
  texel[3] = 20;
}

function vary(random: Random, colour: Colour, by: number): Colour {
  const light = random.range(-by, by);
  return [
    colour[0] + light + random.range(-by, by) * 0.6,
    colour[1] + light + random.range(-by, by) * 0.6,
    colour[2] + light + random.range(-by, by) * 0.6,
  ];
}

function mixInto(texel: Float64Array, r: number, g: number, b: number, share: number): void {
  const s = Math.max(0, Math.min(1, share));
  texel[0] = texel[0]! + (r - texel[0]!) * s;
  texel[1] = texel[1]! + (g - texel[1]!) * s;
  texel[2] = texel[2]! + (b - texel[2]!) * s;
}

function shadeBy(texel: Float64Array, by: number): void {
  texel[0] = texel[0]! * by;
  texel[1] = texel[1]! * by;
  texel[2] = texel[2]! * by;
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, value));
}
