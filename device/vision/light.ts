import type { Grid } from "./grid.ts";

/** What a frame lets be seen of the conveyor. */
export type Sight = "clear" | "dark" | "covered";

/** One in so many cells is asked for brightness and noise. */
const MEASURED = 7;
/** Less belt than this in view: the camera is covered. */
const LEAST_BELT = 0.05;
/** Frames whose belt is brighter than this show nothing: the lamp flashes. */
const BRIGHTEST = 2.5;
/** Below this share of its usual brightness, and below so many grey levels, a belt is dark: the lamp is off. */
const DIMMEST = 0.25;
const DIM_LEVEL = 25;
/** Bins of brightness against the background, over 0 to 3. */
const BINS = 1200;
const PER_ONE = BINS / 3;
/** Added to the brightness of cells that were odd in the last frame: above all that is looked at. */
const ODD = 1000;
/** Rows of cells that share one brightness. */
export const BAND_ROWS = 4;
/** A band's brightness counts from so many cells of belt. */
const LEAST_BAND = 6;
/** Within this of the frame's brightness a band's cells are asked: what is farther off is no belt. */
const BAND_REACH = 0.45;
/** Flicker is read from bands of which this much is belt: what passes in the others changes their median, too. */
const BARE_BAND = 0.8;
/** And stripes from bands of which this much is. */
const PLAIN_BAND = 0.5;
/** Bands that lie apart by this much make a frame striped. */
const STRIPED = 0.06;
/** A lamp that flickers by less is steady. */
const STEADY = 0.08;
/** How quickly the usual brightness of a band, and the usual flicker, follow. */
const USUAL_RATE = 0.03;
const FLICKER_RATE = 0.1;

/** Brightness and noise of a frame against the background. All memory is taken once. */
export class Light {
  /** Of the whole frame. */
  gain = 1;
  /** Of each row of cells: the frame's own where its rows are alike. */
  readonly rowGain: Float32Array;
  /** By how much rows differ from how they usually are, from the darkest to the brightest, as a share: a lamp flickers. */
  flicker = 0;
  /** Squared distances from the belt's line of colours beyond which a cell or a single pixel is no belt. */
  cellLimit = 100;
  pixelLimit = 144;
  /** Usual deviation of a cell's brightness, as a share of the belt's. */
  noise = 0.02;
  /** Median grey level (length of the colour) of the belt in the frame. */
  level = 0;
  /** The highest level so far: how the belt looks when the lamp is on. */
  #best = 0;
  readonly #grid: Grid;
  readonly #histogram = new Uint32Array(BINS);
  readonly #bandHistogram = new Uint32Array(BINS);
  readonly #shares: Float32Array;
  readonly #bands: Float32Array;
  /** 1 for a band that shows hardly anything but belt. */
  readonly #bare: Uint8Array;
  /** Against the frame's brightness; 0 while not known. */
  readonly #usualBands: Float32Array;

  constructor(grid: Grid) {
    this.#grid = grid;
    this.rowGain = new Float32Array(grid.rows).fill(1);
    this.#shares = new Float32Array(Math.ceil((grid.rows * grid.cols) / MEASURED));
    this.#bands = new Float32Array(Math.ceil(grid.rows / BAND_ROWS));
    this.#bare = new Uint8Array(this.#bands.length);
    this.#usualBands = new Float32Array(this.#bands.length);
  }

  /** Takes nothing over from the last background. */
  restart(): void {
    this.#best = 0;
    this.gain = 1;
    this.cellLimit = 100;
    this.pixelLimit = 144;
    this.noise = 0.02;
    this.flicker = 0;
    this.#usualBands.fill(0);
  }

  /** The background was made as bright as the last frame. */
  rescale(): void {
    for (let row = 0; row < this.rowGain.length; row++) this.rowGain[row]! /= this.gain;
    this.gain = 1;
  }

