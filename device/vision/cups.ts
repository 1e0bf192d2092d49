import { GradelineError } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import type { Micros } from "../base/time.ts";
import type { CupsConfig, LaneConfig } from "../config/schema.ts";
import { Cropper, type CropShape, squareSide } from "./crop.ts";
import type { Follower, ItemPassed, Mark, Sighting } from "./follower.ts";
import { LaneWatch } from "./lane-watch.ts";
import { FramePace } from "./pace.ts";
import { emptyPlace, LaneAxis, type Place } from "./place.ts";
import { Segmenter } from "./segmenter.ts";
import { upperQuantile } from "./track.ts";

/** Cups that may have gone by in one gap; after a longer one the count begins anew. */
const MOST_LOST = 1000;
/** Diameters below the configured smallest by this share still count: masks vary. */
const SIZE_SLACK = 0.1;
/** The speed measured from pitch and frames is believed within this factor of the nominal one. */
const SPEED_FACTOR = 2;

/** No fruit stands in a window: cups move on by one in each frame. */
const NONE = (): boolean => false;

/** One carrier between the first window and the last. */
interface Cup {
  readonly cup: number;
  readonly item: number;
  /** Usable frames in which it was in a window. */
  looks: number;
  /** Whether any of them showed a fruit, whole or not. */
  holds: boolean;
  views: number;
  readonly diametersPx: number[];
  lastAt: Micros;
}

/**
 * Follows numbered carriers. One frame is exposed per pitch, so the frame's number is the number of the cup in the
 * first window, and the cup in window w came w frames ago: nothing is followed, a lost frame shifts nothing.
 */
export class CupsFollower implements Follower {
  readonly report: LaneWatch;
  readonly #lane: LaneConfig;
  readonly #conveyor: CupsConfig;
  readonly #segmenter: Segmenter;
  readonly #cropper: Cropper;
  readonly #axis: LaneAxis;
  readonly #pace = new FramePace();
  readonly #smallestCells: number;
  readonly #place: Place = emptyPlace();
  /** Index of the piece in each window, -1 for none. */
  readonly #pieceIn: Int32Array;
  /** Cups in view, the one farthest ahead first: consecutive numbers. */
  #open: Cup[] = [];
  #items = 0;
  #last: { seq: number; exposedAt: Micros } | undefined;

  /** @throws {GradelineError} CONFIG when the roi does not lie in the frame, or a window's centre not in the roi */
  constructor(lane: LaneConfig, conveyor: CupsConfig, crop: CropShape, frame: { widthPx: number; heightPx: number }) {
    this.#lane = lane;
    this.report = new LaneWatch(lane);
    this.#conveyor = conveyor;
    this.#segmenter = new Segmenter(lane, frame);
    const { grid } = this.#segmenter.background;
    this.#axis = new LaneAxis(lane, grid);
    this.#cropper = new Cropper(crop, squareSide(Math.ceil(lane.fruitMm.max / lane.mmPerPx), 0, crop.margin));
    this.#smallestCells = (lane.fruitMm.min * (1 - SIZE_SLACK)) / lane.mmPerPx / grid.step;
    this.#pieceIn = new Int32Array(conveyor.windows);
    const lastMm = conveyor.firstWindowMm + (conveyor.windows - 1) * conveyor.pitchMm;
    const lengthMm = this.#axis.lengthPx * lane.mmPerPx;
    if (lastMm > lengthMm) {
      throw new GradelineError(
        "CONFIG",
        `lane ${lane.id}: the last of ${conveyor.windows} windows lies ${lastMm} mm from the entry edge, the lane's part of the frame is ${lengthMm.toFixed(0)} mm long`,
        { hint: "check windows, pitchMm, firstWindowMm and mmPerPx" },
      );
    }
  }

  marks(): Mark[] {
    const { firstWindowMm, pitchMm } = this.#conveyor;
    const { mmPerPx } = this.#lane;
    const { roi } = this.#segmenter.background.grid;
    const seq = this.#last?.seq;
    if (seq === undefined) return [];
    return this.#open
      .filter(({ holds }) => holds)
      .map(({ item, cup, diametersPx }) => {
        const along = (firstWindowMm + (seq - cup) * pitchMm) / mmPerPx;
        const diameterPx = upperQuantile(diametersPx);
        const half = (diameterPx ?? pitchMm / mmPerPx) / 2;
        const box = this.#axis.boxAt(along - half, along + half, roi.h / 2, 2 * half);
        return { item, box, sizeMm: diameterPx === undefined ? undefined : diameterPx * mmPerPx };
      });
  }

