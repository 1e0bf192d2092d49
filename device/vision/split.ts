import { DistanceTransform } from "./distance.ts";
import { cutEdgeNeck } from "./edge-neck.ts";
import { FIRST_SEED, Flood } from "./flood.ts";
import type { Piece, PiecePool } from "./piece.ts";
import type { Regions } from "./regions.ts";

/** Fruit in one run of touching fruit. */
const MOST_SEEDS = 16;
const MOST_PEAKS = 256;
/** A mask whose ellipse has at most so many times its own area is one fruit. */
const ONE_FRUIT = 1.02;
/** The narrowest place between two fruit is less than this share of the smaller one's half width. */
const NECK = 0.72;
/** Slivers at the ends of the lane are at most so many times as thick as the slimmest fruit's half width. */
const SLIVER = 3;

/**
 * Turns connected regions into pieces, one for each fruit: where fruit touch, the mask has necks. Each peak of the
 * distance to the background with necks to all others is a fruit, and a flood from the peaks divides the mask in the
 * necks (the watershed of the distance).
 */
export class Splitter {
  readonly #cols: number;
  readonly #rows: number;
  readonly #leastRadius: number;
  readonly #pool: PiecePool;
  readonly #labels: Uint8Array;
  readonly #transform = new DistanceTransform();
  readonly #local: Uint8Array;
  readonly #distances: Int32Array;
  readonly #peaks = new Int32Array(MOST_PEAKS);
  #peakCount = 0;
  /** Where the box of the region under work lies in the grid, and how wide it is. */
  #left = 0;
  #top = 0;
  #width = 0;
  #size = 0;
  #firstLabel = 0;
  /** Places of the seeds in the box. */
  readonly #seedAt = new Int32Array(MOST_SEEDS);
  #seeds = 0;
  readonly #flood: Flood;
  readonly #sums = new Float64Array(MOST_SEEDS * 6);
  readonly #parts: Piece[] = [];
  readonly #heights: Int32Array;

  /**
   * @param leastRadius half the width of the slimmest fruit, cells
   * @param labels (rows * cols), filled with 1 + the index of the piece in the pool
   */
  constructor(cols: number, rows: number, leastRadius: number, pool: PiecePool, labels: Uint8Array) {
    this.#cols = cols;
    this.#rows = rows;
    this.#leastRadius = leastRadius;
    this.#pool = pool;
    this.#labels = labels;
    this.#heights = new Int32Array(3 * Math.ceil(SLIVER * leastRadius));
    this.#local = new Uint8Array((cols + 2) * (rows + 2));
    this.#flood = new Flood((cols + 2) * (rows + 2));
    this.#distances = new Int32Array((cols + 2) * (rows + 2));
  }

