import type { Colour, Variety } from "./catalogue.ts";
import { Random } from "./random.ts";
import type { Vector } from "./rotation.ts";
import { VARIANTS } from "./sphere.ts";

/** How one fruit of a variety looks, drawn once. */
export interface Appearance {
  readonly species: string;
  readonly base: Colour;
  readonly blush: Colour;
  /** Where the blush begins and where it is full, on a measure that is about uniform over the surface. */
  readonly blushFrom: number;
  readonly blushTo: number;
  readonly streaks: number;
  readonly lenticels: number;
  readonly stemRusset: number;
  /** The side that had the sun. */
  readonly sun: Vector;
  /** Which variants of the shared noise it shows. */
  readonly patches: number;
  readonly grain: number;
  readonly stripes: number;
  /** How dark the stem is, 0..1. */
  readonly stem: number;
  readonly gloss: number;
  /** Lenticels are pits, as on citrus, not light dots. */
  readonly pores: boolean;
  /** Unevenness of a stone, 0..1. */
  readonly rough: number;
  /** Waxy bloom of a plum, 0..1. */
  readonly bloom: number;
}

const GLOSS: Readonly<Record<string, number>> = { plum: 110, stone: 20 };

export function drawAppearance(seed: number, variety: Variety): Appearance {
  const random = new Random(seed, 0x736b696e);
  const base = vary(random, variety.base, 9);
  const blush = vary(random, variety.blush, 9);
  const cover = random.range(...variety.blushCover);
  const streaks = random.range(...variety.streaks);
  const soft = 0.1 + 0.1 * (1 - streaks);
  const { species } = variety;
  return {
    species,
    base,
    blush,
    // Without any cover even the sunniest spot stays below.
    blushFrom: cover <= 0 ? 2 : 1 - cover - soft,
    blushTo: cover <= 0 ? 3 : 1 - cover + soft,
    streaks,
    lenticels: random.range(...variety.lenticels),
    stemRusset: random.range(...variety.stemRusset),
    sun: random.direction(),
    patches: random.int(VARIANTS),
    grain: random.int(VARIANTS),
    stripes: random.int(VARIANTS),
    stem: random.range(0.6, 1),
    gloss: GLOSS[species] ?? 200,
    pores: species === "orange" || species === "lemon",
    rough: species === "stone" ? 0.5 : 0,
    bloom: species === "plum" ? 0.42 : 0,
  };
}

function vary(random: Random, colour: Colour, by: number): Colour {
  const light = random.range(-by, by);
  return [
    colour[0] + light + random.range(-by, by) * 0.6,
    colour[1] + light + random.range(-by, by) * 0.6,
    colour[2] + light + random.range(-by, by) * 0.6,
  ];
}
