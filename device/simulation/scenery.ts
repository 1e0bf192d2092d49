import type { LineConfig } from "../config/schema.ts";
import type { Colour } from "./catalogue.ts";
import { type LineGeometry, travelledMm } from "./geometry.ts";
import type { Lamp } from "./light.ts";
import { smoothstep, valueNoise } from "./noise.ts";
import { NOISE_MEAN, type SensorNoise } from "./sensor.ts";

const BELT: Colour = [74, 88, 104];
const CRADLE: Colour = [62, 66, 74];
/** Texture values lie in 0..2 * TEXTURE_MEAN. */
const TEXTURE_MEAN = 6;
const TILE_WIDTH = 1024;
const TILE_HEIGHT = 256;
const TILE_WORDS = (TILE_WIDTH * 3) / 4;

/**
 * The empty conveyor: colour under the lamp, a faint texture that moves with it, noise. Four bytes are added at once in
 * 32-bit words; no sum can pass 255, so nothing is carried from one byte into the next.
 */
export class Scenery {
  readonly #config: LineConfig;
  readonly #lamp: Lamp;
  readonly #noise: SensorNoise;
  /** Colour under the lamp less the means of texture and noise. */
  readonly #base: Uint8Array;
  readonly #baseWords: Uint32Array;
  /** The texture at four phases, so that any shift by whole pixels starts at a word. */
  readonly #texture: readonly Uint32Array[];
  readonly #cradles: Float32Array | undefined;
  #gain = Number.NaN;

  constructor(config: LineConfig, geometry: LineGeometry, lamp: Lamp, noise: SensorNoise) {
    this.#config = config;
    this.#lamp = lamp;
    this.#noise = noise;
    const bytes = config.widthPx * config.heightPx * 3;
    const buffer = new ArrayBuffer((bytes + 3) & ~3);
    this.#base = new Uint8Array(buffer, 0, bytes);
    this.#baseWords = new Uint32Array(buffer);
    this.#texture = makeTexture();
    this.#cradles = config.conveyor === "cups" ? cradlePattern(config, geometry) : undefined;
  }

