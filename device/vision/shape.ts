import type { Picture } from "./crop.ts";
import type { Outline } from "./outline.ts";

/** Longer than wide by more than this, and by so much more than what usually passes, a thing is no fruit. */
const LONG = 2.2;
const LONGER = 1.6;
/** The ellipse of the same moments has so many times a thing's own area: fingers, bites, prongs. */
const RAGGED = 1.09;
const MORE_RAGGED = 0.06;
/** Thresholds for flat bodies that are no ellipse, and for long ones that are even less so: a label, half a fruit. */
const CORNERED = 1.03;
const CUT_OFF = 1.045;
const LONGISH = 1.6;
/** Brightness near the rim against that near the middle, of a thing without any roundness. */
const FLAT = 0.93;
/** Number of items that give the usual shape on the lane. */
const USUAL = 15;
/** Views kept per item. */
const MOST_VIEWS = 32;
/** Places of the two rings on which roundness is looked at, as shares of the half axes. */
const [INNER, OUTER] = [0.3, 0.8];
const ANGLES = 12;

/** Shapes of one thing's views: middle values count, so that a view or two that are off do no harm. */
export class Shape {
  readonly #elongations: number[] = [];
  readonly #shares: number[] = [];
  readonly #rims: number[] = [];

  add(outline: Outline, picture: Picture): void {
    if (this.#elongations.length >= MOST_VIEWS) return;
    this.#elongations.push(outline.elongation);
    this.#shares.push(outline.ellipseShare);
    this.#rims.push(rimLight(outline, picture));
  }

  get elongation(): number {
    return middle(this.#elongations);
  }

  get ellipseShare(): number {
    return middle(this.#shares);
  }

  /** Brightness near the rim against that near the middle: lower on round things. */
  get rim(): number {
    return middle(this.#rims);
  }
}

/** Tells fruit from foreign things by shape, against what usually passes the lane: bananas are long, too. */
export class UsualShapes {
  readonly #elongations: number[] = [];
  readonly #shares: number[] = [];

  /** Takes a thing that passes. @returns why it is no fruit, in words; undefined for fruit */
  judge(shape: Shape): string | undefined {
    const { elongation, ellipseShare, rim } = shape;
    keep(this.#elongations, elongation);
    keep(this.#shares, ellipseShare);
    const usualLength = middle(this.#elongations);
    const usualShare = middle(this.#shares);
    if (elongation > LONG && elongation > LONGER * usualLength) {
      return `no fruit by its shape: ${elongation.toFixed(1)} times as long as wide`;
    }
    if (ellipseShare > RAGGED && ellipseShare > usualShare + MORE_RAGGED)
      return "no fruit by its shape: it is not round";
    const cornered = ellipseShare > CORNERED && ellipseShare > usualShare + CORNERED - 1;
    if (cornered && rim > FLAT) return "no fruit by its shape: it is flat and not round";
    const cut = ellipseShare > CUT_OFF && ellipseShare > usualShare + CORNERED - 1;
    if (cut && elongation > LONGISH && elongation > 1.3 * usualLength) return "no fruit by its shape: a part of one";
    return undefined;
  }
}

function keep(values: number[], value: number): void {
  if (values.length === USUAL) values.shift();
  values.push(value);
}

function middle(values: readonly number[]): number {
  if (values.length === 0) return 1;
  return Float64Array.from(values).sort()[(values.length - 1) >> 1]!;
}

/** Mean brightness on a ring near the rim over that on one near the middle. */
function rimLight({ cx, cy, xx, xy, yy }: Outline, picture: Picture): number {
  // Half axes of the ellipse: twice the root of the covariance, by Cholesky.
  const a = Math.sqrt(Math.max(1e-6, xx));
  const b = xy / a;
  const c = Math.sqrt(Math.max(1e-6, yy - b * b));
  let inner = 0;
  let outer = 0;
  for (let i = 0; i < ANGLES; i++) {
    const u = 2 * Math.cos((2 * Math.PI * i) / ANGLES);
    const v = 2 * Math.sin((2 * Math.PI * i) / ANGLES);
    inner += lightAt(picture, cx + INNER * a * u, cy + INNER * (b * u + c * v));
    outer += lightAt(picture, cx + OUTER * a * u, cy + OUTER * (b * u + c * v));
  }
  return outer / Math.max(1, inner);
}

function lightAt({ data, widthPx, heightPx }: Picture, x: number, y: number): number {
  const col = Math.max(0, Math.min(widthPx - 1, x | 0));
  const row = Math.max(0, Math.min(heightPx - 1, y | 0));
  const p = (row * widthPx + col) * 3;
  return data[p]! + data[p + 1]! + data[p + 2]!;
}
