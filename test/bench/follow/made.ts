import type { Rgb, Stage, Thing } from "./painter.ts";
import { SPEED } from "./play.ts";

/** What scenes are made of. */

export const BLUE: Rgb = [70, 90, 160];
export const GREEN_BELT: Rgb = [40, 110, 60];
export const WHITE: Rgb = [226, 227, 224];
export const BLACK: Rgb = [34, 35, 36];
export const STEEL: Rgb = [128, 130, 133];

export const APPLE: Rgb = [190, 55, 45];
export const ORANGE: Rgb = [214, 120, 60];
export const LIME: Rgb = [120, 170, 60];
export const LEMON: Rgb = [220, 200, 80];
export const PLUM: Rgb = [62, 38, 66];
export const AVOCADO: Rgb = [52, 62, 40];
export const ROTTEN: Rgb = [46, 38, 32];
export const ONION: Rgb = [236, 232, 222];

export const steady = (t: number): number => SPEED * t;

/** A row of fruit that come in one after the other, each a little different. */
export function row(
  count: number,
  changes: Partial<Thing> & { pitch?: number; colours?: readonly Rgb[] } = {},
): Thing[] {
  const { pitch = 110, colours = [ORANGE], x = -45, y = 80, rx = 35, ry = 33, ...rest } = changes;
  return Array.from({ length: count }, (_, i) => ({
    x: x - i * pitch,
    y: y + 8 * ((i % 3) - 1),
    rx: rx + (i % 4) - 2,
    ry: ry + ((i * 5) % 4) - 2,
    turn: i,
    colour: colours[i % colours.length]!,
    ...rest,
  }));
}

/** A stage with fruit on a belt that runs steadily, but for what is changed. */
export function stage(changes: Partial<Stage> = {}): Stage {
  return { belt: BLUE, things: row(9), travel: steady, ...changes };
}
