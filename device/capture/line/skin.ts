import type { Variety } from "./catalogue.ts";
import { paintEnds } from "./ends.ts";
import { drawFaultTexel, prepareFault } from "./faults.ts";
import type { Fruit } from "./items.ts";
import { drawLook, type Look } from "./look.ts";
import { smoothstep } from "./noise.ts";
import { MAP_TEXELS, type SphereNoise, turnedTexel } from "./sphere.ts";
import { mix, shade } from "./texel.ts";

/** Colour of a fruit's whole surface, one octahedral map (see sphere.ts): red, green, blue, gloss from the low byte up. */
export type Skin = Uint32Array;

/**
 * Paints one fruit from its variety's parameters and its faults.
 *
 * @param noise shared by all fruit
 * @returns (MAP_TEXELS)
 */
export function paintSkin(fruit: Fruit, variety: Variety, noise: SphereNoise): Skin {
  const look = drawLook(fruit.seed, variety);
  const faults = fruit.faults.map((fault) => prepareFault(fault));
  const skin = new Uint32Array(MAP_TEXELS);
  const texel = new Float64Array(4);
  const { directions } = noise;
  for (let i = 0; i < MAP_TEXELS; i++) {
    const x = directions[3 * i]!;
    const y = directions[3 * i + 1]!;
    const z = directions[3 * i + 2]!;
    paintPeel(texel, look, noise, x, y, z);
    for (const fault of faults) {
      if (x * fault.x + y * fault.y + z * fault.z > fault.reach) drawFaultTexel(texel, fault, noise, x, y, z);
    }
    skin[i] = byte(texel[0]!) | (byte(texel[1]!) << 8) | (byte(texel[2]!) << 16) | (byte(texel[3]!) << 24);
  }
  return skin;
}

/** Ground colour, blush and its streaks, lenticels, and what lies at the ends. */
function paintPeel(texel: Float64Array, look: Look, noise: SphereNoise, x: number, y: number, z: number): void {
  const { base, blush, sun, streaks, lenticels } = look;
  const grain = turnedTexel(look.grain, x, y, z);
  const broad = noise.broad[turnedTexel(look.patches, x, y, z)]! / 255 - 0.5;
  const fine = noise.fine[grain]! / 255 - 0.5;
  const stripe = streaks > 0 ? noise.streaks[turnedTexel(look.meridians, x, y, z)]! / 255 - 0.5 : 0;
  const lit = x * sun[0] + y * sun[1] + z * sun[2];
  const blushed = 0.5 + 0.38 * lit + 0.55 * broad + 0.6 * streaks * stripe;
  const redness = smoothstep(look.blushFrom, look.blushTo, blushed) * (0.88 + 0.5 * streaks * stripe);
  const light = 1 + 0.16 * broad + 0.07 * fine;
  for (let c = 0; c < 3; c++) texel[c] = (base[c]! + (blush[c]! - base[c]!) * redness) * light;
  texel[3] = look.gloss;
  const dot = noise.dots[grain]! / 255;
  if (look.pores) shade(texel, 1 - 0.09 * lenticels * smoothstep(0.34, 0.08, dot) + 0.04 * smoothstep(0.4, 0.7, dot));
  else if (dot < 0.17) mix(texel, 226, 206, 160, lenticels * 0.5 * smoothstep(0.17, 0.07, dot));
  if (look.rough > 0) shade(texel, 1 + look.rough * (fine + 0.6 * broad));
  if (look.bloom > 0) mix(texel, 150, 152, 190, look.bloom * smoothstep(-0.2, 0.25, broad) * (0.9 + 0.5 * fine));
  paintEnds(texel, look, broad, fine, stripe, x, y, z);
}

function byte(value: number): number {
  return Math.max(0, Math.min(255, value)) | 0;
}
