import { DistanceTransform } from "./distance.ts";
import type { Piece, PiecePool } from "./piece.ts";
import type { Regions } from "./regions.ts";

/** Fruit in one run of touching fruit. */
const MOST_SEEDS = 16;
const MOST_PEAKS = 256;
/** A mask whose ellipse has at most so many times its own area is one fruit. */
const ONE_FRUIT = 1.02;
/** The narrowest place between two fruit is less than this share of the smaller one's half width. */
const NECK = 0.72;

/**
 * Turns connected regions into pieces, one for each fruit: where fruit touch, the mask has necks. The peaks of the
 * distance to the background are the fruit; a first cut goes by circles around them, the second by the ellipses of
 * the parts, which meet where the fruit do.
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
  #firstLabel = 0;
  readonly #seedX = new Float64Array(MOST_SEEDS);
  readonly #seedY = new Float64Array(MOST_SEEDS);
  readonly #seedSquare = new Float64Array(MOST_SEEDS);
  #seeds = 0;
  readonly #sums = new Float64Array(MOST_SEEDS * 6);
  readonly #parts: Piece[] = [];

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
    this.#local = new Uint8Array((cols + 2) * (rows + 2));
    this.#distances = new Int32Array((cols + 2) * (rows + 2));
  }

  /** Empties the pool and fills it with the pieces of all regions. */
  run(regions: Regions): void {
    this.#pool.count = 0;
    this.#labels.fill(0);
    for (let region = 0; region < regions.count; region++) this.#region(regions, region);
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
    this.#cut(regions, region, false);
    this.#cut(regions, region, true);
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
    this.#findPeaks(left, top, width, height);
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
  #findPeaks(left: number, top: number, width: number, height: number): void {
    const d = this.#distances;
    const least = this.#leastRadius * this.#leastRadius;
    const peaks = this.#peaks;
    let count = 0;
    for (let y = 1; y < height - 1; y++) {
      for (let at = y * width + 1, end = (y + 1) * width - 1; at < end; at++) {
        const here = d[at]!;
        if (here < least || d[at - 1]! > here || d[at + 1]! > here) continue;
        const up = at - width;
        const down = at + width;
        if (d[up]! > here || d[down]! > here || d[up - 1]! > here || d[up + 1]! > here) continue;
        if (d[down - 1]! > here || d[down + 1]! > here) continue;
        // Sorted by insertion; a plateau gives many peaks of one height, a few of them are enough.
        let to = Math.min(count, MOST_PEAKS - 1);
        if (count === MOST_PEAKS && d[peaks[to]!]! >= here) continue;
        for (; to > 0 && d[peaks[to - 1]!]! < here; to--) peaks[to] = peaks[to - 1]!;
        peaks[to] = at;
        if (count < MOST_PEAKS) count++;
      }
    }
    this.#peakCount = count;
    this.#left = left;
    this.#top = top;
    this.#width = width;
  }

  /** Peaks with a neck between them and every higher one. Cell coordinates of the grid. */
  #findSeeds(): void {
    this.#seeds = 0;
    for (let i = 0; i < this.#peakCount && this.#seeds < MOST_SEEDS; i++) {
      const at = this.#peaks[i]!;
      const y = Math.floor(at / this.#width);
      const x = at - y * this.#width;
      const square = this.#distances[at]!;
      let own = true;
      for (let seed = 0; seed < this.#seeds && own; seed++) {
        const sx = this.#seedX[seed]! - 0.5 - this.#left;
        const sy = this.#seedY[seed]! - 0.5 - this.#top;
        const lower = Math.min(square, this.#seedSquare[seed]!);
        own = this.#narrowest(x, y, sx, sy) < NECK * NECK * lower;
      }
      if (!own) continue;
      this.#seedX[this.#seeds] = x + this.#left + 0.5;
      this.#seedY[this.#seeds] = y + this.#top + 0.5;
      this.#seedSquare[this.#seeds] = square;
      this.#seeds++;
    }
  }

  /** Least squared distance to the background on the way between two cells. */
  #narrowest(x0: number, y0: number, x1: number, y1: number): number {
    const steps = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)));
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= steps; i++) {
      const t = i / Math.max(1, steps);
      const at = Math.round(y0 + t * (y1 - y0)) * this.#width + Math.round(x0 + t * (x1 - x0));
      least = Math.min(least, this.#distances[at]!);
    }
    return least;
  }

  /** Gives each cell of the region to a part and measures the parts. */
  #cut(regions: Regions, region: number, byEllipse: boolean): void {
    const parts = this.#parts;
    const sums = this.#sums.fill(0);
    if (byEllipse) for (const part of parts) this.#emptyBox(part);
    for (let run = 0; run < regions.runs; run++) {
      if (regions.region[run] !== region) continue;
      const row = regions.row[run]!;
      const y = row + 0.5;
      for (let col = regions.start[run]!; col < regions.end[run]!; col++) {
        const x = col + 0.5;
        const part = byEllipse ? this.#nearestEllipse(x, y) : this.#nearestCircle(x, y);
        const at = part * 6;
        sums[at]! += 1;
        sums[at + 1]! += x;
        sums[at + 2]! += y;
        sums[at + 3]! += x * x;
        sums[at + 4]! += x * y;
        sums[at + 5]! += y * y;
        if (!byEllipse) continue;
        this.#labels[row * this.#cols + col] = this.#firstLabel + part;
        const piece = parts[part]!;
        piece.left = Math.min(piece.left, col);
        piece.right = Math.max(piece.right, col + 1);
        piece.top = Math.min(piece.top, row);
        piece.bottom = row + 1;
      }
    }
    for (let part = 0; part < parts.length; part++) {
      const at = part * 6;
      parts[part]!.split = true;
      parts[part]!.setMoments(sums[at]!, sums[at + 1]!, sums[at + 2]!, sums[at + 3]!, sums[at + 4]!, sums[at + 5]!);
    }
  }

  #emptyBox(piece: Piece): void {
    piece.left = this.#cols;
    piece.right = 0;
    piece.top = this.#rows;
    piece.bottom = 0;
  }

  #nearestCircle(x: number, y: number): number {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let seed = 0; seed < this.#parts.length; seed++) {
      const power = (x - this.#seedX[seed]!) ** 2 + (y - this.#seedY[seed]!) ** 2 - this.#seedSquare[seed]!;
      if (power >= least) continue;
      least = power;
      best = seed;
    }
    return best;
  }

  #nearestEllipse(x: number, y: number): number {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let part = 0; part < this.#parts.length; part++) {
      const place = this.#parts[part]!.outlineAt(x, y);
      if (place >= least) continue;
      least = place;
      best = part;
    }
    return best;
  }
}
