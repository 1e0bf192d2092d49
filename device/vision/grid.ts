import { GradelineError } from "../base/errors.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { Box } from "./follower.ts";

/** Cells that the smallest fruit spans at least: enough to see its shape, few enough to be quick. */
const CELLS_ACROSS = 16;
const LARGEST_STEP = 8;

/** A lane's part of the frame, laid out in square cells. */
export interface Grid {
  readonly roi: Box;
  /** Side of a cell, pixels; the last column and row may be cut off by the roi's edge. */
  readonly step: number;
  readonly cols: number;
  readonly rows: number;
}

/**
 * @throws {GradelineError} CONFIG when the lane's roi does not lie in the frame
 */
export function laneGrid(lane: LaneConfig, frame: { widthPx: number; heightPx: number }): Grid {
  const roi = lane.roi ?? { x: 0, y: 0, w: frame.widthPx, h: frame.heightPx };
  if (roi.x + roi.w > frame.widthPx || roi.y + roi.h > frame.heightPx) {
    throw new GradelineError(
      "CONFIG",
      `lane ${lane.id}: roi reaches to ${roi.x + roi.w}x${roi.y + roi.h}, the frame is ${frame.widthPx}x${frame.heightPx}`,
      { hint: "make the roi smaller, or leave it out to take the whole frame" },
    );
  }
  const smallestPx = lane.fruitMm.min / lane.mmPerPx;
  const step = Math.max(1, Math.min(LARGEST_STEP, Math.floor(smallestPx / CELLS_ACROSS)));
  return { roi, step, cols: Math.ceil(roi.w / step), rows: Math.ceil(roi.h / step) };
}

/**
 * Colours of all cells of one frame: the mean of two pixels on the diagonal of each, of one where cells are pixels.
 *
 * @param out (rows * cols * 3), 0..255
 */
export function sampleCells(grid: Grid, widthPx: number, data: Uint8Array, out: Float32Array): void {
  const { roi, step, cols, rows } = grid;
  const near = step >> 2;
  const far = (3 * step) >> 2;
  for (let row = 0, to = 0; row < rows; row++) {
    const y = row * step;
    const upper = (roi.y + Math.min(roi.h - 1, y + near)) * widthPx + roi.x;
    const lower = (roi.y + Math.min(roi.h - 1, y + far)) * widthPx + roi.x;
    for (let col = 0, x = 0; col < cols; col++, x += step, to += 3) {
      const a = (upper + Math.min(roi.w - 1, x + near)) * 3;
      const b = (lower + Math.min(roi.w - 1, x + far)) * 3;
      out[to] = 0.5 * (data[a]! + data[b]!);
      out[to + 1] = 0.5 * (data[a + 1]! + data[b + 1]!);
      out[to + 2] = 0.5 * (data[a + 2]! + data[b + 2]!);
    }
  }
}
