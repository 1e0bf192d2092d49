import { type BeltColour, findBeltColour } from "./belt-colour.ts";
import { type Grid, sampleCells } from "./grid.ts";
import { Standing } from "./standing.ts";

/** Beyond so many times the belt's brightness it is no belt, once a cell is known, and before. */
const BRIGHTER = 1.25;
const BRIGHTER_AT_FIRST = 1.8;
/** Below this share of the belt's brightness it is no shadow, where the belt is bright enough to tell. Between touching
 * fruit two shadows meet. */
const DARKER = 0.12;
const BRIGHT_BELT = 60;
/** Grey levels by which something must be brighter, so that black belts do not glow. */
const LEAST_BRIGHTER = 10;
/** Frames whose belt is dimmer or brighter than this show nothing: the lamp is off, or flashes. */
const DIMMEST = 0.25;
const BRIGHTEST = 2.5;
/** One in so many cells is asked for brightness and noise. */
const MEASURED = 7;
/** Less belt than this in view: the camera is covered. */
const LEAST_BELT = 0.05;
/** After so many such frames in a row this is how it looks now: the belt is learnt anew. */
const BLIND_FRAMES = 60;
/** Observations of a cell after which it is known. */
const KNOWN = 8;
/** A belt's cells are learnt in turns: a third of the rows in each frame. */
const BELT_TURNS = 3;
/** Cups: so many first frames that show all the same are the empty conveyor, whatever its colours. */
const START_FRAMES = 4;
const START_SAME = 0.98;

/**
 * What the empty conveyor looks like, cell by cell, kept up as the light drifts.
 *
 * A colour is measured against its cell's background by its distance from the line from black through that background
 * and its place along it (Horprasert, Harwood, Davis 1999): a shadow moves along the line, a fruit leaves it. The
 * first frame gives one colour for the whole belt, so that a line that is full at the start is seen right at once.
 */
export class Background {
  readonly grid: Grid;
  /** Colour of each cell's background, (rows * cols * 3). */
  readonly colour: Float32Array;
  /** 1 / squared length of that colour, (rows * cols). */
  readonly inverse: Float32Array;
  /** How often each cell was learnt, up to 255. */
  readonly known: Uint8Array;
  /** Brightness of the present frame against the background. */
  gain = 1;
  /** Squared distance from the line beyond which a single pixel is fruit. */
  pixelLimit = 144;
  #cellLimit = 100;
  readonly #cups: boolean;
  readonly #cells: Float32Array;
  readonly #standing: Standing;
  readonly #histogram = new Uint32Array(300);
  #belt: BeltColour | undefined;
  #frames = 0;
  #blind = 0;
  #still = 0;

  constructor(grid: Grid, cups: boolean) {
    const count = grid.rows * grid.cols;
    this.grid = grid;
    this.#cups = cups;
    this.colour = new Float32Array(count * 3);
    this.inverse = new Float32Array(count);
    this.known = new Uint8Array(count);
    this.#cells = new Float32Array(count * 3);
    this.#standing = new Standing(count);
  }