  /** Empties the pool and fills it with the pieces of all regions. */
  run(regions: Regions): void {
    this.#pool.count = 0;
    this.#labels.fill(0);
    for (let region = 0; region < regions.count; region++) this.#region(regions, region);
    const reach = Math.ceil(SLIVER * this.#leastRadius);
    for (let index = 0, count = this.#pool.count; index < count; index++) {
      const piece = this.#pool.pieces[index]!;
      if (piece.left === 0) cutEdgeNeck(this.#labels, this.#cols, this.#pool, index, true, reach, this.#heights);
      if (piece.right === this.#cols) {
        cutEdgeNeck(this.#labels, this.#cols, this.#pool, index, false, reach, this.#heights);
      }
    }
  }

  #region(regions: Regions, region: number): void {
    const whole = this.#pool.next();
    if (whole === undefined) return;
    whole.split = false;
    this.#takeRuns(regions, region, whole);
    if (whole.ellipseShare <= ONE_FRUIT) return;
    this.#measure(regions, region);
    this.#findSeeds();
    if (this.#seeds < 2) return;
    this.#parts.length = 0;
    this.#parts.push(whole);
    while (this.#parts.length < this.#seeds) {
      const next = this.#pool.next();
      if (next === undefined) break;
      this.#parts.push(next);
    }
    this.#flood.run(this.#local, this.#distances, this.#width, this.#size, this.#seedAt, this.#parts.length);
    this.#takeParts();
  }

  /** One piece of the whole region. */
  #takeRuns(regions: Regions, region: number, piece: Piece): void {
    const label = this.#pool.count;
    this.#firstLabel = label;
    let area = 0;
    let sx = 0;
    let sy = 0;
    let sxx = 0;
    let sxy = 0;
    let syy = 0;
    for (let run = 0; run < regions.runs; run++) {
      if (regions.region[run] !== region) continue;
      const from = regions.start[run]!;
      const to = regions.end[run]!;
      const y = regions.row[run]! + 0.5;
      const n = to - from;
      const x = (n * (from + to)) / 2;
      area += n;
      sx += x;
      sy += n * y;
      // Sum of (k + 1/2)² for k = from .. to - 1.
      sxx += (to * to * to - from * from * from) / 3 - n / 12;
      sxy += x * y;
      syy += n * y * y;
      const at = regions.row[run]! * this.#cols;
      this.#labels.fill(label, at + from, at + to);
    }
    piece.setMoments(area, sx, sy, sxx, sxy, syy);
    piece.left = regions.left[region]!;
    piece.right = regions.right[region]!;
    piece.top = regions.top[region]!;
    piece.bottom = regions.bottom[region]!;
  }

  /** Distances to the background over the region's box with a rim of one cell. */
  #measure(regions: Regions, region: number): void {
    const left = regions.left[region]! - 1;
    const top = regions.top[region]! - 1;
    const width = regions.right[region]! + 1 - left;
    const height = regions.bottom[region]! + 1 - top;
    const local = this.#local.fill(0, 0, width * height);
    for (let run = 0; run < regions.runs; run++) {
      if (regions.region[run] !== region) continue;
      const at = (regions.row[run]! - top) * width - left;
      local.fill(1, at + regions.start[run]!, at + regions.end[run]!);
    }
    this.#openEdges(local, left, top, width, height);
    this.#transform.run(local, width, height, this.#distances);
    this.#left = left;
    this.#top = top;
    this.#width = width;
    this.#size = width * height;
    this.#findPeaks(width, height);
  }

  /** A fruit that is cut off by the edge of the roi goes on beyond it: the edge is no background. */
  #openEdges(local: Uint8Array, left: number, top: number, width: number, height: number): void {
    const last = width * (height - 1);
    for (let y = 0; y < height; y++) {
      const at = y * width;
      if (left < 0) local[at] = local[at + 1]!;
      if (left + width > this.#cols) local[at + width - 1] = local[at + width - 2]!;
    }
    for (let x = 0; x < width; x++) {
      if (top < 0) local[x] = local[width + x]!;
      if (top + height > this.#rows) local[last + x] = local[last - width + x]!;
    }
  }

  /** Local maxima of the distance, highest first. */
  #findPeaks(width: number, height: number): void {
    const d = this.#distances;
    const least = this.#leastRadius * this.#leastRadius;
    const peaks = this.#peaks;
    let count = 0;
    for (let y = 0, at = 0; y < height; y++) {
      // Beyond the box nothing is higher: the rim is background but where a fruit goes on past the edge of the roi.
      const up = y > 0 ? -width : 0;
      const down = y < height - 1 ? width : 0;
      for (let x = 0; x < width; x++, at++) {
        const here = d[at]!;
        if (here < least) continue;
        const left = x > 0 ? -1 : 0;
        const right = x < width - 1 ? 1 : 0;
        if (d[at + left]! > here || d[at + right]! > here) continue;
        if (d[at + up]! > here || d[at + up + left]! > here || d[at + up + right]! > here) continue;
        if (d[at + down]! > here || d[at + down + left]! > here || d[at + down + right]! > here) continue;
        // Sorted by insertion; a plateau gives many peaks of one height, a few of them are enough.
        let to = Math.min(count, MOST_PEAKS - 1);
        if (count === MOST_PEAKS && d[peaks[to]!]! >= here) continue;
        for (; to > 0 && d[peaks[to - 1]!]! < here; to--) peaks[to] = peaks[to - 1]!;
        peaks[to] = at;
        if (count < MOST_PEAKS) count++;
      }
    }
    this.#peakCount = count;
  }

  /** Peaks with a neck between them and every higher one. */
  #findSeeds(): void {
    this.#seeds = 0;
    for (let i = 0; i < this.#peakCount && this.#seeds < MOST_SEEDS; i++) {
      const at = this.#peaks[i]!;
      let own = true;
      for (let seed = 0; seed < this.#seeds && own; seed++) {
        const higher = this.#seedAt[seed]!;
        // Peaks come highest first, so this one is the lower.
        own = this.#narrowest(at, higher) < NECK * NECK * this.#distances[at]!;
      }
      if (own) this.#seedAt[this.#seeds++] = at;
    }
  }

  /** Least squared distance to the background on the way between two cells. */
  #narrowest(from: number, to: number): number {
    const width = this.#width;
    const x0 = from % width;
    const y0 = Math.floor(from / width);
    const x1 = to % width;
    const y1 = Math.floor(to / width);
    const steps = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)));
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= steps; i++) {
      const t = i / Math.max(1, steps);
      const at = Math.round(y0 + t * (y1 - y0)) * width + Math.round(x0 + t * (x1 - x0));
      least = Math.min(least, this.#distances[at]!);
    }
    return least;
  }

  /** Labels, boxes and moments of the parts. */
  #takeParts(): void {
    const parts = this.#parts;
    const sums = this.#sums.fill(0);
    for (const part of parts) {
      part.left = this.#cols;
      part.right = 0;
      part.top = this.#rows;
      part.bottom = 0;
    }
    for (let at = 0; at < this.#size; at++) {
      const index = this.#local[at]! - FIRST_SEED;
      const col = (at % this.#width) + this.#left;
      const row = Math.floor(at / this.#width) + this.#top;
      if (index < 0 || col < 0 || row < 0 || col >= this.#cols || row >= this.#rows) continue;
      this.#labels[row * this.#cols + col] = this.#firstLabel + index;
      const piece = parts[index]!;
      piece.left = Math.min(piece.left, col);
      piece.right = Math.max(piece.right, col + 1);
      piece.top = Math.min(piece.top, row);
      piece.bottom = row + 1;
      const x = col + 0.5;
      const y = row + 0.5;
      const to = index * 6;
      sums[to]! += 1;
      sums[to + 1]! += x;
      sums[to + 2]! += y;
      sums[to + 3]! += x * x;
      sums[to + 4]! += x * y;
      sums[to + 5]! += y * y;
    }
    for (const [part, piece] of parts.entries()) {
      const at = part * 6;
      piece.split = true;
      piece.setMoments(sums[at]!, sums[at + 1]!, sums[at + 2]!, sums[at + 3]!, sums[at + 4]!, sums[at + 5]!);
    }
  }
}
