import type { Lamp } from "./light.ts";
import type { SensorNoise } from "./sensor.ts";

/** A frame under work. */
export interface Canvas {
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGB8, clamping: the same memory as the frame's bytes. */
  readonly data: Uint8ClampedArray;
  readonly lamp: Lamp;
  readonly gain: number;
  readonly noise: SensorNoise;
  readonly k: number;
  /** Smear along the travel during the exposure, pixels. */
  readonly blurPx: number;
}

const SHADOW_REACH = 1.4;
const SHADOW = shadowTable();

/** What is left of the light, in 256ths, for the squared distance from the shadow's centre over the squared reach. */
function shadowTable(): Uint16Array {
  const table = new Uint16Array(1024);
  for (let i = 0; i < table.length; i++) {
    const distance = Math.sqrt(i / 1023) * SHADOW_REACH;
    const t = Math.max(0, Math.min(1, (SHADOW_REACH - distance) / 0.75));
    table[i] = Math.round(256 * (1 - 0.5 * t * t * (3 - 2 * t)));
  }
  return table;
}

/**
 * Darkens the conveyor around a body.
 *
 * @param cx centre of the body, pixels, as cy
 * @param radiusPx mean radius of the body
 * @param coverPx smallest radius of the body: so much of the ground it hides for sure
 */
export function drawShadow(canvas: Canvas, cx: number, cy: number, radiusPx: number, coverPx: number): void {
  const x0 = cx + 0.1 * radiusPx;
  const y0 = cy + 0.15 * radiusPx;
  const reach = radiusPx * SHADOW_REACH;
  const inner = Math.max(0, coverPx - 2 - 0.19 * radiusPx) ** 2;
  const scale = 1023 / (reach * reach);
  const top = Math.max(0, Math.ceil(y0 - reach));
  const bottom = Math.min(canvas.heightPx - 1, Math.floor(y0 + reach));
  for (let y = top; y <= bottom; y++) {
    const dy = y + 0.5 - y0;
    const half = Math.sqrt(Math.max(0, reach * reach - dy * dy));
    // What the body itself covers needs no shadow.
    const hidden = Math.sqrt(Math.max(0, inner - dy * dy));
    darken(canvas, y, Math.ceil(x0 - half), Math.floor(x0 - hidden), x0, dy, scale);
    darken(canvas, y, Math.floor(x0 - hidden) + 1 + Math.floor(2 * hidden), Math.floor(x0 + half), x0, dy, scale);
  }
}

function darken(
  { widthPx, data }: Canvas,
  y: number,
  from: number,
  to: number,
  x0: number,
  dy: number,
  scale: number,
): void {
  const first = Math.max(0, from);
  const last = Math.min(widthPx - 1, to);
  let at = (y * widthPx + first) * 3;
  for (let x = first; x <= last; x++, at += 3) {
    const dx = x + 0.5 - x0;
    const left = SHADOW[Math.min(1023, (dx * dx + dy * dy) * scale) | 0]!;
    data[at] = (data[at]! * left) >> 8;
    data[at + 1] = (data[at + 1]! * left) >> 8;
    data[at + 2] = (data[at + 2]! * left) >> 8;
  }
}