  /**
   * Looks at a frame.
   *
   * @param data RGB8 of the whole frame
   * @param mask (rows * cols), set to 1 where a cell is fruit
   * @returns false where the frame shows nothing: too dark, too bright, covered
   */
  look(data: Uint8Array, widthPx: number, mask: Uint8Array): boolean {
    sampleCells(this.grid, widthPx, data, this.#cells);
    if (this.#belt === undefined && !this.#begin()) return false;
    this.#frames++;
    if (this.#cups && this.#frames <= START_FRAMES) this.#learnStill();
    if (!this.#measure(data, widthPx)) {
      this.#blind++;
      if (this.#blind >= BLIND_FRAMES) this.#belt = undefined;
      return false;
    }
    this.#blind = 0;
    this.#classify(mask);
    return true;
  }

  /**
   * Takes what the last frame showed of the conveyor into the background.
   *
   * @param mask (rows * cols), 1 where there is fruit, holes filled
   * @param moving whether fruit were seen to move: only then can something be said to stay
   */
  learn(mask: Uint8Array, moving: boolean): void {
    const { cols, rows } = this.grid;
    const turns = this.#cups ? 1 : BELT_TURNS;
    const holds = moving && !this.#cups;
    for (let row = this.#frames % turns; row < rows; row += turns) {
      const first = row * cols;
      const last = first + cols - 1;
      const up = row > 0 ? -cols : 0;
      const down = row < rows - 1 ? cols : 0;
      for (let at = first; at <= last; at++) {
        if (mask[at] !== 0) {
          if (holds && this.#standing.vote(at, this.#cells)) this.#take(at);
          continue;
        }
        this.#standing.forget(at);
        // The rim of a fruit has its colour mixed in.
        const beside = mask[at > first ? at - 1 : at]! | mask[at < last ? at + 1 : at]!;
        if ((beside | mask[at + up]! | mask[at + down]!) === 0) this.#learn(at);
      }
    }
  }

  /** Times the frame's gain beyond which a cell shows no belt. */
  brighterAt(cell: number): number {
    return this.known[cell]! < KNOWN ? BRIGHTER_AT_FIRST : BRIGHTER;
  }

  /** Squared grey levels by which it must be brighter at least. */
  get leastBrighterSquare(): number {
    return LEAST_BRIGHTER * LEAST_BRIGHTER;
  }

  /** Starts from the belt's colour alone. */
  #begin(): boolean {
    const belt = findBeltColour(this.grid, this.#cells);
    if (belt === undefined) return false;
    this.#belt = belt;
    for (let at = 0, to = 0; to < this.colour.length; at++, to += 3) {
      this.colour[to] = belt.r * belt.level;
      this.colour[to + 1] = belt.g * belt.level;
      this.colour[to + 2] = belt.b * belt.level;
      this.inverse[at] = 1 / (belt.level * belt.level);
    }
    this.known.fill(0);
    this.#standing.clear();
    this.#blind = 0;
    this.#frames = 0;
    this.#still = 0;
    return true;
  }

  /** Gain and noise of this frame, from a part of the cells. */
  #measure(data: Uint8Array, widthPx: number): boolean {
    const { roi, step, cols } = this.grid;
    const { colour, inverse } = this;
    const cells = this.#cells;
    const histogram = this.#histogram.fill(0);
    let belt = 0;
    let looked = 0;
    let cellNoise = 0;
    let pixelNoise = 0;
    for (let at = 2; at < inverse.length; at += MEASURED) {
      const i = at * 3;
      const along = cells[i]! * colour[i]! + cells[i + 1]! * colour[i + 1]! + cells[i + 2]! * colour[i + 2]!;
      const share = along * inverse[at]!;
      const away = cells[i]! ** 2 + cells[i + 1]! ** 2 + cells[i + 2]! ** 2 - share * along;
      looked++;
      if (away > this.#cellLimit) continue;
      belt++;
      histogram[Math.min(299, (share * 100) | 0)]!++;
      cellNoise += away;
      const row = (at / cols) | 0;
      const p = ((roi.y + row * step) * widthPx + roi.x + (at - row * cols) * step) * 3;
      const [r, g, b] = [data[p]!, data[p + 1]!, data[p + 2]!];
      const pixelAlong = r * colour[i]! + g * colour[i + 1]! + b * colour[i + 2]!;
      pixelNoise += Math.min(4 * this.pixelLimit, r * r + g * g + b * b - pixelAlong * pixelAlong * inverse[at]!);
    }
    if (belt < looked * LEAST_BELT) return false;
    this.gain = this.#frames === 1 ? 1 : medianOf(histogram, belt);
    if (this.gain < DIMMEST || this.gain > BRIGHTEST) return false;
    const rate = this.#frames < 10 ? 0.3 : 0.03;
    const cellGoal = Math.min(400, Math.max(36, (16 * cellNoise) / belt));
    const pixelGoal = Math.min(800, Math.max(49, (10 * pixelNoise) / belt));
    this.#cellLimit += rate * (cellGoal - this.#cellLimit);
    this.pixelLimit += rate * (pixelGoal - this.pixelLimit);
    return true;
  }

  #classify(mask: Uint8Array): void {
    const { colour, inverse, known, gain } = this;
    const cells = this.#cells;
    const limit = this.#cellLimit;
    const high = gain * BRIGHTER;
    const highAtFirst = gain * BRIGHTER_AT_FIRST;
    const low = gain * DARKER;
    const dark = 1 / (BRIGHT_BELT * BRIGHT_BELT);
    for (let at = 0, i = 0; at < inverse.length; at++, i += 3) {
      const r = cells[i]!;
      const g = cells[i + 1]!;
      const b = cells[i + 2]!;
      const along = r * colour[i]! + g * colour[i + 1]! + b * colour[i + 2]!;
      const share = along * inverse[at]!;
      let fruit = r * r + g * g + b * b - share * along > limit;
      if (share > (known[at]! < KNOWN ? highAtFirst : high)) {
        fruit ||= (share - gain) ** 2 > LEAST_BRIGHTER * LEAST_BRIGHTER * inverse[at]!;
      } else if (share < low) fruit ||= inverse[at]! < dark;
      mask[at] = fruit ? 1 : 0;
    }
  }

  /** Moves one cell towards what it shows; quicker up than down, so that passing shadows do not darken it. */
  #learn(at: number): void {
    const i = at * 3;
    const { colour } = this;
    const cells = this.#cells;
    const brighter = cells[i]! + cells[i + 1]! + cells[i + 2]! > colour[i]! + colour[i + 1]! + colour[i + 2]!;
    const known = this.known[at]!;
    const rate = known < KNOWN ? (brighter ? 0.5 : 0.125) : brighter ? 0.125 : 0.03125;
    this.#set(at, rate);
    if (known < 255) this.known[at] = known + 1;
  }

  #set(at: number, rate: number): void {
    const { colour } = this;
    const cells = this.#cells;
    const i = at * 3;
    const r = colour[i]! + rate * (cells[i]! - colour[i]!);
    const g = colour[i + 1]! + rate * (cells[i + 1]! - colour[i + 1]!);
    const b = colour[i + 2]! + rate * (cells[i + 2]! - colour[i + 2]!);
    colour[i] = r;
    colour[i + 1] = g;
    colour[i + 2] = b;
    this.inverse[at] = 1 / Math.max(1, r * r + g * g + b * b);
  }

  /** A conveyor of cups that shows the same again and again is empty: fruit would differ from cup to cup. */
  #learnStill(): void {
    let same = 0;
    const count = this.inverse.length;
    for (let at = 0; at < count; at++) {
      if (this.#standing.same(at, this.#cells)) same++;
      this.#standing.hold(at, this.#cells);
    }
    this.#still = same >= START_SAME * count ? this.#still + 1 : 0;
    if (this.#still < START_FRAMES - 1) return;
    for (let at = 0; at < count; at++) this.#take(at);
  }

  /** From now on a cell's background is what it shows. */
  #take(at: number): void {
    this.#set(at, 1);
    this.known[at] = KNOWN;
  }
}

function medianOf(histogram: Uint32Array, count: number): number {
  let seen = 0;
  for (let i = 0; i < histogram.length; i++) {
    seen += histogram[i]!;
    if (seen * 2 >= count) return (i + 0.5) / 100;
  }
  return 1;
}
