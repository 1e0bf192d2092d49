import * as format from "./format.js";
import { t } from "./words.js";

/**
 * How well a picture is lit and focused: a figure for each, and what to turn where it is not well.
 *
 * @typedef {Record<string, { value: string, advice: string }>} Light
 */

/** Of 255. */
const CLIPPED = 250;
const DARK = 10;
/** Beyond these shares of the picture it is told. */
const MOST_CLIPPED = 0.02;
const MOST_DARK = 0.6;
const DIM = 35;
/** Difference of neighbouring pixels at the sharpest edges, of 255. */
const BLURRED = 12;
/** Ratio of the brightest to the darkest ninth of the picture. */
const UNEVEN = 2.5;
/** Ratio of the strongest to the weakest colour over the picture. */
const TINTED = 1.6;

/**
 * @param {ImageData} picture as it is shown
 * @returns {Light}
 */
export function judge({ data, width, height }) {
  const ninths = new Float64Array(9);
  const pixels = new Float64Array(9);
  const sums = [0, 0, 0];
  const edges = new Uint32Array(256);
  let clipped = 0;
  let dark = 0;
  for (let y = 0; y < height; y++) {
    let before = -1;
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      const [r = 0, g = 0, b = 0] = [data[at], data[at + 1], data[at + 2]];
      const grey = (r + 2 * g + b) >> 2;
      if (r >= CLIPPED && g >= CLIPPED && b >= CLIPPED) clipped++;
      if (grey <= DARK) dark++;
      const ninth = Math.floor((y * 3) / height) * 3 + Math.floor((x * 3) / width);
      ninths[ninth] = (ninths[ninth] ?? 0) + grey;
      pixels[ninth] = (pixels[ninth] ?? 0) + 1;
      sums[0] = (sums[0] ?? 0) + r;
      sums[1] = (sums[1] ?? 0) + g;
      sums[2] = (sums[2] ?? 0) + b;
      if (before >= 0) {
        const edge = Math.abs(grey - before);
        edges[edge] = (edges[edge] ?? 0) + 1;
      }
      before = grey;
    }
  }
  const whole = Math.max(1, width * height);
  const means = Array.from(ninths, (sum, ninth) => sum / Math.max(1, pixels[ninth] ?? 1));
  const mean = means.reduce((sum, one) => sum + one, 0) / 9;
  const evenness = Math.max(...means) / Math.max(1, Math.min(...means));
  const cast = Math.max(...sums) / Math.max(1, Math.min(...sums));
  const sharpness = upper(edges, 0.995);
  return {
    [t("light.brightness")]: { value: format.count(mean), advice: mean < DIM ? t("light.dim") : "" },
    [t("light.clipped")]: {
      value: format.percent(clipped / whole),
      advice: clipped / whole > MOST_CLIPPED ? t("light.too-bright") : "",
    },
    [t("light.dark")]: { value: format.percent(dark / whole), advice: dark / whole > MOST_DARK ? t("light.dim") : "" },
    [t("light.sharpness")]: { value: format.count(sharpness), advice: sharpness < BLURRED ? t("light.blurred") : "" },
    [t("light.evenness")]: { value: format.rate(evenness), advice: evenness > UNEVEN ? t("light.uneven") : "" },
    [t("light.cast")]: { value: format.rate(cast), advice: cast > TINTED ? t("light.tinted") : "" },
  };
}

/**
 * @param {Uint32Array} counts by value
 * @param {number} share
 */
function upper(counts, share) {
  const whole = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [value, count] of counts.entries()) {
    below += count;
    if (below >= whole * share) return value;
  }
  return 0;
}
