import type { Frame } from "../../device/capture/source.ts";

/** An ellipse on the belt. Millimetres: `x` along the travel from the entry edge, `y` across from the upper edge. */
export interface Body {
  readonly x: number;
  readonly y: number;
  /** Half axes along and across; `turn` radians. */
  readonly rx: number;
  readonly ry: number;
  readonly turn?: number;
  readonly colour: readonly [number, number, number];
  /** Whether it throws a shadow beside it; true where absent. */
  readonly shadow?: boolean;
}

export interface Scene {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly mmPerPx: number;
  readonly belt: readonly [number, number, number];
  /** Fruit move to the left in the picture. */
  readonly mirrored?: boolean;
}

export const SCENE: Scene = { widthPx: 320, heightPx: 100, mmPerPx: 1.6, belt: [70, 84, 100] };

export const RED = [170, 40, 40] as const;
export const GREEN = [120, 170, 60] as const;
export const YELLOW = [214, 200, 90] as const;

/**
 * Paints a frame: a belt under a lamp that is brighter in the middle, soft shadows, shaded ellipses, noise. Only for
 * tests: slow, simple, and the same for the same arguments.
 *
 * @param light brightness of the lamp, 1 is usual
 */
export function paint(scene: Scene, bodies: readonly Body[], seq: number, light = 1): Uint8Array {
  const { widthPx, heightPx, mmPerPx, belt } = scene;
  const data = new Uint8Array(widthPx * heightPx * 3);
  let noise = (seq + 1) * 2654435761;
  for (let y = 0, at = 0; y < heightPx; y++) {
    for (let px = 0; px < widthPx; px++, at += 3) {
      const x = ((scene.mirrored ? widthPx - 1 - px : px) + 0.5) * mmPerPx;
      const lamp = light * (1 - 0.15 * ((2 * px) / widthPx - 1) ** 2);
      const [r, g, b] = colourAt(bodies, belt, x, (y + 0.5) * mmPerPx);
      noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
      const grain = (noise >>> 28) / 4 - 2;
      data[at] = Math.max(0, Math.min(255, r * lamp + grain));
      data[at + 1] = Math.max(0, Math.min(255, g * lamp + grain * 0.8));
      data[at + 2] = Math.max(0, Math.min(255, b * lamp - grain * 0.6));
    }
  }
  return data;
}

type Colour = readonly [number, number, number];

function colourAt(bodies: readonly Body[], belt: Colour, x: number, y: number): Colour {
  let shade = 1;
  for (const body of bodies) {
    const place = placeIn(body, x, y);
    if (place < 1) return scaled(body.colour, 0.45 + 0.55 * Math.sqrt(1 - place));
    if (body.shadow !== false) shade *= 1 - 0.45 * Math.max(0, 1 - (Math.sqrt(place) - 1) / 0.4);
  }
  return scaled(belt, shade);
}

function scaled([r, g, b]: Colour, by: number): Colour {
  return [r * by, g * by, b * by];
}

/** 0 in the centre of the ellipse, 1 on its outline. */
function placeIn(body: Body, x: number, y: number): number {
  const turn = body.turn ?? 0;
  const dx = x - body.x;
  const dy = y - body.y;
  const along = dx * Math.cos(turn) + dy * Math.sin(turn);
  const across = dy * Math.cos(turn) - dx * Math.sin(turn);
  return (along / body.rx) ** 2 + (across / body.ry) ** 2;
}

/** Moment of frame 0. */
export const START = 1_700_000_000_000_000;

export function frameOf(scene: Scene, seq: number, data: Uint8Array, intervalUs = 40_000): Frame {
  const { widthPx, heightPx } = scene;
  return { seq, exposedAt: START + seq * intervalUs, status: "ok", widthPx, heightPx, data };
}
