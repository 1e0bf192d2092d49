import type { Background } from "./background.ts";
import { countAround } from "./count-around.ts";
import { Regions } from "./regions.ts";

/** Steps of brightness, as differences of logarithms, below this share of a region's depth are a soft edge. */
const SOFT = 0.2;
/** Steps within so many deviations of the noise are none. */
const NOISE = 1.7;
/** Means of nine cells may come back by this share of a step against the way into a shadow: noise. */
const RISE = 0.6;
/** Darker than this all is alike: noise. */
const DARKEST = 0.1;
const BRIGHTEST = 8;
/** Logarithms of brightness are looked up, so many to one. */
const PER_ONE = 256;
/** On a belt with a colour of its own, a region of the same colour that is not darker or brighter than this is light. */
const DEEP = 0.35;
const GLARING = 1.25;
/** So much of a body is odd; the rest has the belt's brightness by chance. */
const ODD_SHARE = 0.5;
/** Odd cells of a body differ from the belt by so many grey levels in the mean (as a length); brighter ones by more: where
 * a shadow was learnt the belt seems to glow. */
const SHOWS = 9;
const GLOWS = 14;
/** Beside fruit of another colour so many cells belong to their rim. */
const RIM_CELLS = 2;
/** A body within so many cells of an end of the lane reaches beyond it. */
const EDGE_CELLS = 12;
/** Shadows kept of one frame. */
const MOST_SHADOWS = 16;

const LOGARITHMS = Float32Array.from({ length: BRIGHTEST * PER_ONE + 1 }, (_, i) =>
  Math.log(Math.max(DARKEST, i / PER_ONE)),
);

/** Something of a fruit's size that counts as shadow or glow, in cells. */
export interface Shadow {
  cx: number;
  cy: number;
  area: number;
}

/**
 * Tells bodies from shadows and glows among cells that differ from the belt in brightness alone. The brightness of a
 * shadow falls off little by little, that of a body at once, whatever its depth: from the bare belt a flood eats its
 * way over every soft slope, and what it cannot reach is a body.
 */
export class Bodies {
  /** (rows * cols), 1 where the last frame showed a body that differs from the belt in brightness alone. */
  readonly cells: Uint8Array;
  readonly shadows: readonly Shadow[] = Array.from({ length: MOST_SHADOWS }, () => ({ cx: 0, cy: 0, area: 0 }));
  shadowCount = 0;
  readonly #cols: number;
  readonly #rows: number;
  readonly #leastArea: number;
  readonly #regions: Regions;
  readonly #mask: Uint8Array;
  readonly #scratch: Uint8Array;
  readonly #near: Uint8Array;
  /** 1 + the region of each cell, 0 for none. */
  readonly #region: Uint8Array;
  readonly #limits = new Float32Array(65);
  readonly #stack: Int32Array;
  /** How deep the flood was on its way to a cell, as a logarithm of brightness. */
  readonly #depth: Float32Array;
  #mean = 0;

  /** @param leastArea of a fruit, cells */
  constructor(cols: number, rows: number, leastArea: number) {
    const count = cols * rows;
    this.#cols = cols;
    this.#rows = rows;
    this.#leastArea = leastArea;
    this.cells = new Uint8Array(count);
    this.#mask = new Uint8Array(count);
    this.#scratch = new Uint8Array(count);
    this.#near = new Uint8Array(count);
    this.#region = new Uint8Array(count);
    this.#regions = new Regions(cols, rows);
    this.#stack = new Int32Array(count);
    this.#depth = new Float32Array(count);
  }

