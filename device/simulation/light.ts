import type { LineConfig } from "../config/schema.ts";

/** Time of one exposure, milliseconds: how far fruit smear along the travel. */
export const EXPOSURE_MS = 0.4;

const DRIFT_PERIOD_S = 90;
/** Steps of the lamp's drift: fine enough to be below the noise, coarse enough to be reused over some frames. */
const DRIFT_STEPS = 400;

/** Brightness of the lamp over the frame: one factor per column times one per row. */
export interface Lamp {
  readonly columns: Float32Array;
  readonly rows: Float32Array;
}

/** A bar lamp along the travel, brightest a little above the middle and falling off to the ends. */
export function lampOver(widthPx: number, heightPx: number): Lamp {
  const columns = new Float32Array(widthPx);
  for (let x = 0; x < widthPx; x++) columns[x] = 1.02 - 0.12 * (((x + 0.5) / widthPx) * 2 - 1) ** 2;
  const rows = new Float32Array(heightPx);
  for (let y = 0; y < heightPx; y++) rows[y] = 1.02 - 0.1 * (((y + 0.5) / heightPx) * 2 - 0.9) ** 2;
  return { columns, rows };
}

/** Brightness of the lamp at a world time: its step, times its drift of 1 - lightDrift .. 1 + lightDrift, in steps. */
export function lampGain(config: LineConfig, timeS: number): number {
  const gain = timeS < config.lampAtS ? 1 : config.lampGain;
  if (config.lightDrift === 0) return gain;
  const wave = Math.sin((2 * Math.PI * timeS) / DRIFT_PERIOD_S + config.seed);
  return gain * (1 + (config.lightDrift * Math.round(wave * DRIFT_STEPS)) / DRIFT_STEPS);
}

/** Light falls from above, a little from the entry side and the top of the picture; unit length. */
export const LIGHT = [-0.24, -0.34, 0.909] as const;

/** What is reflected for a cosine between the normal and the light, besides the highlights. */
export const AMBIENT = 0.32;
export const DIFFUSE = 0.66;

/** Brightness added by sheen and highlight for the cosine between normal and half vector in 256ths, per step of gloss. */
export function highlights(): Float32Array {
  const table = new Float32Array(257);
  for (let i = 0; i <= 256; i++) {
    const cosine = i / 256;
    table[i] = (16 * cosine ** 8 + 70 * cosine ** 60) / 255;
  }
  return table;
}

const HALF_LENGTH = Math.hypot(LIGHT[0], LIGHT[1], LIGHT[2] + 1);
/** Half way between light and camera, unit length. */
export const HALF = [LIGHT[0] / HALF_LENGTH, LIGHT[1] / HALF_LENGTH, (LIGHT[2] + 1) / HALF_LENGTH] as const;
