import { APPLE, BLACK, BLUE, GREEN_BELT, LEMON, LIME, PLUM, row, STEEL, stage, WHITE } from "./made.ts";
import type { Rgb, Stage } from "./painter.ts";
import { type Scene, SPEED } from "./play.ts";

const times = ([r, g, b]: Rgb, by: number): Rgb => [r * by, g * by, b * by];
const mod = (x: number, by: number): number => ((x % by) + by) % by;
const noiseAt = (x: number, y: number): number => {
  const s = Math.sin(Math.floor(x) * 12.9898 + Math.floor(y) * 78.233) * 43758.5453;
  return s - Math.floor(s);
};

function scene(name: string, changes: Partial<Stage>, rest: Partial<Scene> = {}): Scene {
  return { name, seconds: 5, stage: stage({ things: row(20), ...changes }), ...rest };
}

/** Rollers of a diameter, lit from above, with gaps between them. */
const rollers =
  (colour: Rgb, pitch: number) =>
  (along: number): Rgb => {
    const u = (2 * mod(along, pitch)) / pitch - 1;
    return times(colour, Math.abs(u) > 0.9 ? 0.15 : 0.35 + 0.65 * Math.sqrt(1 - u * u));
  };

export const beltScenes: readonly Scene[] = [
  scene("a dark joint under two fruit", {
    pattern: (along) => (Math.abs(mod(along + 265, 1200) - 600) < 5 ? times(BLUE, 0.25) : undefined),
  }),
  scene("a bright joint beside fruit", {
    pattern: (along) => (Math.abs(mod(along + 210, 900) - 450) < 4 ? [210, 205, 190] : undefined),
  }),
  scene("cleats of the belt's colour", {
    pattern: (along) =>
      mod(along, 330) < 12 ? times(BLUE, 1.5) : mod(along, 330) < 20 ? times(BLUE, 0.45) : undefined,
  }),
  scene("white cleats on a green belt", {
    belt: GREEN_BELT,
    pattern: (along) => (mod(along + 55, 330) < 14 ? [200, 205, 198] : undefined),
  }),
  scene("steel rollers of 40 mm", { belt: STEEL, pattern: rollers(STEEL, 40) }),
  scene("blue rollers of 60 mm", { belt: BLUE, pattern: rollers(BLUE, 60) }),
  scene("black rollers of 76 mm, lemons", {
    belt: BLACK,
    things: row(20, { colours: [LEMON] }),
    pattern: rollers([60, 60, 62], 76),
  }),
  scene("print on the belt", {
    pattern: (along, y) =>
      mod(along, 260) < 120 && Math.abs(y - 40) < 16 && (mod(along, 24) < 7 || Math.abs(y - 40) < 4)
        ? [220, 225, 230]
        : undefined,
  }),
  scene("a round logo on a white belt", {
    belt: WHITE,
    pattern: (along, y) => {
      const d = Math.hypot(mod(along + 60, 440) - 220, y - 80);
      return d < 32 && d > 24 ? [60, 60, 150] : undefined;
    },
  }),
  scene("lines along the belt", {
    pattern: (_, y) => (Math.abs(y - 20) < 3 || Math.abs(y - 140) < 3 ? [225, 225, 225] : undefined),
  }),
  scene("dirt that travels", {
    belt: WHITE,
    pattern: (along, y) => (noiseAt(along / 9, y / 9) > 0.985 ? [120, 90, 60] : undefined),
  }),
  scene("stains of a fruit's size, faint", {
    belt: WHITE,
    pattern: (along, y) => {
      const d = Math.hypot(mod(along, 700) - 350, y - 80);
      return d < 60 ? times(WHITE, 1 - 0.12 * (1 - d / 60)) : undefined;
    },
  }),
  scene("rough belt", {
    belt: GREEN_BELT,
    pattern: (along, y) => times(GREEN_BELT, 0.85 + 0.3 * noiseAt(along / 3, y / 3)),
  }),
  scene("wet belt with reflections that stay", {
    belt: STEEL,
    lightAt: (_, x, y) =>
      1 +
      0.5 * Math.exp(-(((x - 150) / 30) ** 2)) * (0.6 + 0.4 * Math.sin(y / 9)) +
      0.4 * Math.exp(-(((x - 380) / 25) ** 2)),
  }),
  scene("wet belt with reflections that flicker", {
    belt: STEEL,
    lightAt: (t, x) => 1 + (0.3 + 0.2 * Math.sin(40 * t)) * Math.exp(-(((x - 250) / 40) ** 2)),
  }),
  scene("mesh belt", {
    belt: STEEL,
    pattern: (along, y) => (mod(along, 14) < 5 || mod(y, 14) < 5 ? STEEL : times(STEEL, 0.5)),
  }),
  scene("camera bumped by 5 mm", {
    pattern: (_, y) => (y < 12 || y > 148 ? [170, 160, 60] : undefined),
    bump: (t) => ({ x: t > 2 ? 5 : 0, y: t > 2 ? 5 : 0, turn: 0 }),
  }),
  scene("camera bumped by 2 degrees", {
    pattern: (_, y) => (y < 8 || y > 152 ? [170, 160, 60] : undefined),
    bump: (t) => ({ x: 0, y: 0, turn: t > 2 ? 0.035 : 0 }),
  }),
  scene(
    "a rail stands in view",
    {
      things: [
        ...row(20, { y: 70, rx: 30, ry: 28 }),
        { x: 0, y: 146, rx: 90, ry: 8, colour: [160, 150, 50], shape: "card", at: () => ({ x: 250, y: 146 }) },
      ],
    },
    { due: (thing) => (thing.shape === "card" ? "nothing" : "fruit") },
  ),
  scene("plums on a rough white belt", {
    belt: WHITE,
    things: row(20, { colours: [PLUM] }),
    pattern: (along, y) => times(WHITE, 0.92 + 0.1 * noiseAt(along / 4, y / 4)),
  }),
  scene(
    "narrow lane",
    { things: row(20, { colours: [APPLE, LIME], pitch: 80 }), travel: (t) => SPEED * t },
    { lane: { roi: { x: 0, y: 18, w: 320, h: 64 } }, pitchMm: 80 },
  ),
];
