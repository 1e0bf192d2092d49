import type { Frame } from "../base/frame.ts";
import type { LaneConfig } from "../config/schema.ts";
import { Background } from "./background.ts";
import { Bodies } from "./bodies.ts";
import { countAround } from "./count-around.ts";
import { laneGrid } from "./grid.ts";
import type { Sight } from "./light.ts";
import { Outline } from "./outline.ts";
import { type Piece, PiecePool } from "./piece.ts";
import { Regions } from "./regions.ts";
import { Splitter } from "./split.ts";

/** Pieces in one frame; labels are bytes. */
const MOST_PIECES = 96;
/** The slimmest fruit is this much narrower than its longest diameter. */
const SLIMMEST = 0.5;

/** Around a fruit that stands its shadow reaches so far, as a share of its box. */
const SHADOW_REACH = 0.5;

/** Finds the pieces of one frame that may be fruit, against a background that it keeps. */
export class Segmenter {
  readonly background: Background;
  readonly bodies: Bodies;
  readonly outline: Outline;
  readonly #pool = new PiecePool(MOST_PIECES);
  readonly #mask: Uint8Array;
  readonly #clean: Uint8Array;
  readonly #labels: Uint8Array;
  readonly #keep: Uint8Array;
  readonly #regions: Regions;
  readonly #splitter: Splitter;
  readonly #leastArea: number;

  /** @throws {GradelineError} CONFIG when the lane's roi does not lie in the frame */
  constructor(lane: LaneConfig, frame: { widthPx: number; heightPx: number }) {
    const grid = laneGrid(lane, frame);
    const { cols, rows, step } = grid;
    const smallest = lane.fruitMm.min / lane.mmPerPx / step;
    this.background = new Background(grid, lane.conveyor.kind === "cups");
    this.#mask = new Uint8Array(cols * rows);
    this.#clean = new Uint8Array(cols * rows);
    this.#labels = new Uint8Array(cols * rows);
    this.#keep = new Uint8Array(cols * rows);
    this.#regions = new Regions(cols, rows);
    // A fruit that is half in the picture must still be seen.
    this.#leastArea = Math.max(4, (Math.PI / 4) * SLIMMEST * smallest * smallest * 0.2);
    this.#splitter = new Splitter(cols, rows, (smallest * SLIMMEST) / 2, this.#pool, this.#labels);
    this.bodies = new Bodies(cols, rows, this.#leastArea);
    this.outline = new Outline(this.background, this.bodies.cells, this.#pool, this.#labels);
  }

  get count(): number {
    return this.#pool.count;
  }

  piece(index: number): Piece {
    return this.#pool.pieces[index]!;
  }

  /** Segments a frame. The pieces are valid until the next frame; there are none if the frame is unclear. */
  look(frame: Frame): Sight {
    this.#pool.count = 0;
    const sight = this.background.look(frame.data, frame.widthPx, this.#mask);
    if (sight !== "clear") return sight;
    this.#cleanUp();
    this.bodies.find(this.background, this.#clean);
    this.#regions.find(this.#clean, this.#leastArea);
    this.background.remember(this.#clean);
    this.#splitter.run(this.#regions);
    return sight;
  }

  /** Removes single cells from the mask, and shapes too slim for a fruit. */
  #cleanUp(): void {
    const { cols, rows } = this.background.grid;
    const mask = this.#mask;
    const clean = this.#clean.fill(0);
    const first = mask.indexOf(1);
    if (first < 0) return;
    const from = Math.max(0, Math.floor(first / cols) - 1);
    const to = Math.min(rows, Math.floor(mask.lastIndexOf(1) / cols) + 2);
    countAround(mask, cols, rows, from, to, 5, clean);
    // Opened by a square of three cells, a fifth of the smallest fruit: stems and twigs are no part of the body.
    countAround(clean, cols, rows, from, to, 9, mask);
    countAround(mask, cols, rows, from, to, 1, clean);
  }

  /**
   * Takes the conveyor around the pieces into the background.
   *
   * @param moving whether fruit were seen to move
   * @param keeps whether a piece is a fruit that must not become conveyor, however long it stands
   * @param stands whether such a fruit stands: its shadow must not become conveyor either
   */
  learn(moving: boolean, keeps: (index: number) => boolean, stands = (_: number): boolean => false): void {
    const keep = this.#keep;
    const labels = this.#labels;
    const { cols } = this.background.grid;
    keep.fill(0);
    for (let index = 0; index < this.#pool.count; index++) {
      if (!keeps(index)) continue;
      const piece = this.#pool.pieces[index]!;
      for (let row = piece.top; row < piece.bottom; row++) {
        for (let at = row * cols + piece.left, end = row * cols + piece.right; at < end; at++) {
          if (labels[at] === index + 1) keep[at] = 1;
        }
      }
      if (stands(index)) this.#keepShadow(piece);
    }
    this.background.learn(this.#clean, keep, moving);
  }

  #keepShadow({ left, right, top, bottom }: Piece): void {
    const { cols, rows } = this.background.grid;
    const { odd } = this.background;
    const reach = Math.ceil(SHADOW_REACH * Math.max(right - left, bottom - top));
    const to = Math.min(cols, right + reach);
    for (let row = Math.max(0, top - reach); row < Math.min(rows, bottom + reach); row++) {
      for (let col = Math.max(0, left - reach), at = row * cols + col; col < to; col++, at++) {
        if (odd[at] !== 0) this.#keep[at] = 1;
      }
    }
  }
}