  /**
   * Draws the empty conveyor over the whole frame.
   *
   * @param out RGB8 (heightPx * widthPx * 3), at the start of a buffer of whole words
   * @param gain of the lamp
   */
  draw(out: Uint8Array, k: number, timeS: number, gain: number): void {
    const { widthPx, heightPx } = this.#config;
    if (gain !== this.#gain) this.#light(gain);
    const movedMm = travelledMm(this.#config, timeS) - this.#config.seenFrom.offsetMm;
    const shift = ((Math.round(movedMm / this.#config.mmPerPx) % TILE_WIDTH) + TILE_WIDTH) % TILE_WIDTH;
    const from = (TILE_WIDTH - shift) % TILE_WIDTH;
    const texture = this.#texture[from & 3]!;
    if (widthPx % 4 !== 0) {
      this.#drawBytes(out, k, from);
      return;
    }
    const words = new Uint32Array(out.buffer, out.byteOffset, (widthPx * heightPx * 3) / 4);
    const rowWords = (widthPx * 3) / 4;
    const base = this.#baseWords;
    const noise = this.#noise.words;
    for (let y = 0, at = 0; y < heightPx; y++) {
      const tile = (y % TILE_HEIGHT) * TILE_WORDS;
      let t = (from >> 2) * 3;
      let n = this.#noise.start(k, y) >> 2;
      for (let left = rowWords; left > 0; ) {
        const run = Math.min(left, TILE_WORDS - t);
        for (let end = at + run, texel = tile + t; at < end; at++, texel++, n++) {
          words[at] = base[at]! + texture[texel]! + noise[n]!;
        }
        left -= run;
        t = 0;
      }
    }
  }

  /** The same for widths that are no multiple of four. */
  #drawBytes(out: Uint8Array, k: number, from: number): void {
    const { widthPx, heightPx } = this.#config;
    const texture = new Uint8Array(this.#texture[0]!.buffer);
    for (let y = 0, at = 0; y < heightPx; y++) {
      const tile = (y % TILE_HEIGHT) * TILE_WIDTH * 3;
      let n = this.#noise.start(k, y);
      for (let x = 0; x < widthPx; x++) {
        const texel = tile + ((from + x) % TILE_WIDTH) * 3;
        for (let c = 0; c < 3; c++, at++, n++) out[at] = this.#base[at]! + texture[texel + c]! + this.#noise.bytes[n]!;
      }
    }
  }

  #light(gain: number): void {
    const { widthPx, heightPx } = this.#config;
    const { columns, rows } = this.#lamp;
    const cradles = this.#cradles;
    const [r, g, b] = cradles === undefined ? BELT : CRADLE;
    const less = TEXTURE_MEAN + NOISE_MEAN - 0.5;
    for (let y = 0, at = 0, p = 0; y < heightPx; y++) {
      for (let x = 0; x < widthPx; x++, at += 3, p++) {
        const light = columns[x]! * rows[y]! * gain * (cradles?.[p] ?? 1);
        this.#base[at] = Math.max(0, r * light - less);
        this.#base[at + 1] = Math.max(0, g * light - less);
        this.#base[at + 2] = Math.max(0, b * light - less);
      }
    }
    this.#gain = gain;
  }
}

/** A woven belt: fine grain, a diagonal weave, stains that are wider than high. All hardly above the noise. */
function makeTexture(): readonly Uint32Array[] {
  const grey = new Uint8Array(TILE_WIDTH * TILE_HEIGHT);
  for (let y = 0; y < TILE_HEIGHT; y++) {
    for (let x = 0; x < TILE_WIDTH; x++) {
      // The lattice is walked round a circle, so that the tile closes along the travel.
      const angle = (2 * Math.PI * x) / TILE_WIDTH;
      const cx = Math.cos(angle) * 20 + 40;
      const cz = Math.sin(angle) * 20 + 40;
      const stain = valueNoise(5, cx * 0.3, ((y * 2) % TILE_HEIGHT) / 40, cz * 0.3) - 0.5;
      const grain = valueNoise(7, cx * 2.2, y / 3, cz * 2.2) - 0.5;
      const weave = ((x + y) & 7) < 4 ? 0.7 : -0.7;
      const value = TEXTURE_MEAN + 4.5 * stain + 4 * grain + weave;
      grey[y * TILE_WIDTH + x] = Math.max(0, Math.min(2 * TEXTURE_MEAN, Math.round(value)));
    }
  }
  return [0, 1, 2, 3].map((phase) => {
    const bytes = new Uint8Array(TILE_WIDTH * TILE_HEIGHT * 3);
    for (let y = 0, at = 0; y < TILE_HEIGHT; y++) {
      for (let x = 0; x < TILE_WIDTH; x++, at += 3) {
        bytes.fill(grey[y * TILE_WIDTH + ((x + phase) % TILE_WIDTH)]!, at, at + 3);
      }
    }
    return new Uint32Array(bytes.buffer);
  });
}

/** Brightness of cups against the conveyor, one factor per pixel: a dish at each window centre, a roller between two. */
function cradlePattern(config: LineConfig, geometry: LineGeometry): Float32Array {
  const { widthPx, heightPx, mmPerPx, spacingMm, lanes, seenFrom } = config;
  const pattern = new Float32Array(widthPx * heightPx);
  const bandPx = heightPx / lanes;
  for (let y = 0, at = 0; y < heightPx; y++) {
    const lane = Math.min(lanes - 1, Math.floor(y / bandPx));
    const dy = Math.abs(y + 0.5 - (lane + 0.5) * bandPx) * mmPerPx;
    for (let x = 0; x < widthPx; x++, at++) {
      const along = (x + 0.5) * mmPerPx + seenFrom.offsetMm - geometry.firstWindowMm + spacingMm / 2;
      const dx = Math.abs((((along % spacingMm) + spacingMm) % spacingMm) - spacingMm / 2);
      const round = Math.hypot(dx, dy);
      const dish = 0.62 + 0.3 * smoothstep(10, 38, round);
      const rim = 0.16 * smoothstep(3, 0, Math.abs(round - 41));
      const roller = Math.abs(spacingMm / 2 - dx);
      const bar = roller < 11 && dy < 44 ? 0.78 + 0.34 * Math.sqrt(1 - (roller / 11) ** 2) : 1;
      pattern[at] = (round < 41 ? dish : bar) + rim;
    }
  }
  return pattern;
}
