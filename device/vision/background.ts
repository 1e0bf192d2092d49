import { awayFrom, type BeltColour, findBeltColour } from "./belt-colour.ts";
import { Cross } from "./cross.ts";
import { Fixtures } from "./fixtures.ts";
import { type Grid, sampleCells } from "./grid.ts";
import { Light, type Sight } from "./light.ts";

/** So many hidden frames in a row are how it looks now: the belt is learnt anew. Never from dark ones. */
const HIDDEN_FRAMES = 60;
/** Brightness that differs by so many deviations and so many grey levels is worth a look. */
const ODD_DEVIATIONS = 2.5;
const ODD_LEVEL = 7;
/** Where a cell was hardly ever seen bare its background is a guess, or learnt under a shadow: it may be so much darker
 * or brighter. */
const UNSEEN_DARKER = 0.25;
const UNSEEN_BRIGHTER = 0.8;
/** While less than this share of all cells is odd, they have no say in how bright the belt is. */
const MOST_ODD = 0.5;
/** And by this while it was seen only a few times. */
const ODD_AT_FIRST = 0.08;
/** Observations of a cell after which it is known. */
const KNOWN = 8;
const SEEN = 3;
/** A light that is so much brighter or darker than the background is taken into it. */
const RESCALED = 0.2;
/** A belt's cells are learnt in turns: a third of the rows in each frame. */
const BELT_TURNS = 3;
const GREY = { r: Math.sqrt(1 / 3), g: Math.sqrt(1 / 3), b: Math.sqrt(1 / 3) };
/** Sine of the angle between a belt's colour and grey beyond which it has a colour of its own. */
const TINTED = 0.07;
/** Cups: so many first frames that show all the same are the empty conveyor, whatever its colours. */
const START_FRAMES = 4;
const START_SAME = 0.98;

/**
 * What the empty conveyor looks like, cell by cell, kept up as the light drifts.
 *
 * A colour is measured against its cell's background by its distance from the line from black through that background
 * and its place along it (Horprasert, Harwood, Davis 1999). What leaves the line is fruit. What lies on it differs in
 * brightness alone: `odd`, a shadow, a glow, or fruit of the belt's own tint, which `Bodies` tells apart. The first
 * frame gives one colour for the whole belt, so that a line that is full at the start is seen right at once.
 */
export class Background {
  readonly grid: Grid;
  readonly light: Light;
  readonly cross: Cross;
  /** Colour of each cell's background, (rows * cols * 3). */
  readonly colour: Float32Array;
  /** 1 / squared length of that colour, (rows * cols). */
  readonly inverse: Float32Array;
  /** How often each cell was learnt, up to 255. */
  readonly known: Uint8Array;
  /** Brightness of each cell against its background under the present light: 1 for the bare belt, (rows * cols). */
  readonly bright: Float32Array;
  /** (rows * cols), 1 where a cell lies on the line and its brightness is not the belt's. */
  readonly odd: Uint8Array;
  oddCount = 0;
  /** Whether the belt has a colour of its own, so that a plain shadow on it is known by that. */
  tinted = false;
  readonly #cups: boolean;
  readonly #cells: Float32Array;
  readonly #fixtures: Fixtures;
  /** Where the last frame showed fruit. */
  readonly #fruit: Uint8Array;
  #belt: BeltColour | undefined;
  /** The background before the present one, tried first when the present one shows nothing. */
  #former: { colour: Float32Array; inverse: Float32Array; known: Uint8Array; tinted: boolean } | undefined;
  #frames = 0;
  #hidden = 0;
  #still = 0;
  #learnt = false;

  constructor(grid: Grid, cups: boolean) {
    const count = grid.rows * grid.cols;
    this.grid = grid;
    this.light = new Light(grid);
    this.cross = new Cross(grid);
    this.#cups = cups;
    this.colour = new Float32Array(count * 3);
    this.inverse = new Float32Array(count);
    this.known = new Uint8Array(count);
    this.bright = new Float32Array(count);
    this.odd = new Uint8Array(count);
    this.#fruit = new Uint8Array(count);
    this.#cells = new Float32Array(count * 3);
    this.#fixtures = new Fixtures(count);
  }

