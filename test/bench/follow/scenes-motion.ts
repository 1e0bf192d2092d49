import { APPLE, BLUE, LEMON, LIME, PLUM, row, stage, steady, WHITE } from "./made.ts";
import type { Thing } from "./painter.ts";
import { type Scene, SPEED } from "./play.ts";

const stops = (from: number, to: number) => (t: number) => SPEED * (t < from ? t : t < to ? from : t - (to - from));

/** Held at a place along the lane from when it comes there until a moment. */
const heldAt = (start: number, place: number, until: number) => (t: number) => {
  const free = start + SPEED * t;
  if (free < place) return { x: free, y: 122 };
  return { x: t < until ? place : place + SPEED * (t - until), y: 122 };
};

function held(
  name: string,
  seconds: number,
  place: number,
  until: number,
  changes: Partial<Omit<Thing, "at">> = {},
): Scene {
  const small = { rx: 24, ry: 22, y: 40, pitch: 130 };
  const count = Math.ceil((seconds * SPEED) / 130);
  const one = { x: 0, y: 122, rx: 26, ry: 24, colour: APPLE, at: heldAt(-40, place, until), ...changes };
  return { name, seconds, stage: stage({ things: [one, ...row(count, small)] }) };
}

export const motionScenes: readonly Scene[] = [
  {
    name: "stop and go",
    seconds: 8,
    stage: stage({
      things: row(22),
      travel: (t) => SPEED * (t - Math.min(1.2, t % 2) * 0.5 - Math.floor(t / 2) * 0.6),
    }),
  },
  { name: "a stop of 10 s", seconds: 15, stage: stage({ things: row(24), travel: stops(2, 12) }) },
  {
    name: "a jam of ten touching fruit stands 5 s",
    seconds: 11,
    stage: stage({
      things: row(10, { pitch: 68, y: 80, rx: 36, ry: 34 }).map((f, i) => ({ ...f, rx: 34, ry: 33, x: -45 - i * 68 })),
      travel: stops(1.3, 6.3),
    }),
    pitchMm: 68,
  },
  held("held for 6 s, others pass", 9, 250, 6.6),
  held("held for 10 s near the entry", 12.5, 90, 10.5),
  held("held for 5 s near the exit, plum", 8, 430, 6, { colour: PLUM }),
  {
    name: "pushed back by hand and let go",
    seconds: 6,
    stage: stage({
      things: [
        {
          x: 0,
          y: 80,
          rx: 33,
          ry: 32,
          colour: LEMON,
          at: (t) => ({
            x: t < 0.8 ? -45 + SPEED * t : t < 1.4 ? 355 - 200 * (t - 0.8) : 235 + SPEED * (t - 1.4),
            y: 80,
          }),
        },
        ...row(12, { x: -600 }),
      ],
    }),
  },
  {
    name: "taken away by hand",
    seconds: 6,
    stage: stage({
      things: [
        ...row(8),
        {
          x: -925,
          y: 80,
          rx: 33,
          ry: 32,
          colour: LIME,
          at: (_, travel) => (travel - 925 > 220 ? undefined : { x: travel - 925, y: 80 }),
        },
        ...row(6, { x: -1100 }),
      ],
    }),
    due: (_, i) => (i === 8 ? "either" : "fruit"),
  },
  {
    name: "put down in the middle of the view",
    seconds: 6,
    stage: stage({
      things: [
        ...row(8),
        {
          x: -700,
          y: 80,
          rx: 33,
          ry: 32,
          colour: LIME,
          at: (t: number, travel: number) => (t < 2.0 ? undefined : { x: travel - 1000 + 250, y: 80 }),
        },
        ...row(8, { x: -1100 }),
      ].filter((f, i) => i === 8 || f.x > -600 || f.x < -1000),
    }),
  },
  {
    name: "half as fast as configured",
    seconds: 9,
    stage: stage({ things: row(14), travel: (t) => 0.5 * SPEED * t }),
    says: [{ kind: "belt-speed", from: 2 }],
  },
  {
    name: "one and a half times as fast",
    seconds: 4,
    stage: stage({ things: row(18), travel: (t) => 1.5 * SPEED * t }),
    says: [{ kind: "belt-speed", from: 1.5 }],
  },
  {
    name: "twice as fast as configured",
    seconds: 4,
    stage: stage({ things: row(20), travel: (t) => 2 * SPEED * t }),
    says: [{ kind: "belt-speed", from: 1.2 }],
  },
  {
    name: "speeds up while fruit pass",
    seconds: 6,
    stage: stage({
      things: row(30),
      travel: (t) =>
        t < 2
          ? 0.5 * SPEED * t
          : t < 3
            ? SPEED * (1 + 0.5 * (t - 2) + 0.375 * (t - 2) ** 2)
            : SPEED * (1.875 + 1.25 * (t - 3)),
    }),
  },
  {
    name: "slows down while fruit pass",
    seconds: 6,
    stage: stage({
      things: row(24),
      travel: (t) =>
        t < 2 ? SPEED * t : t < 3 ? SPEED * (2 + (t - 2) - 0.3 * (t - 2) ** 2) : SPEED * (2.7 + 0.4 * (t - 3)),
    }),
  },
  {
    name: "belt runs back for 0.6 s and on",
    seconds: 7,
    stage: stage({
      things: row(18),
      travel: (t) =>
        SPEED * (t < 1.6 ? t : t < 1.9 ? 1.6 : t < 2.5 ? 1.6 - 0.5 * (t - 1.9) : t < 2.8 ? 1.3 : 1.3 + (t - 2.8)),
    }),
  },
  {
    name: "picture upside down: fruit come from the exit",
    seconds: 5,
    stage: stage({ things: row(9), mirrored: true }),
    says: [{ kind: "belt-direction", from: 1 }],
  },
  {
    name: "runs to the left",
    seconds: 5,
    stage: stage({ things: row(9), mirrored: true }),
    lane: { direction: "left" },
  },
  {
    name: "touching chains of four",
    seconds: 6,
    stage: stage({
      things: [0, 1, 2, 3, 4].flatMap((c) =>
        [0, 1, 2, 3].map((i) => ({
          x: -45 - c * 420 - i * 66,
          y: 78 + 3 * (i % 2),
          rx: 34,
          ry: 32,
          colour: [APPLE, LIME, LEMON, APPLE][i]!,
          turn: i * 0.3,
        })),
      ),
    }),
    pitchMm: 66,
  },
  {
    name: "three sizes on one lane",
    seconds: 6,
    stage: stage({
      things: Array.from({ length: 20 }, (_, i) => ({
        x: -50 - i * 120,
        y: 70 + 10 * (i % 3),
        rx: [23, 34, 50][i % 3]!,
        ry: [22, 33, 48][i % 3]!,
        colour: [LIME, APPLE, LEMON][i % 3]!,
      })),
    }),
  },
  {
    name: "two abreast",
    seconds: 5,
    stage: stage({
      things: Array.from({ length: 24 }, (_, i) => ({
        x: -40 - Math.floor(i / 2) * 110,
        y: i % 2 === 0 ? 40 : 118,
        rx: 30,
        ry: 28,
        colour: i % 2 === 0 ? APPLE : LIME,
      })),
    }),
  },
  {
    name: "rolls faster than the belt",
    seconds: 6,
    stage: stage({
      things: [...row(8), { x: 0, y: 80, rx: 30, ry: 30, colour: LEMON, at: (t) => ({ x: -1500 + 700 * t, y: 80 }) }],
    }),
  },
  {
    name: "long fruit that tumble",
    seconds: 5,
    stage: stage({
      belt: WHITE,
      things: Array.from({ length: 16 }, (_, i) => ({
        x: -60 - i * 140,
        y: 80,
        rx: 48,
        ry: 34,
        turn: i * 0.7,
        colour: LEMON,
      })),
      travel: steady,
    }),
  },
  {
    name: "frames of half the rate from 3 s on",
    seconds: 8,
    stage: stage({ belt: BLUE, things: row(30) }),
    change: (frame) => (frame.seq > 75 && frame.seq % 2 === 1 ? undefined : frame),
  },
];
