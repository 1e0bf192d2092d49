import type { Frame } from "../../../device/base/frame.ts";
import { row, stage } from "./made.ts";
import type { Thing } from "./painter.ts";
import { type Due, type Scene, SPEED } from "./play.ts";

let kept: Uint8Array | undefined;

function scene(name: string, change: (frame: Frame) => Frame | undefined, rest: Partial<Scene> = {}): Scene {
  return { name, seconds: 6, stage: stage({ things: row(28) }), change, ...rest };
}

/** In view or to come between two moments. */
const around =
  (from: number, to: number) =>
  (thing: Thing): Due =>
    (-thing.x - 60) / SPEED < to && (560 - thing.x) / SPEED > from ? "either" : "fruit";

const dice = (seq: number, salt: number): number => (Math.imul(seq + salt, 2654435761) >>> 24) / 256;

export const pictureScenes: readonly Scene[] = [
  scene(
    "camera repeats one picture for 2 s",
    (frame) => {
      if (frame.seq === 50) kept = frame.data.slice();
      return frame.seq >= 50 && frame.seq < 100 ? { ...frame, data: kept! } : frame;
    },
    { due: around(2, 4), says: [{ kind: "frozen", from: 2 }] },
  ),
  scene(
    "lower half grey in one frame of five",
    (frame) => {
      if (frame.seq < 10 || frame.seq % 5 !== 0) return frame;
      const data = frame.data.slice();
      data.fill(128, data.length >> 1);
      return { ...frame, data };
    },
    { says: [{ kind: "torn", from: 1 }] },
  ),
  scene("a quarter of the frames lost", (frame) => (dice(frame.seq, 3) < 0.25 ? undefined : frame)),
  scene("a quarter of the frames incomplete", (frame) =>
    dice(frame.seq, 5) < 0.25 ? { ...frame, status: "incomplete" } : frame,
  ),
  scene(
    "times go back by an hour",
    (frame) => (frame.seq >= 75 ? { ...frame, exposedAt: frame.exposedAt - 3_600_000_000 } : frame),
    { due: around(0, 9), says: [{ kind: "frame-times", from: 3 }] },
  ),
  scene(
    "frames of another size for a second",
    (frame) =>
      frame.seq >= 60 && frame.seq < 85
        ? { ...frame, widthPx: 160, heightPx: 50, data: frame.data.slice(0, 160 * 50 * 3) }
        : frame,
    {
      due: around(2.4, 3.4),
      says: [{ kind: "frame-size", from: 2.4 }],
    },
  ),
  scene(
    "frames of half the rate for good",
    (frame) =>
      frame.seq > 70 && frame.seq % 2 === 1
        ? undefined
        : { ...frame, seq: frame.seq > 70 ? 70 + (frame.seq - 70) / 2 : frame.seq },
    {
      says: [{ kind: "frame-rate", from: 3.5 }],
    },
  ),
  scene("counts anew", (frame) => ({ ...frame, seq: frame.seq % 61 })),
  {
    name: "fruit larger than the configuration allows",
    seconds: 5,
    stage: stage({ things: row(16, { rx: 50, ry: 48, pitch: 150 }) }),
    lane: { fruitMm: { min: 20, max: 60 } },
    due: () => "either",
    says: [{ kind: "fruit-size", from: 2 }],
  },
];