  /**
   * Looks at a frame.
   *
   * @param data RGB8 of the whole frame
   * @param mask (rows * cols), set to 1 where a cell has another colour than the belt
   */
  look(data: Uint8Array, widthPx: number, mask: Uint8Array): Sight {
    sampleCells(this.grid, widthPx, data, this.#cells);
    if (this.#belt === undefined && !this.#begin()) return "dark";
    this.#frames++;
    if (!this.#cups) this.cross.take(this.#cells, this.colour);
    if (this.#learnt) this.#rescale();
    this.#learnt = false;
    if (this.#cups && this.#frames <= START_FRAMES) this.#learnStill();
    let sight = this.#measure(data, widthPx);
    if (sight !== "clear" && this.#former !== undefined) {
      this.#swap();
      const former = this.#measure(data, widthPx);
      if (former === "clear") sight = former;
      else this.#swap();
    }
    if (sight === "clear") {
      this.#hidden = 0;
      this.#classify(mask);
    } else if (sight === "covered" && ++this.#hidden >= HIDDEN_FRAMES) this.#begin();
    return sight;
  }

  /** Where the present frame shows fruit: the brightness of the next is measured beside them. @param mask (rows * cols) */
  remember(mask: Uint8Array): void {
    this.#fruit.set(mask);
  }

  /** Whether it has just started. Then bare cells are learned at once, so that the first fruit are seen well. */
  get young(): boolean {
    return this.#frames <= KNOWN + SEEN;
  }

  #measure(data: Uint8Array, widthPx: number): Sight {
    const { light, colour, inverse, odd } = this;
    const few = !this.young && this.oddCount < MOST_ODD * odd.length ? odd : undefined;
    return light.measure(data, widthPx, this.#cells, colour, inverse, this.#fruit, few, this.#frames);
  }

  /**
   * Takes what the last frame showed of the conveyor into the background.
   *
   * @param mask (rows * cols), 1 where there is fruit, holes filled
   * @param keep (rows * cols), not 0 where a fruit lies that has been seen to move: it stays a fruit, however long it stands, and its shadow one
   * @param moving whether fruit were seen to move: only then can something be said to stay
   */
  learn(mask: Uint8Array, keep: Uint8Array, moving: boolean): void {
    const { cols, rows } = this.grid;
    const turns = this.#cups || this.young ? 1 : BELT_TURNS;
    const holds = moving && !this.#cups;
    this.#learnt = true;
    for (let row = this.#frames % turns; row < rows; row += turns) {
      const inverseGain = 1 / this.light.rowGain[row]!;
      const first = row * cols;
      const last = first + cols - 1;
      const up = row > 0 ? -cols : 0;
      const down = row < rows - 1 ? cols : 0;
      for (let at = first; at <= last; at++) {
        if (mask[at] !== 0) {
          if (holds && keep[at] === 0 && this.#fixtures.vote(at, this.#cells)) this.#take(at, inverseGain);
          continue;
        }
        this.#fixtures.forget(at);
        if (keep[at] !== 0) continue;
        // The rim of a fruit has its colour mixed in.
        const beside = mask[at > first ? at - 1 : at]! | mask[at < last ? at + 1 : at]!;
        if ((beside | mask[at + up]! | mask[at + down]!) === 0) this.#learn(at, inverseGain);
      }
    }
  }

  /** Restarts from the belt's colour alone; the former background is kept aside. */
  #begin(): boolean {
    const belt = findBeltColour(this.grid, this.#cells);
    if (belt === undefined) return false;
    if (this.#belt !== undefined) {
      const { colour, inverse, known, tinted } = this;
      this.#former = { colour: colour.slice(), inverse: inverse.slice(), known: known.slice(), tinted };
    }
    this.#belt = belt;
    for (let at = 0, to = 0; to < this.colour.length; at++, to += 3) {
      this.colour[to] = belt.r * belt.level;
      this.colour[to + 1] = belt.g * belt.level;
      this.colour[to + 2] = belt.b * belt.level;
      this.inverse[at] = 1 / (belt.level * belt.level);
    }
    this.tinted = Math.sqrt(Math.max(0, awayFrom(GREY, belt.r, belt.g, belt.b))) > TINTED;
    this.light.restart();
    this.known.fill(0);
    this.#fruit.fill(0);
    this.#fixtures.clear();
    this.#hidden = 0;
    this.#frames = 0;
    this.#still = 0;
    return true;
  }

  /** Exchanges the present background with the one before. */
  #swap(): void {
    const former = this.#former!;
    const { colour, inverse, known, tinted } = this;
    this.#former = { colour: colour.slice(), inverse: inverse.slice(), known: known.slice(), tinted };
    colour.set(former.colour);
    inverse.set(former.inverse);
    known.set(former.known);
    this.tinted = former.tinted;
    this.light.restart();
    this.#fixtures.clear();
    this.#fruit.fill(0);
    // It is known already: the gain is measured, not taken to be 1.
    this.#frames = Math.max(2, this.#frames);
  }

  #classify(mask: Uint8Array): void {
    const { colour, inverse, known, bright, odd, light } = this;
    const { cols, rows } = this.grid;
    const cells = this.#cells;
    const limit = light.cellLimit;
    const deviation = ODD_DEVIATIONS * light.noise;
    const deviationSquare = deviation * deviation;
    const atFirst = Math.max(ODD_AT_FIRST, deviation) ** 2;
    const level = ODD_LEVEL * ODD_LEVEL;
    let count = 0;
    for (let row = 0, at = 0, i = 0; row < rows; row++) {
      const inverseGain = 1 / light.rowGain[row]!;
      for (let col = 0; col < cols; col++, at++, i += 3) {
        const r = cells[i]!;
        const g = cells[i + 1]!;
        const b = cells[i + 2]!;
        const along = r * colour[i]! + g * colour[i + 1]! + b * colour[i + 2]!;
        const inverseSquare = inverse[at]!;
        const share = along * inverseSquare;
        const relative = share * inverseGain;
        bright[at] = relative;
        if (r * r + g * g + b * b - share * along > limit) {
          mask[at] = 1;
          odd[at] = 0;
          continue;
        }
        mask[at] = 0;
        const off = (relative - 1) * (relative - 1);
        const seen = known[at]!;
        const least =
          seen >= KNOWN
            ? deviationSquare
            : seen >= SEEN
              ? atFirst
              : relative < 1
                ? UNSEEN_DARKER ** 2
                : UNSEEN_BRIGHTER ** 2;
        const isOdd = off > least && off > level * inverseSquare;
        odd[at] = isOdd ? 1 : 0;
        if (isOdd) count++;
      }
    }
    this.oddCount = count;
  }

  /** Moves one cell towards its current colour, faster up than down: passing shadows must not darken it. */
  #learn(at: number, inverseGain: number): void {
    const brighter = this.bright[at]! > 1;
    const known = this.known[at]!;
    const rate = known < KNOWN ? (brighter ? 0.5 : 0.125) : brighter ? 0.125 : 0.03125;
    this.#set(at, rate, inverseGain);
    if (known < 255) this.known[at] = known + 1;
  }

  /** @param inverseGain what a lamp does to all cells alike is no matter of a cell */
  #set(at: number, rate: number, inverseGain: number): void {
    const { colour } = this;
    const cells = this.#cells;
    const i = at * 3;
    const r = colour[i]! + rate * (cells[i]! * inverseGain - colour[i]!);
    const g = colour[i + 1]! + rate * (cells[i + 1]! * inverseGain - colour[i + 1]!);
    const b = colour[i + 2]! + rate * (cells[i + 2]! * inverseGain - colour[i + 2]!);
    colour[i] = r;
    colour[i + 1] = g;
    colour[i + 2] = b;
    this.inverse[at] = 1 / Math.max(1, r * r + g * g + b * b);
  }

  /** Takes a brightness that has come to stay into all cells, so that the gain stays near 1. */
  #rescale(): void {
    const { gain } = this.light;
    if (gain < 1 + RESCALED && gain > 1 - RESCALED) return;
    const { colour, inverse } = this;
    for (let i = 0; i < colour.length; i++) colour[i]! *= gain;
    for (let at = 0; at < inverse.length; at++) inverse[at]! /= gain * gain;
    this.light.rescale();
  }

  /** A conveyor of cups that shows the same again and again is empty: fruit would differ from cup to cup. */
  #learnStill(): void {
    let same = 0;
    const count = this.inverse.length;
    for (let at = 0; at < count; at++) {
      if (this.#fixtures.same(at, this.#cells)) same++;
      this.#fixtures.hold(at, this.#cells);
    }
    this.#still = same >= START_SAME * count ? this.#still + 1 : 0;
    if (this.#still < START_FRAMES - 1) return;
    for (let at = 0; at < count; at++) this.#take(at, 1);
  }

  /** Takes a cell's current colour as its background. */
  #take(at: number, inverseGain: number): void {
    this.#set(at, 1, inverseGain);
    this.known[at] = KNOWN;
  }
}
