import { APPLE, BLACK, GREEN_BELT, LEMON, PLUM, row, stage, steady, WHITE } from "./made.ts";
import { LENGTH_MM, type Stage } from "./painter.ts";
import { type Scene, SPEED } from "./play.ts";

const between = (t: number, from: number, to: number): boolean => t >= from && t < to;

function scene(name: string, seconds: number, changes: Partial<Stage>, rest: Partial<Scene> = {}): Scene {
  const count = Math.ceil((seconds * SPEED) / 110) + 1;
  return { name, seconds, stage: stage({ things: row(count), ...changes }), ...rest };
}

/** What comes into view or leaves while the lamp is off is either's. */
function dark(from: number, to: number): Pick<Scene, "due"> {
  return {
    due: (thing) => {
      const comes = (-thing.x - thing.rx) / SPEED;
      const leaves = (LENGTH_MM - thing.x + thing.rx) / SPEED;
      return comes < to + 0.05 && leaves > from - 0.35 ? "either" : "fruit";
    },
  };
}

/** A belt that stands from one moment to another. */
const stops = (from: number, to: number) => (t: number) => SPEED * (t < from ? t : t < to ? from : t - (to - from));

export const lightScenes: readonly Scene[] = [
  scene(
    "lamp out for 4 s",
    8,
    { light: (t) => (between(t, 1.5, 5.5) ? 0.03 : 1) },
    { ...dark(1.5, 5.5), says: [{ kind: "dark", from: 1.5 }] },
  ),
  scene(
    "lamp out for 8 s, white belt",
    11.5,
    { belt: WHITE, light: (t) => (between(t, 1.2, 9.2) ? 0.02 : 1) },
    { ...dark(1.2, 9.2), says: [{ kind: "dark", from: 1.2 }] },
  ),
  scene(
    "lamp out for half a second",
    5,
    { light: (t) => (between(t, 2, 2.5) ? 0.03 : 1) },
    { ...dark(2, 2.5), says: [{ kind: "dark", from: 2 }] },
  ),
  scene(
    "lamp comes back little by little",
    8,
    { light: (t) => (t < 1.5 ? 1 : t < 4 ? 0.02 : Math.min(1, 0.02 + (t - 4))) },
    { ...dark(1.5, 4.3), says: [{ kind: "dark", from: 1.5 }] },
  ),
  scene(
    "emergency stop: lamp and belt off for 5 s",
    10,
    { travel: stops(1.5, 6.5), light: (t) => (between(t, 1.5, 6.5) ? 0.03 : 1) },
    { says: [{ kind: "dark", from: 1.5 }] },
  ),
  scene(
    "emergency stop, the belt starts before the lamp",
    10,
    { travel: stops(1.5, 6), light: (t) => (between(t, 1.5, 6.5) ? 0.03 : 1) },
    { ...dark(1.5, 2.05), says: [{ kind: "dark", from: 1.5 }] },
  ),
  scene(
    "started in the dark",
    6,
    { light: (t) => (t < 2 ? 0.02 : 1) },
    { ...dark(0, 2), says: [{ kind: "dark", from: 0 }] },
  ),
  scene(
    "rolling bands of 30 %",
    4.6,
    { rowLight: (t, r) => 1 + 0.3 * Math.sin((2 * Math.PI * r) / 45 + 37 * t * 25) },
    { says: [{ kind: "flicker", from: 0.5 }] },
  ),
  scene(
    "rolling bands of 15 %, plums on white",
    4.6,
    {
      belt: WHITE,
      things: row(22, { colours: [PLUM] }),
      rowLight: (t, r) => 1 + 0.15 * Math.sin((2 * Math.PI * r) / 70 + 2.1 * t * 25),
    },
    { says: [{ kind: "flicker", from: 0.5 }] },
  ),
  scene("light from frame to frame up and down by 20 %", 4.6, {
    light: (t) => (Math.round(t * 25) % 2 === 0 ? 1 : 0.8),
  }),
  scene("light fades to a third", 5, { light: (t) => 1 - 0.67 * Math.sin((Math.PI * t) / 5) ** 2 }),
  scene("light fades to a third, lemons on green", 5, {
    belt: GREEN_BELT,
    things: row(24, { colours: [LEMON] }),
    light: (t) => 1 - 0.67 * Math.sin((Math.PI * t) / 5) ** 2,
  }),
  scene("sunlight moves over the belt", 6, {
    lightAt: (t, x, y) => (Math.abs(x + y * 0.5 - 80 - 40 * t) < 70 ? 1.5 : 1),
  }),
  scene("one of two lamps dies", 6, {
    lightAt: (t, x) => (t > 2 ? 1 - 0.6 / (1 + Math.exp(-(x - LENGTH_MM / 2) / 40)) : 1),
  }),
  scene("a reflection stands in view", 5, {
    lightAt: (_, x, y) => 1 + 0.8 * Math.exp(-((x - 300) ** 2 + (y - 40) ** 2) / 900),
  }),
  scene(
    "steam for 3 s",
    8,
    { veil: (t) => ({ colour: [225, 225, 228], share: between(t, 2, 5) ? 0.9 : 0 }) },
    { ...dark(2, 5), says: [{ kind: "blind", from: 2 }] },
  ),
  scene(
    "thin steam for 3 s",
    8,
    { veil: (t) => ({ colour: [225, 225, 228], share: between(t, 2, 5) ? 0.35 : 0 }) },
    { ...dark(2, 5) },
  ),
  scene(
    "a hand over the lens for 3 s",
    8,
    { veil: (t) => ({ colour: [190, 140, 120], share: between(t, 2, 5) ? 1 : 0 }) },
    { ...dark(2, 5), says: [{ kind: "blind", from: 2 }] },
  ),
  scene(
    "overexposed for a second",
    6,
    { belt: BLACK, things: row(28, { colours: [APPLE] }), light: (t) => (between(t, 2, 3) ? 6 : 1), travel: steady },
    { ...dark(2, 3) },
  ),
];
