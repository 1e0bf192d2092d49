import { type Appearance, drawAppearance } from "./appearance.ts";
import type { Variety } from "./catalogue.ts";
import { type Directions, type PeelMaps, paintEnds } from "./ends.ts";
import { drawFaultTexel, type FaultPaint, prepareFault } from "./faults.ts";
import type { Fruit } from "./items.ts";
import { smoothstep } from "./noise.ts";
import { MAP_TEXELS, type SphereNoise } from "./sphere.ts";
import { mix, shade } from "./texel.ts";

/** Colour of a fruit's whole surface, one octahedral map (see sphere.ts): red, green, blue, gloss from the low byte up. */
export type Skin = Uint32Array;

/** Paints one fruit from its variety's parameters and its faults, in as many steps as its maker likes. */
export class SkinPainter {
  readonly #skin: Skin = new Uint32Array(MAP_TEXELS);
  readonly #texel = new Float64Array(4);
  readonly #appearance: Appearance;
  readonly #faults: readonly FaultPaint[];
  readonly #noise: SphereNoise;
  readonly #maps: PeelMaps;
  #done = 0;

  /** @param noise shared by all fruit */
  constructor(fruit: Fruit, variety: Variety, noise: SphereNoise) {
    this.#appearance = drawAppearance(fruit.seed, variety);
    this.#faults = fruit.faults.map((fault) => prepareFault(fault));
    this.#noise = noise;
    const grain = noise.variants[this.#appearance.grain]!;
    this.#maps = {
      broad: noise.variants[this.#appearance.patches]!.broad,
      streaks: noise.variants[this.#appearance.stripes]!.streaks,
      fine: grain.fine,
      dots: grain.dots,
    };
  }

  /** Paints so many texels more. */
  advance(texels: number): void {
    const end = Math.min(MAP_TEXELS, this.#done + texels);
    const texel = this.#texel;
    const noise = this.#noise;
    const { directions } = noise;
    const maps = this.#maps;
    for (let i = this.#done; i < end; i++) {
      // Directions are read where they are needed: as arguments each would be an object on the heap.
      paintPeel(texel, this.#appearance, maps, directions, i);
      for (const fault of this.#faults) {
        const along =
          directions[3 * i]! * fault.x + directions[3 * i + 1]! * fault.y + directions[3 * i + 2]! * fault.z;
        if (along > fault.reach) drawFaultTexel(texel, fault, noise, i);
      }
      this.#skin[i] = byte(texel[0]!) | (byte(texel[1]!) << 8) | (byte(texel[2]!) << 16) | (byte(texel[3]!) << 24);
    }
    this.#done = end;
  }

  /** Paints the rest. @returns (MAP_TEXELS) */
  finish(): Skin {
    this.advance(MAP_TEXELS);
    return this.#skin;
  }
}

/** Ground colour, blush and its streaks, lenticels, and what lies at the ends; for texel i. */
function paintPeel(
  texel: Float64Array,
  appearance: Appearance,
  maps: PeelMaps,
  directions: Directions,
  i: number,
): void {
  const { base, blush, sun, streaks, lenticels } = appearance;
  const broad = maps.broad[i]! / 255 - 0.5;
  const fine = maps.fine[i]! / 255 - 0.5;
  const stripe = maps.streaks[i]! / 255 - 0.5;
  const lit = directions[3 * i]! * sun[0] + directions[3 * i + 1]! * sun[1] + directions[3 * i + 2]! * sun[2];
  const blushed = 0.5 + 0.38 * lit + 0.55 * broad + 0.6 * streaks * stripe;
  const redness = smoothstep(appearance.blushFrom, appearance.blushTo, blushed) * (0.88 + 0.5 * streaks * stripe);
  const light = 1 + 0.16 * broad + 0.07 * fine;
  for (let c = 0; c < 3; c++) texel[c] = (base[c]! + (blush[c]! - base[c]!) * redness) * light;
  texel[3] = appearance.gloss;
  const dot = maps.dots[i]! / 255;
  if (appearance.pores)
    shade(texel, 1 - 0.09 * lenticels * smoothstep(0.34, 0.08, dot) + 0.04 * smoothstep(0.4, 0.7, dot));
  else if (dot < 0.17) mix(texel, 226, 206, 160, lenticels * 0.5 * smoothstep(0.17, 0.07, dot));
  if (appearance.rough > 0) shade(texel, 1 + appearance.rough * (fine + 0.6 * broad));
  if (appearance.bloom > 0)
    mix(texel, 150, 152, 190, appearance.bloom * smoothstep(-0.2, 0.25, broad) * (0.9 + 0.5 * fine));
  paintEnds(texel, appearance, maps, directions, i);
}

function byte(value: number): number {
  return Math.max(0, Math.min(255, value)) | 0;
}
