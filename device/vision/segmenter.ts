import type { LaneConfig } from "../base/config.ts";
import type { Frame } from "../capture/source.ts";
import { Background } from "./background.ts";
import { laneGrid } from "./grid.ts";
import { Outline } from "./outline.ts";
import { type Piece, PiecePool } from "./piece.ts";
import { Regions } from "./regions.ts";
import { Splitter } from "./split.ts";

/** Pieces in one frame; labels are bytes. */
const MOST_PIECES = 96;
/** The slimmest fruit is this much narrower than its longest diameter. */
const SLIMMEST = 0.5;

/** Finds the pieces of one frame that may be fruit, against a background that it keeps. */
export class Segmenter {
  readonly background: Background;
  readonly outline: Outline;
  readonly #pool = new PiecePool(MOST_PIECES);
  readonly #mask: Uint8Array;
  readonly #clean: Uint8Array;
  readonly #labels: Uint8Array;
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
    this.#regions = new Regions(cols, rows);
    // A fruit that is half in the picture must still be seen.
    this.#leastArea = Math.max(4, (Math.PI / 4) * SLIMMEST * smallest * smallest * 0.2);
    this.#splitter = new Splitter(cols, rows, (smallest * SLIMMEST) / 2, this.#pool, this.#labels);
    this.outline = new Outline(this.background, this.#pool, this.#labels);
  }

  get count(): number {
    return this.#pool.count;
  }

  piece(index: number): Piece {
    return this.#pool.pieces[index]!;
  }

  /**
   * Looks at a frame; the pieces are there until the next one.
   *
   * @returns false where it shows nothing: too dark, too bright, covered
   */
  look(frame: Frame): boolean {
    this.#pool.count = 0;
    if (!this.background.look(frame.data, frame.widthPx, this.#mask)) return false;
    const { cols, rows } = this.background.grid;
    majority(this.#mask, cols, rows, this.#clean);
    this.#regions.find(this.#clean, this.#leastArea);
    this.#splitter.run(this.#regions);
    return true;
  }

  /** Takes the conveyor around the pieces into the background. @param moving whether fruit were seen to move */
  learn(moving: boolean): void {
    this.background.learn(this.#clean, moving);
  }
}

/** Each cell becomes what at least five of the nine around it are; beyond the edge the cell at the edge counts again. */
function majority(mask: Uint8Array, cols: number, rows: number, out: Uint8Array): void {
  for (let row = 0; row < rows; row++) {
    const here = row * cols;
    const up = row > 0 ? here - cols : here;
    const down = row < rows - 1 ? here + cols : here;
    let middle = mask[up]! + mask[here]! + mask[down]!;
    let before = middle;
    for (let col = 0; col < cols; col++) {
      const next = col < cols - 1 ? col + 1 : col;
      const after = mask[up + next]! + mask[here + next]! + mask[down + next]!;
      out[here + col] = before + middle + after >= 5 ? 1 : 0;
      before = middle;
      middle = after;
    }
  }
}