  /**
   * Measures a frame on a part of the cells.
   *
   * @param data RGB8 of the frame
   * @param cells (rows * cols * 3), what its cells show
   * @param colour (rows * cols * 3) and inverse (rows * cols): the background
   * @param fruit (rows * cols), 1 where the last frame showed fruit
   * @param odd (rows * cols), 1 where its brightness was not the belt's: left out while they are not too many
   * @param frames how many this background has seen, this one included
   */
  measure(
    data: Uint8Array,
    widthPx: number,
    cells: Float32Array,
    colour: Float32Array,
    inverse: Float32Array,
    fruit: Uint8Array,
    odd: Uint8Array | undefined,
    frames: number,
  ): Sight {
    const { roi, step, cols } = this.#grid;
    const histogram = this.#histogram.fill(0);
    const shares = this.#shares;
    let belt = 0;
    let looked = 0;
    let cellNoise = 0;
    let pixelNoise = 0;
    let sum = 0;
    let lengths = 0;
    for (let at = 2; at < inverse.length; at += MEASURED) {
      const i = at * 3;
      const along = cells[i]! * colour[i]! + cells[i + 1]! * colour[i + 1]! + cells[i + 2]! * colour[i + 2]!;
      const share = along * inverse[at]!;
      const away = cells[i]! ** 2 + cells[i + 1]! ** 2 + cells[i + 2]! ** 2 - share * along;
      sum += share;
      const bare = away <= this.cellLimit;
      const plain = fruit[at] === 0 && (odd === undefined || odd[at] === 0);
      shares[looked++] = !bare || fruit[at] !== 0 ? -1 : plain ? share : share + ODD;
      if (!bare) continue;
      belt++;
      lengths += 1 / inverse[at]!;
      if (plain) histogram[Math.min(BINS - 1, (share * PER_ONE) | 0)]!++;
      cellNoise += away;
      const row = (at / cols) | 0;
      const p = ((roi.y + row * step) * widthPx + roi.x + (at - row * cols) * step) * 3;
      const [r, g, b] = [data[p]!, data[p + 1]!, data[p + 2]!];
      const pixelAlong = r * colour[i]! + g * colour[i + 1]! + b * colour[i + 2]!;
      pixelNoise += Math.min(4 * this.pixelLimit, r * r + g * g + b * b - pixelAlong * pixelAlong * inverse[at]!);
    }
    if (belt < looked * LEAST_BELT) return sum / looked < DIMMEST ? "dark" : "covered";
    const measured = quantile(histogram, 0.5);
    const length = Math.sqrt(lengths / belt);
    // A background made of this very frame has its brightness by definition; a first frame may be half full of fruit.
    this.gain = frames === 1 || measured === undefined ? 1 : measured;
    this.level = this.gain * length;
    this.#best = Math.max(this.#best, this.level);
    if (this.level < Math.min(DIMMEST * this.#best, DIM_LEVEL)) return "dark";
    if (this.gain > BRIGHTEST) return "covered";
    const rate = frames < 10 ? 0.3 : 0.03;
    this.cellLimit += rate * (Math.min(400, Math.max(36, (16 * cellNoise) / belt)) - this.cellLimit);
    this.pixelLimit += rate * (Math.min(800, Math.max(49, (10 * pixelNoise) / belt)) - this.pixelLimit);
    this.#measureBands();
    this.#measureNoise(rate);
    return "clear";
  }

  /** Brightness of each row: a lamp that flickers faster than the exposure shows as bands. */
  #measureBands(): void {
    const { rows, cols } = this.#grid;
    const bands = this.#bands;
    const histogram = this.#bandHistogram;
    const low = this.gain * (1 - BAND_REACH);
    const high = this.gain * (1 + BAND_REACH);
    let darkest = Number.POSITIVE_INFINITY;
    let brightest = 0;
    let at = 2;
    let index = 0;
    for (let band = 0; band < bands.length; band++) {
      const end = Math.min(rows, (band + 1) * BAND_ROWS) * cols;
      let count = 0;
      const before = index;
      for (; at < end; at += MEASURED, index++) {
        const share = this.#shares[index]!;
        if (share < low || share > high) continue;
        histogram[(share * PER_ONE) | 0]!++;
        count++;
      }
      const first = (low * PER_ONE) | 0;
      const last = Math.min(BINS - 1, (high * PER_ONE) | 0);
      const median = count < LEAST_BAND ? 0 : medianBetween(histogram, first, last, count);
      histogram.fill(0, first, last + 1);
      bands[band] = median;
      this.#bare[band] = count >= BARE_BAND * (index - before) ? 1 : 0;
      // What covers most of a band makes its median: only the others show whether the light itself is striped.
      if (median === 0 || count < PLAIN_BAND * (index - before)) continue;
      darkest = Math.min(darkest, median);
      brightest = Math.max(brightest, median);
    }
    this.#measureFlicker();
    if (brightest - darkest <= STRIPED * this.gain) {
      this.rowGain.fill(this.gain);
      return;
    }
    fillGaps(bands, this.gain);
    for (let row = 0; row < rows; row++) {
      const place = Math.min(bands.length - 1, Math.max(0, (row + 0.5) / BAND_ROWS - 0.5));
      const band = Math.min(bands.length - 2, Math.floor(place));
      this.rowGain[row] =
        bands.length < 2 ? bands[0]! : bands[band]! + (place - band) * (bands[band + 1]! - bands[band]!);
    }
  }

  #measureFlicker(): void {
    const usual = this.#usualBands;
    let least = 0;
    let most = 0;
    for (const [band, median] of this.#bands.entries()) {
      if (median === 0 || this.#bare[band] === 0) continue;
      const share = median / this.gain;
      if (usual[band] === 0) usual[band] = share;
      const off = share - usual[band]!;
      usual[band]! += USUAL_RATE * off;
      least = Math.min(least, off);
      most = Math.max(most, off);
    }
    this.flicker += FLICKER_RATE * (most - least - this.flicker);
  }

  /** From the middle third of the cells: shadows and what is no belt lie outside of it. */
  #measureNoise(rate: number): void {
    const { cols } = this.#grid;
    const histogram = this.#histogram.fill(0);
    const { rowGain } = this;
    for (let at = 2, index = 0; index < this.#shares.length; at += MEASURED, index++) {
      let share = this.#shares[index]!;
      if (share < 0) continue;
      // Rows that flicker are odd to each other: leaving them out would take their spread for none.
      if (share >= ODD) {
        if (this.flicker < STEADY) continue;
        share -= ODD;
      }
      histogram[Math.min(BINS - 1, ((share / rowGain[(at / cols) | 0]!) * PER_ONE) | 0)]!++;
    }
    const low = quantile(histogram, 0.35);
    const high = quantile(histogram, 0.65);
    if (low === undefined || high === undefined) return;
    // 0.77 deviations of a normal distribution lie between the two.
    this.noise += rate * (Math.min(0.2, (high - low) / 0.77) - this.noise);
  }
}