  /**
   * Looks for them in the frame that the background last looked at.
   *
   * @param fruit (rows * cols), 1 where the colour shows fruit; bodies are added to it
   */
  find(background: Background, fruit: Uint8Array): void {
    const cols = this.#cols;
    this.cells.fill(0);
    this.shadowCount = 0;
    if (background.oddCount < this.#leastArea) return;
    const all = this.#join(background.odd, fruit);
    if (all === undefined) return;
    const { from, to } = all;
    this.#regions.find(this.#mask, this.#leastArea);
    if (this.#regions.count === 0) return;
    this.#setLimits(background, fruit, from, to);
    this.#eat(background.bright, fruit, from, to);
    this.#trim(background.bright, fruit, from, to);
    this.#takeBodies(background, fruit, from, to);
    for (let at = from * cols, end = to * cols; at < end; at++) fruit[at]! |= this.cells[at]!;
  }

  /** Odd cells together with fruit, without single ones. @returns the rows they lie in; undefined for none */
  #join(odd: Uint8Array, fruit: Uint8Array): { from: number; to: number } | undefined {
    const [cols, rows] = [this.#cols, this.#rows];
    const joint = this.#scratch;
    for (let at = 0; at < joint.length; at++) joint[at] = odd[at]! | fruit[at]!;
    const from = Math.max(0, Math.floor(odd.indexOf(1) / cols) - 1);
    const to = Math.min(rows, Math.floor(odd.lastIndexOf(1) / cols) + 2);
    this.#mask.fill(0);
    countAround(joint, cols, rows, from, to, 5, this.#mask);
    return this.#mask.indexOf(1) < 0 ? undefined : { from, to };
  }

  /** For each region the step of brightness that is an edge. */
  #setLimits(background: Background, fruit: Uint8Array, from: number, to: number): void {
    const cols = this.#cols;
    const regions = this.#regions;
    const { bright, light } = background;
    this.#region.fill(0, from * cols, to * cols);
    const limits = this.#limits.fill(0);
    for (let run = 0; run < regions.runs; run++) {
      const region = regions.region[run]! + 1;
      if (region === 0) continue;
      const first = regions.row[run]! * cols + regions.start[run]!;
      const end = first + regions.end[run]! - regions.start[run]!;
      this.#region.fill(region, first, end);
      for (let at = first + 1; at < end - 1; at++) {
        if (fruit[at] !== 0) continue;
        // Of three in a row, so that one noisy cell makes no depth.
        const depth = Math.abs(logOf(bright[at - 1]!) + logOf(bright[at]!) + logOf(bright[at + 1]!)) / 3;
        if (depth > limits[region]!) limits[region] = depth;
      }
    }
    for (let region = 1; region <= regions.count; region++) {
      limits[region] = Math.max(SOFT * limits[region]!, NOISE * light.noise);
    }
  }

  /**
   * The flood: from every cell beside the bare belt over all that is no edge, and only ever deeper into the shadow, or
   * the glow: behind the dark foot of a fruit its skin is brighter again. What it reaches is no body.
   */
  #eat(bright: Float32Array, fruit: Uint8Array, from: number, to: number): void {
    const [cols, rows] = [this.#cols, this.#rows];
    const region = this.#region;
    const stack = this.#stack;
    let top = 0;
    for (let row = from; row < to; row++) {
      for (let col = 0, at = row * cols; col < cols; col++, at++) {
        if (region[at] === 0 || fruit[at] !== 0) continue;
        const open =
          (col > 0 && region[at - 1] === 0) ||
          (col < cols - 1 && region[at + 1] === 0) ||
          (row > 0 && region[at - cols] === 0) ||
          (row < rows - 1 && region[at + cols] === 0);
        if (open) stack[top++] = at;
      }
    }
    let kept = 0;
    for (let i = 0; i < top; i++) {
      const at = stack[i]!;
      // Seeds at an edge stay.
      if (!this.#isSoft(bright, at)) continue;
      this.#depth[at] = this.#mean;
      stack[kept++] = at;
    }
    top = kept;
    for (let i = 0; i < top; i++) region[stack[i]!] = 0;
    while (top > 0) {
      const at = stack[--top]!;
      const depth = this.#depth[at]!;
      const col = at % cols;
      for (let side = 0; side < 4; side++) {
        if (side === 0 ? col === 0 : side === 1 && col === cols - 1) continue;
        const next = side === 0 ? at - 1 : side === 1 ? at + 1 : side === 2 ? at - cols : at + cols;
        if (next < 0 || next >= region.length || region[next] === 0 || fruit[next] !== 0) continue;
        if (!this.#isSoft(bright, next)) continue;
        const back = RISE * this.#limits[region[next]!]!;
        if (depth <= 0 ? this.#mean > depth + back : this.#mean < depth - back) continue;
        this.#depth[next] = depth <= 0 ? Math.min(depth, this.#mean) : Math.max(depth, this.#mean);
        region[next] = 0;
        stack[top++] = next;
      }
    }
  }

  /** Whether brightness changes little around a cell (Prewitt's operator); sets its mean there. */
  #isSoft(bright: Float32Array, at: number): boolean {
    const [cols, rows] = [this.#cols, this.#rows];
    const row = (at / cols) | 0;
    const col = at - row * cols;
    const limit = 3 * this.#limits[this.#region[at]!]!;
    const left = col > 0 ? -1 : 0;
    const right = col < cols - 1 ? 1 : 0;
    const up = row > 0 ? -cols : 0;
    const down = row < rows - 1 ? cols : 0;
    const a = logOf(bright[at + up + left]!);
    const b = logOf(bright[at + up + right]!);
    const c = logOf(bright[at + down + left]!);
    const d = logOf(bright[at + down + right]!);
    const before = logOf(bright[at + left]!);
    const after = logOf(bright[at + right]!);
    if (Math.abs(b + d - a - c + after - before) >= limit) return false;
    const above = logOf(bright[at + up]!);
    const below = logOf(bright[at + down]!);
    this.#mean = (a + b + c + d + before + after + above + below + logOf(bright[at]!)) / 9;
    return Math.abs(c + d - a - b + below - above) < limit;
  }

  /** The operator is three cells wide: what it left of the slope at the foot of an edge goes, too. */
  #trim(bright: Float32Array, fruit: Uint8Array, from: number, to: number): void {
    const cols = this.#cols;
    const region = this.#region;
    const odd = this.#mask;
    for (let round = 0; round < 2; round++) {
      let count = 0;
      for (let row = Math.max(1, from); row < Math.min(this.#rows - 1, to); row++) {
        for (let col = 1, at = row * cols + 1; col < cols - 1; col++, at++) {
          if (region[at] === 0 || fruit[at] !== 0) continue;
          const here = logOf(bright[at]!);
          const limit = 2 * this.#limits[region[at]!]!;
          // Only beside what was eaten: the bare belt is no slope.
          const soft =
            (region[at - 1] === 0 && odd[at - 1] !== 0 && Math.abs(logOf(bright[at - 1]!) - here) < limit) ||
            (region[at + 1] === 0 && odd[at + 1] !== 0 && Math.abs(logOf(bright[at + 1]!) - here) < limit) ||
            (region[at - cols] === 0 && odd[at - cols] !== 0 && Math.abs(logOf(bright[at - cols]!) - here) < limit) ||
            (region[at + cols] === 0 && odd[at + cols] !== 0 && Math.abs(logOf(bright[at + cols]!) - here) < limit);
          if (soft) this.#stack[count++] = at;
        }
      }
      for (let i = 0; i < count; i++) region[this.#stack[i]!] = 0;
    }
  }

  /** What is left, but for the rims of fruit of another colour, and the shadows that went. */
  #takeBodies(background: Background, fruit: Uint8Array, from: number, to: number): void {
    const [cols, rows] = [this.#cols, this.#rows];
    const near = this.#near;
    const rest = this.#scratch;
    rest.fill(0);
    near.set(fruit);
    for (let round = 0; round < RIM_CELLS; round++) {
      countAround(near, cols, rows, from, to, 1, rest);
      near.set(rest.subarray(from * cols, to * cols), from * cols);
    }
    rest.fill(0);
    for (let at = from * cols, end = to * cols; at < end; at++) {
      rest[at] = this.#region[at] !== 0 && near[at] === 0 ? 1 : 0;
    }
    // Opened by a square of three cells.
    countAround(rest, cols, rows, from, to, 9, near);
    countAround(near, cols, rows, from, to, 1, rest);
    const regions = this.#regions;
    for (let region = 0; region < regions.count; region++) this.#reachEdges(rest, region);
    for (let region = 0; region < regions.count; region++) this.#takeRegion(background, fruit, rest, region);
  }

  /** What comes into view goes on beyond the edge: its rim there, of which only the shadow's side is seen, belongs to it. */
  #reachEdges(rest: Uint8Array, region: number): void {
    const cols = this.#cols;
    const { left, right, top, bottom } = this.#regions;
    for (let row = top[region]!; row < bottom[region]!; row++) {
      const first = row * cols;
      const last = first + cols - 1;
      if (left[region] === 0) this.#reach(rest, first, 1);
      if (right[region] === cols) this.#reach(rest, last, -1);
    }
  }

  #reach(rest: Uint8Array, edge: number, step: number): void {
    for (let i = 0, at = edge; i < EDGE_CELLS && this.#mask[at] !== 0; i++, at += step) {
      if (rest[at] === 0) continue;
      for (let back = at - step; i > 0; i--, back -= step) rest[back] = 1;
      return;
    }
  }

  #takeRegion(background: Background, fruit: Uint8Array, rest: Uint8Array, region: number): void {
    const cols = this.#cols;
    const regions = this.#regions;
    let area = 0;
    let all = 0;
    let bright = 0;
    let coloured = 0;
    let odd = 0;
    let off = 0;
    let sx = 0;
    let sy = 0;
    for (let row = regions.top[region]!; row < regions.bottom[region]!; row++) {
      for (let col = regions.left[region]!, at = row * cols + col; col < regions.right[region]!; col++, at++) {
        if (fruit[at] !== 0) coloured++;
        else if (this.#mask[at] !== 0) {
          all++;
          sx += col + 0.5;
          sy += row + 0.5;
        }
        if (rest[at] === 0) continue;
        area++;
        odd += background.odd[at]!;
        if (background.odd[at] !== 0) off += Math.abs(background.bright[at]! - 1);
        bright += background.bright[at]!;
      }
    }
    const isShadow = background.tinted && bright > DEEP * area && bright < GLARING * area;
    // Within a ring that is odd there may be bare belt: where a fruit stood, whose shadow was learnt around it.
    const shows = off * background.light.level >= (bright > area ? GLOWS : SHOWS) * odd;
    if (area >= this.#leastArea && odd > ODD_SHARE * area && shows && !isShadow) {
      this.#take(rest, region, coloured > 0 ? RIM_CELLS : 0);
      return;
    }
    if (coloured > 0 || all < this.#leastArea || this.shadowCount === MOST_SHADOWS) return;
    const shadow = this.shadows[this.shadowCount++]!;
    shadow.cx = sx / all;
    shadow.cy = sy / all;
    shadow.area = all;
  }

  /** @param reach so many cells beside it that no flood reached belong to it: the rim between two colours of one fruit */
  #take(rest: Uint8Array, region: number, reach: number): void {
    const [cols, rows] = [this.#cols, this.#rows];
    const { left, right, top, bottom } = this.#regions;
    for (let row = top[region]!; row < bottom[region]!; row++) {
      for (let col = left[region]!; col < right[region]!; col++) {
        if (rest[row * cols + col] === 0) continue;
        for (let y = Math.max(0, row - reach); y <= Math.min(rows - 1, row + reach); y++) {
          for (let x = Math.max(0, col - reach); x <= Math.min(cols - 1, col + reach); x++) {
            const at = y * cols + x;
            if (reach === 0 || this.#region[at] !== 0) this.cells[at] = 1;
          }
        }
      }
    }
  }
}

function logOf(bright: number): number {
  return LOGARITHMS[Math.max(0, Math.min(BRIGHTEST * PER_ONE, (bright * PER_ONE) | 0))]!;
}
