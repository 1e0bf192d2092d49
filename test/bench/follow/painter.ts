import type { Frame } from "../../../device/base/frame.ts";

export type Rgb = readonly [number, number, number];

export type Shape = "fruit" | "card" | "leaf" | "half" | "twig" | "hand";

/** A thing on the belt. Millimetres: along the travel from the entry edge at the start, across from the upper edge. */
export interface Thing {
  readonly x: number;
  readonly y: number;
  /** Half axes along and across. */
  readonly rx: number;
  readonly ry: number;
  readonly turn?: number;
  readonly colour: Rgb;
  readonly shape?: Shape;
  /** Share of the light that its shadow takes; 0.4 where absent. */
  readonly shadow?: number;
  /** Amplitude of its skin's pattern, as a share; 0.08 where absent. */
  readonly skin?: number;
  /** Where it is at a moment, if it does not ride on the belt; undefined: it is not there. */
  readonly at?: (t: number, travel: number) => { readonly x: number; readonly y: number } | undefined;
}

export interface Stage {
  readonly belt: Rgb;
  readonly things: readonly Thing[];
  /** How far the belt has moved, millimetres. */
  readonly travel: (t: number) => number;
  /** Brightness of the lamp at a moment; 1 where absent. */
  readonly light?: (t: number) => number;
  /** And at a place: along, across, millimetres. */
  readonly lightAt?: (t: number, x: number, y: number) => number;
  /** And in a row of the picture: a rolling shutter. */
  readonly rowLight?: (t: number, row: number) => number;
  /** Colour of the belt at a place on it, where it is not plain; along goes with the belt. */
  readonly pattern?: (along: number, y: number) => Rgb | undefined;
  /** What lies before the lens: colour and how much of the view it takes. */
  readonly veil?: (t: number) => { readonly colour: Rgb; readonly share: number };
  /** Standard deviation of a pixel, grey levels. */
  readonly noise?: number;
  readonly grey?: boolean;
  readonly mirrored?: boolean;
  /** The camera's shift in millimetres and turn in radians. */
  readonly bump?: (t: number) => { readonly x: number; readonly y: number; readonly turn: number };
}

export const WIDTH_PX = 320;
export const HEIGHT_PX = 100;
export const MM_PER_PX = 1.6;
export const LENGTH_MM = WIDTH_PX * MM_PER_PX;
export const WIDTH_MM = HEIGHT_PX * MM_PER_PX;
export const FPS = 25;
export const START_US = 1_700_000_000_000_000;

/** A channel that differs by so much is a difference that can be seen. */
const VISIBLE = 6;
/** Shadows reach so many times as far as what throws them. */
const SHADOW_REACH = 1.4;
/** Brightness of the lamp at the ends of the view, against the middle. */
const EDGE_LIGHT = 0.85;