/** The share below which a part of the cells lies, between bins; undefined where there are too few. */
function quantile(histogram: Uint32Array, part: number): number | undefined {
  let count = 0;
  for (let i = 0; i < BINS; i++) count += histogram[i]!;
  if (count < LEAST_BAND) return undefined;
  let seen = 0;
  for (let i = 0; i < BINS; i++) {
    const here = histogram[i]!;
    if (here > 0 && seen + here >= count * part) return (i + (count * part - seen) / here) / PER_ONE;
    seen += here;
  }
  return undefined;
}

function medianBetween(histogram: Uint32Array, first: number, last: number, count: number): number {
  let seen = 0;
  for (let i = first; i <= last; i++) {
    seen += histogram[i]!;
    if (seen * 2 >= count) return (i + 0.5) / PER_ONE;
  }
  return 0;
}

/** Bands without belt get what lies between their neighbours. */
function fillGaps(bands: Float32Array, gain: number): void {
  let last = -1;
  for (let band = 0; band <= bands.length; band++) {
    if (band < bands.length && bands[band] === 0) continue;
    const before = last < 0 ? undefined : bands[last]!;
    const after = band < bands.length ? bands[band]! : undefined;
    for (let gap = last + 1; gap < band; gap++) {
      const from = before ?? after ?? gain;
      const to = after ?? from;
      bands[gap] = from + ((to - from) * (gap - last)) / (band - last);
    }
    last = band;
  }
}
