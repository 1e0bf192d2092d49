import type { LaneConfig } from "../config/schema.ts";
import type { Box } from "./follower.ts";
import type { Grid } from "./grid.ts";
import type { Piece } from "./piece.ts";

/** A fruit is whole when so many pixels of conveyor are free around its box. */
const FREE_PX = 2;

/** Where a piece lies in its lane. Pixels along the travel from the entry edge, across from the roi's top. */
export interface Place {
  along: number;
  across: number;
  /** Leading and trailing edge. */
  front: number;
  rear: number;
  /** Width across the travel. */
  width: number;
  /** Touches the edge where fruit come in, go out, or one of the long edges. */
  cutEntry: boolean;
  cutExit: boolean;
  cutSide: boolean;
}

/** Turns places in the frame into places along a lane, whichever way it runs. */
export class LaneAxis {
  /** Length of the lane's part of the frame, pixels. */
  readonly lengthPx: number;
  readonly #roi: Box;
  readonly #grid: Grid;
  readonly #right: boolean;

  /** @param reversed fruit move against the configured direction */
  constructor(lane: LaneConfig, grid: Grid, reversed = false) {
    this.#grid = grid;
    this.#roi = grid.roi;
    this.#right = (lane.direction === "right") !== reversed;
    this.lengthPx = grid.roi.w;
  }

  /** Distance from the entry edge of a column of the frame. */
  along(x: number): number {
    return this.#right ? x - this.#roi.x : this.#roi.x + this.#roi.w - x;
  }

  /** Distance from the entry edge to the edge of a box that goes ahead. */
  front(box: Box): number {
    return this.along(this.#right ? box.x + box.w : box.x);
  }

  rear(box: Box): number {
    return this.along(this.#right ? box.x : box.x + box.w);
  }

  /** Whether a box lies inside the lane's part of the frame with conveyor all around it. */
  isWhole(box: Box): boolean {
    const { x, y, w, h } = this.#roi;
    return (
      box.w > 0 &&
      box.x - x >= FREE_PX &&
      box.y - y >= FREE_PX &&
      x + w - box.x - box.w >= FREE_PX &&
      y + h - box.y - box.h >= FREE_PX
    );
  }

  /** How far ahead a leading edge may be for its fruit to be whole. */
  get lastWholePx(): number {
    return this.lengthPx - FREE_PX;
  }

  /** A box of the frame, from its place along and across the lane. */
  boxAt(rear: number, front: number, across: number, width: number): Box {
    const x = this.#right ? this.#roi.x + rear : this.#roi.x + this.#roi.w - front;
    return { x, y: this.#roi.y + across - width / 2, w: front - rear, h: width };
  }

  /** The place of a piece, as fine as the grid. */
  place(piece: Piece, out: Place): void {
    const { step, cols, rows } = this.#grid;
    const x = this.#roi.x;
    const left = this.along(x + piece.left * step);
    const right = this.along(x + Math.min(this.#roi.w, piece.right * step));
    out.along = this.along(x + piece.cx * step);
    out.across = piece.cy * step;
    out.front = Math.max(left, right);
    out.rear = Math.min(left, right);
    out.width = (piece.bottom - piece.top) * step;
    const atLeft = piece.left === 0;
    const atRight = piece.right === cols;
    out.cutEntry = this.#right ? atLeft : atRight;
    out.cutExit = this.#right ? atRight : atLeft;
    out.cutSide = piece.top === 0 || piece.bottom === rows;
  }
}

export function emptyPlace(): Place {
  return { along: 0, across: 0, front: 0, rear: 0, width: 0, cutEntry: false, cutExit: false, cutSide: false };
}
