import { APPLE, LEMON, row, stage, WHITE } from "./made.ts";
import type { Rgb, Thing } from "./painter.ts";
import type { Scene } from "./play.ts";

/** Fruit, and among them something else. */
function among(name: string, strange: Partial<Thing> & { rx: number; ry: number; colour: Rgb }, belt?: Rgb): Scene {
  const fruit = row(16, { pitch: 150 });
  const others: Thing[] = [1, 5, 9].map((i, k) => ({
    x: fruit[i]!.x - 75,
    y: 80,
    turn: 0.5 + k,
    shadow: 0.2,
    ...strange,
  }));
  const apart = fruit.filter((_, i) => ![1, 2, 5, 6, 9, 10].includes(i));
  return {
    name,
    seconds: 5,
    stage: stage({ things: [...apart, ...others], ...(belt === undefined ? {} : { belt }) }),
    due: (_, i) => (i < apart.length ? "fruit" : "nothing"),
  };
}

export const strangeScenes: readonly Scene[] = [
  among("leaves", { shape: "leaf", rx: 45, ry: 16, colour: [70, 130, 50] }),
  among("small leaves", { shape: "leaf", rx: 18, ry: 8, colour: [70, 130, 50] }),
  among("twigs", { shape: "twig", rx: 50, ry: 5, colour: [110, 80, 50] }),
  among("labels", { shape: "card", rx: 32, ry: 20, colour: [240, 240, 235], skin: 0 }),
  among("labels on white", { shape: "card", rx: 32, ry: 20, colour: [60, 110, 180], skin: 0 }, WHITE),
  among("gloves", { shape: "hand", rx: 60, ry: 55, colour: [60, 140, 200], skin: 0.02 }, WHITE),
  among("hands", { shape: "hand", rx: 60, ry: 55, colour: [205, 150, 125], skin: 0.02 }),
  among("tools", { shape: "card", rx: 70, ry: 9, colour: [150, 152, 155], skin: 0.02 }),
  among("cards larger than a fruit", { shape: "card", rx: 70, ry: 60, colour: [210, 180, 140], skin: 0 }),
  among("crumbs", { rx: 9, ry: 8, colour: LEMON }),
  among("half fruit", { shape: "half", rx: 36, ry: 36, colour: APPLE }),
];
