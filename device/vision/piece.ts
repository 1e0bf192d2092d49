/** What may be one fruit: a part of the mask in cells of the lane's grid. Kept in a pool and overwritten. */
export class Piece {
  /** Cells. */
  area = 0;
  /** Centre, cells; the centre of the first cell is at 0.5. */
  cx = 0;
  cy = 0;
  /** Covariance of its cells. */
  xx = 0;
  xy = 0;
  yy = 0;
  /** Columns and rows from (included) and to (excluded). */
  left = 0;
  right = 0;
  top = 0;
  bottom = 0;
  /** Whether it was cut off another that it touches. */
  split = false;

  /** Sets area, centre and covariance from the plain sums over cells of 1, x, y, x², xy, y². */
  setMoments(area: number, x: number, y: number, xx: number, xy: number, yy: number): void {
    this.area = area;
    this.cx = x / area;
    this.cy = y / area;
    // A cell is a square, not a point: 1/12 each way.
    this.xx = xx / area - this.cx * this.cx + 1 / 12;
    this.xy = xy / area - this.cx * this.cy;
    this.yy = yy / area - this.cy * this.cy + 1 / 12;
  }

  /** Area of the ellipse of the same covariance over the piece's own: 1 for an ellipse, more for anything else. */
  get ellipseShare(): number {
    return (4 * Math.PI * Math.sqrt(Math.max(0, this.xx * this.yy - this.xy * this.xy))) / this.area;
  }

  /** Longest axis of the ellipse of the same covariance, cells. */
  get majorAxis(): number {
    return 4 * Math.sqrt(largerEigenvalue(this.xx, this.xy, this.yy));
  }

  /** Place of a point against that ellipse: 0 in the centre, 1 on the outline. */
  outlineAt(x: number, y: number): number {
    const dx = x - this.cx;
    const dy = y - this.cy;
    const determinant = this.xx * this.yy - this.xy * this.xy;
    return (this.yy * dx * dx - 2 * this.xy * dx * dy + this.xx * dy * dy) / (4 * determinant);
  }
}

/** The larger variance along any direction of a covariance matrix. */
export function largerEigenvalue(xx: number, xy: number, yy: number): number {
  return (xx + yy) / 2 + Math.sqrt(((xx - yy) / 2) ** 2 + xy * xy);
}

/** A fixed pool: nothing is made new in a frame, and more than it holds is left out. */
export class PiecePool {
  readonly pieces: readonly Piece[];
  count = 0;

  constructor(size: number) {
    this.pieces = Array.from({ length: size }, () => new Piece());
  }

  /** The next free piece; undefined when all are taken. */
  next(): Piece | undefined {
    return this.count < this.pieces.length ? this.pieces[this.count++] : undefined;
  }
}