/** Paints a stage frame by frame, and tells how much of each thing could be seen. The same for the same arguments. */
export class Painter {
  readonly #stage: Stage;
  readonly #plane = new Float32Array(WIDTH_PX * HEIGHT_PX * 3);
  readonly #noise = new Float32Array(65_536);
  /** Share of each thing's area that differed visibly from the belt in the last frame. */
  readonly seen: Float32Array;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.seen = new Float32Array(stage.things.length);
    let state = 12345;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 8) / 16_777_216;
    };
    for (let i = 0; i < this.#noise.length; i++) {
      this.#noise[i] = (random() + random() + random() - 1.5) * 2 * (stage.noise ?? 2);
    }
  }

  frame(seq: number): Frame {
    const stage = this.#stage;
    const t = seq / FPS;
    const travel = stage.travel(t);
    this.#paintBelt(t, travel);
    for (const thing of stage.things)
      this.#eachPixel(thing, t, travel, SHADOW_REACH, (p, place) => this.#shade(thing, p, place));
    for (let i = stage.things.length - 1; i >= 0; i--) this.#paintThing(i, t, travel);
    return {
      seq,
      exposedAt: START_US + Math.round(t * 1e6),
      status: "ok",
      widthPx: WIDTH_PX,
      heightPx: HEIGHT_PX,
      data: this.#develop(seq, t),
    };
  }

  #paintBelt(t: number, travel: number): void {
    const { belt, pattern, mirrored, bump } = this.#stage;
    const plane = this.#plane;
    const { x: dx, y: dy, turn } = bump?.(t) ?? { x: 0, y: 0, turn: 0 };
    for (let row = 0, p = 0; row < HEIGHT_PX; row++) {
      for (let col = 0; col < WIDTH_PX; col++, p += 3) {
        const y = (row + 0.5) * MM_PER_PX;
        const x = ((mirrored ? WIDTH_PX - 1 - col : col) + 0.5) * MM_PER_PX;
        const colour =
          pattern?.(x + dx - turn * (y - WIDTH_MM / 2) - travel, y + dy + turn * (x - LENGTH_MM / 2)) ?? belt;
        plane[p] = colour[0];
        plane[p + 1] = colour[1];
        plane[p + 2] = colour[2];
      }
    }
  }

  #shade(thing: Thing, p: number, place: number): void {
    if (place < 1) return;
    const dark = 1 - (thing.shadow ?? 0.4) * Math.max(0, 1 - (Math.sqrt(place) - 1) / (SHADOW_REACH - 1));
    const plane = this.#plane;
    plane[p]! *= dark;
    plane[p + 1]! *= dark;
    plane[p + 2]! *= dark;
  }

  #paintThing(index: number, t: number, travel: number): void {
    const thing = this.#stage.things[index]!;
    const plane = this.#plane;
    const [r, g, b] = thing.colour;
    const light = this.#stage.light?.(t) ?? 1;
    const flat = thing.shape !== undefined && thing.shape !== "fruit" && thing.shape !== "half";
    const skin = thing.skin ?? 0.08;
    let area = 0;
    let seen = 0;
    this.#eachPixel(thing, t, travel, 1, (p, place, u, v) => {
      const lit =
        (flat ? 1 : 0.5 + 0.5 * Math.sqrt(1 - place)) * (1 + skin * Math.sin(7 * u + 4 * v + index + travel / 30));
      area++;
      const off = Math.max(
        Math.abs(plane[p]! - r * lit),
        Math.abs(plane[p + 1]! - g * lit),
        Math.abs(plane[p + 2]! - b * lit),
      );
      if (off * light >= VISIBLE) seen++;
      plane[p] = r * lit;
      plane[p + 1] = g * lit;
      plane[p + 2] = b * lit;
    });
    const whole = (Math.PI * thing.rx * thing.ry) / MM_PER_PX ** 2;
    this.seen[index] = area > 0.9 * whole ? seen / area : 0;
  }

  /** Calls back for each pixel of a thing, with its place: 0 in the middle, 1 on the outline. */
  #eachPixel(
    thing: Thing,
    t: number,
    travel: number,
    reach: number,
    paint: (p: number, place: number, u: number, v: number) => void,
  ): void {
    const { mirrored, bump } = this.#stage;
    const where = thing.at === undefined ? { x: thing.x + travel, y: thing.y } : thing.at(t, travel);
    if (where === undefined) return;
    const { x: dx, y: dy, turn: tilt } = bump?.(t) ?? { x: 0, y: 0, turn: 0 };
    const cx = where.x - dx + tilt * (where.y - WIDTH_MM / 2);
    const cy = where.y - dy - tilt * (where.x - LENGTH_MM / 2);
    const { rx, ry, turn = 0, shape = "fruit" } = thing;
    const radius = reach * Math.max(rx, ry);
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const row0 = Math.max(0, Math.floor((cy - radius) / MM_PER_PX));
    const row1 = Math.min(HEIGHT_PX - 1, Math.ceil((cy + radius) / MM_PER_PX));
    const col0 = Math.max(0, Math.floor((cx - radius) / MM_PER_PX));
    const col1 = Math.min(WIDTH_PX - 1, Math.ceil((cx + radius) / MM_PER_PX));
    for (let row = row0; row <= row1; row++) {
      for (let col = col0; col <= col1; col++) {
        const ex = (col + 0.5) * MM_PER_PX - cx;
        const ey = (row + 0.5) * MM_PER_PX - cy;
        const u = (ex * cos + ey * sin) / rx;
        const v = (ey * cos - ex * sin) / ry;
        const place = placeIn(shape, u, v);
        if (place < reach * reach) paint((row * WIDTH_PX + (mirrored ? WIDTH_PX - 1 - col : col)) * 3, place, u, v);
      }
    }
  }

  /** Light, veil, the camera's noise, and a grey camera's one channel. */
  #develop(seq: number, t: number): Uint8Array {
    const { light, lightAt, rowLight, veil, grey } = this.#stage;
    const plane = this.#plane;
    const noise = this.#noise;
    const data = new Uint8Array(plane.length);
    const lamp = light?.(t) ?? 1;
    const haze = veil?.(t);
    const clear = 1 - (haze?.share ?? 0);
    let q = (Math.imul(seq + 1, 2654435761) >>> 16) & 65_535;
    for (let row = 0, p = 0; row < HEIGHT_PX; row++) {
      const rowLamp = lamp * (rowLight?.(t, row) ?? 1);
      for (let col = 0; col < WIDTH_PX; col++, p += 3) {
        const off = (2 * col) / WIDTH_PX - 1;
        const spot = lightAt?.(t, (col + 0.5) * MM_PER_PX, (row + 0.5) * MM_PER_PX) ?? 1;
        const bright = rowLamp * spot * (1 - (1 - EDGE_LIGHT) * off * off);
        let r = plane[p]! * bright;
        let g = plane[p + 1]! * bright;
        let b = plane[p + 2]! * bright;
        if (haze !== undefined) {
          r = r * clear + haze.colour[0] * haze.share;
          g = g * clear + haze.colour[1] * haze.share;
          b = b * clear + haze.colour[2] * haze.share;
        }
        q = (q + 1) & 65_535;
        if (grey) {
          const level = 0.299 * r + 0.587 * g + 0.114 * b + noise[q]!;
          r = level;
          g = level;
          b = level;
        } else {
          r += noise[q]!;
          g += noise[(q * 7 + 13) & 65_535]!;
          b += noise[(q * 3 + 5) & 65_535]!;
        }
        data[p] = r < 0 ? 0 : r > 255 ? 255 : r;
        data[p + 1] = g < 0 ? 0 : g > 255 ? 255 : g;
        data[p + 2] = b < 0 ? 0 : b > 255 ? 255 : b;
      }
    }
    return data;
  }
}

/** 0 in the middle of a shape, 1 on its outline; `u` and `v` are 1 at the ends of its half axes. */
function placeIn(shape: Shape, u: number, v: number): number {
  switch (shape) {
    case "fruit":
      return u * u + v * v;
    case "card":
      return Math.max(Math.abs(u), Math.abs(v)) ** 2;
    case "twig":
      return Math.max(Math.abs(u), Math.abs(v + 0.6 * Math.sin(3 * u)) * 1.4) ** 2;
    case "leaf": {
      // Pointed at both ends.
      const half = Math.max(0.001, 1 - u * u);
      return Math.abs(u) >= 1 ? 4 : (v / half) ** 2;
    }
    case "half":
      return v < 0 ? 4 : u * u + v * v;
    case "hand": {
      // A palm and four fingers.
      const palm = ((u - 0.45) / 0.55) ** 2 + (v / 0.7) ** 2;
      const finger = Math.abs(((v + 0.8) % 0.4) - 0.2) / 0.13;
      const fingers = u < 0.4 && u > -1 && Math.abs(v) < 0.8 ? finger * finger : 4;
      return Math.min(palm, fingers);
    }
  }
}
