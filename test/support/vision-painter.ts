import type { Frame } from "../../device/base/frame.ts";

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

/** Shadows reach so many times as far as the body that throws them. */
const SHADOW = 1.4;

/**
 * Paints a frame: a belt under a lamp that is brighter in the middle, soft shadows, shaded ellipses, noise. Only for
 * tests: simple, and the same for the same arguments. The first of two bodies in one place is on top.
 *
 * @param light brightness of the lamp, 1 is usual
 */
export function paint(scene: Scene, bodies: readonly Body[], seq: number, light = 1): Uint8Array {
  const { widthPx, heightPx, mmPerPx, belt } = scene;
  const data = new Uint8Array(widthPx * heightPx * 3);
  const shapes = bodies.map(shapeOf).filter(({ x, reach }) => x > -reach && x < widthPx * mmPerPx + reach);
  let noise = (seq + 1) * 2654435761;
  for (let y = 0, at = 0; y < heightPx; y++) {
    for (let px = 0; px < widthPx; px++, at += 3) {
      const x = ((scene.mirrored ? widthPx - 1 - px : px) + 0.5) * mmPerPx;
      let colour = belt;
      let bright = light * (1 - 0.15 * ((2 * px) / widthPx - 1) ** 2);
      for (const shape of shapes) {
        const place = placeIn(shape, x, (y + 0.5) * mmPerPx);
        if (place < 1) {
          colour = shape.colour;
          bright = light * (1 - 0.15 * ((2 * px) / widthPx - 1) ** 2) * (0.45 + 0.55 * Math.sqrt(1 - place));
          break;
        }
        if (shape.shadow) bright *= 1 - 0.45 * Math.max(0, 1 - (Math.sqrt(place) - 1) / (SHADOW - 1));
      }
      noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
      const grain = (noise >>> 28) / 4 - 2;
      data[at] = Math.max(0, Math.min(255, colour[0] * bright + grain));
      data[at + 1] = Math.max(0, Math.min(255, colour[1] * bright + grain * 0.8));
      data[at + 2] = Math.max(0, Math.min(255, colour[2] * bright - grain * 0.6));
    }
  }
  return data;
}

/** A body with what does not change from pixel to pixel. */
interface Shape extends Body {
  readonly cos: number;
  readonly sin: number;
  readonly reach: number;
  readonly shadow: boolean;
}

function shapeOf(body: Body): Shape {
  const { rx, ry, turn = 0, shadow = true } = body;
  return { ...body, shadow, cos: Math.cos(turn), sin: Math.sin(turn), reach: SHADOW * Math.max(rx, ry) };
}

/** 0 in the centre of the ellipse, 1 on its outline. */
function placeIn({ x, y, rx, ry, cos, sin, reach }: Shape, atX: number, atY: number): number {
  const dx = atX - x;
  const dy = atY - y;
  if (dx > reach || dx < -reach || dy > reach || dy < -reach) return Number.POSITIVE_INFINITY;
  return ((dx * cos + dy * sin) / rx) ** 2 + ((dy * cos - dx * sin) / ry) ** 2;
}

/** Moment of frame 0. */
export const START = 1_700_000_000_000_000;

export function frameOf(scene: Scene, seq: number, data: Uint8Array, intervalUs = 40_000): Frame {
  const { widthPx, heightPx } = scene;
  return { seq, exposedAt: START + seq * intervalUs, status: "ok", widthPx, heightPx, data };
}