  step(frame: Frame): Sighting[] {
    const seen: Sighting[] = [];
    if (frame.seq === this.#last?.seq) return seen;
    const advance = frame.seq - (this.#last?.seq ?? frame.seq);
    if (advance < 0 || advance > MOST_LOST) {
      // The source began anew, or was away for long: these cups are gone, and nobody knows how many others.
      seen.push(...this.finish());
    }
    this.#pace.step(frame);
    this.#enter(frame);
    this.#last = { seq: frame.seq, exposedAt: frame.exposedAt };
    const lastWindow = this.#conveyor.windows - 1;
    // Cups whose frame in the last window was lost.
    while (frame.seq - this.#open[0]!.cup > lastWindow) this.#pass(seen);
    if (frame.status === "ok") this.#see(frame, seen);
    while (this.#open.length > 0 && frame.seq - this.#open[0]!.cup >= lastWindow) this.#pass(seen);
    return seen;
  }

  #see(frame: Frame, seen: Sighting[]): void {
    const sight = this.#segmenter.look(frame);
    const { light } = this.#segmenter.background;
    this.report.look(frame.exposedAt, this.#pace.elapsedS * 1e6, sight, sight === "clear" ? light.flicker : 0);
    if (sight !== "clear") return;
    this.#look(frame, seen);
    this.#segmenter.learn(true, NONE);
  }

  finish(): Sighting[] {
    const seen: Sighting[] = [];
    while (this.#open.length > 0) this.#pass(seen);
    this.#last = undefined;
    return seen;
  }

  /** Opens the cups that came in since the last frame; at a start those that stand in all windows. */
  #enter(frame: Frame): void {
    const newest = this.#last?.seq ?? frame.seq - this.#conveyor.windows;
    for (let cup = newest + 1; cup <= frame.seq; cup++) {
      const item = ++this.#items;
      this.#open.push({ cup, item, looks: 0, holds: false, views: 0, diametersPx: [], lastAt: frame.exposedAt });
    }
  }

  #look(frame: Frame, seen: Sighting[]): void {
    this.#findPieces();
    for (const cup of this.#open) {
      cup.looks++;
      cup.lastAt = frame.exposedAt;
      const piece = this.#pieceIn[frame.seq - cup.cup]!;
      if (piece >= 0) this.#view(frame, cup, piece, seen);
    }
  }

  /** The largest piece in each window. */
  #findPieces(): void {
    const segmenter = this.#segmenter;
    const { pitchMm, firstWindowMm, windows } = this.#conveyor;
    const { mmPerPx } = this.#lane;
    this.#pieceIn.fill(-1);
    for (let i = 0; i < segmenter.count; i++) {
      const piece = segmenter.piece(i);
      // Also refuses a piece without cells, whose axis is not a number.
      if (!(piece.majorAxis >= this.#smallestCells)) continue;
      this.#axis.place(piece, this.#place);
      const window = Math.round((this.#place.along * mmPerPx - firstWindowMm) / pitchMm);
      if (window < 0 || window >= windows) continue;
      const other = this.#pieceIn[window]!;
      if (other < 0 || segmenter.piece(other).area < piece.area) this.#pieceIn[window] = i;
    }
  }

  #view(frame: Frame, cup: Cup, piece: number, seen: Sighting[]): void {
    const { outline } = this.#segmenter;
    cup.holds = true;
    outline.trace(frame, piece);
    if (!this.#axis.isWhole(outline.box)) return;
    cup.views++;
    cup.diametersPx.push(outline.diameterPx);
    seen.push({
      kind: "view",
      item: cup.item,
      seq: frame.seq,
      exposedAt: frame.exposedAt,
      box: { ...outline.box },
      crop: this.#cropper.cut(frame, outline.mask, outline.area, outline.box),
    });
  }

  /** Reports the cup farthest ahead. */
  #pass(seen: Sighting[]): void {
    const cup = this.#open.shift()!;
    const diameterPx = upperQuantile(cup.diametersPx);
    seen.push({
      kind: "item",
      item: cup.item,
      presence: presenceOf(cup),
      views: cup.views,
      exposedAt: cup.lastAt,
      gateAt: this.#gateAt(cup.cup),
      sizeMm: diameterPx === undefined ? undefined : diameterPx * this.#lane.mmPerPx,
      cup: cup.cup,
    });
  }

  #gateAt(cup: number): Micros {
    const { pitchMm, firstWindowMm, speedMmPerS } = this.#conveyor;
    const last = this.#last!;
    const alongMm = firstWindowMm + (last.seq - cup) * pitchMm;
    const restMm = this.#axis.lengthPx * this.#lane.mmPerPx - alongMm + this.#lane.gateMm;
    const measured = pitchMm / this.#pace.intervalS;
    const believed = measured < speedMmPerS * SPEED_FACTOR && measured > speedMmPerS / SPEED_FACTOR;
    return Math.round(last.exposedAt + (restMm / (believed ? measured : speedMmPerS)) * 1e6);
  }
}

function presenceOf(cup: Cup): ItemPassed["presence"] {
  if (cup.views > 0) return "fruit";
  return cup.looks === 0 || cup.holds ? "no-image" : "empty";
}
