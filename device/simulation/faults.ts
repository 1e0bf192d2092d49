import type { Fault } from "./items.ts";
import { smoothstep } from "./noise.ts";
import { Random } from "./random.ts";
import type { Vector } from "./rotation.ts";
import { type SphereNoise, VARIANTS } from "./sphere.ts";
import { mix } from "./texel.ts";

/** One fault with all that is drawn once. */
export interface FaultPaint {
  readonly fault: Fault;
  readonly opacity: number;
  readonly edge: number;
  readonly rings: number;
  readonly mould: number;
  readonly halo: number;
  /** Which variant of the shared noise it shows. */
  readonly variant: number;
  /** Two unit tangents at its centre: along its length and across. */
  readonly along: Vector;
  readonly across: Vector;
  /** Cosine of the angle beyond which nothing of it shows. */
  readonly reach: number;
  /** Direction of its centre. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export function prepareFault(fault: Fault): FaultPaint {
  const { kind } = fault;
  const random = new Random(fault.seed);
  const { along, across } = tangents(fault.at, random.range(0, 2 * Math.PI));
  return {
    fault,
    opacity: random.range(...kind.opacity),
    edge: random.range(...kind.edge),
    rings: kind.rings === undefined ? 0 : random.range(...kind.rings),
    mould: kind.mould === undefined ? 0 : random.range(...kind.mould),
    halo: kind.halo === undefined ? 0 : random.range(...kind.halo),
    variant: random.int(VARIANTS),
    along,
    across,
    reach: Math.cos(Math.min(Math.PI, fault.radius * (kind.halo === undefined ? 1.75 : 2.6) + 0.02)),
    x: fault.at[0],
    y: fault.at[1],
    z: fault.at[2],
  };
}

/**
 * Paints what a fault does to one texel within its reach.
 *
 * @param texel RGB and gloss, changed in place
 * @param i number of the texel
 */
export function drawFaultTexel(texel: Float64Array, paint: FaultPaint, noise: SphereNoise, i: number): void {
  const { radius, kind } = paint.fault;
  const { directions } = noise;
  const x = directions[3 * i]!;
  const y = directions[3 * i + 1]!;
  const z = directions[3 * i + 2]!;
  const cosine = x * paint.x + y * paint.y + z * paint.z;
  // The chord, lengthened to the angle by the first term of the series of the arcsine.
  const square = Math.max(0, 2 - 2 * cosine);
  const distance = (Math.sqrt(square) * (1 + square / 24)) / radius;
  const maps = noise.variants[paint.variant]!;
  const mid = maps.mid[i]! / 255 - 0.5;
  const fine = maps.fine[i]! / 255 - 0.5;
  if (kind.shape === "disc") disc(texel, paint, distance, fine);
  else if (kind.shape === "net") net(texel, paint, distance, mid, fine);
  else if (kind.shape === "folds") folds(texel, paint, distance, mid, x, y, z);
  else if (kind.shape === "crack") crack(texel, paint, mid, fine, x, y, z);
  else blob(texel, paint, distance, mid, fine);
}

/** A spot with a ragged edge: bruise, rot, scab, sunburn. */
function blob(texel: Float64Array, paint: FaultPaint, distance: number, mid: number, fine: number): void {
  const { colour } = paint.fault.kind;
  const ragged = distance * (1 + 0.55 * mid + 0.12 * fine);
  const share = paint.opacity * smoothstep(1 + paint.edge, 1 - paint.edge, ragged);
  if (share <= 0) return;
  const ring = paint.rings * 0.22 * Math.sin(ragged * 15) * smoothstep(0.1, 0.4, ragged);
  const shade = 1 + 0.35 * mid + 0.2 * fine + ring - 0.12 * smoothstep(0.5, 1, ragged);
  mix(texel, colour[0] * shade, colour[1] * shade, colour[2] * shade, share);
  texel[3] = texel[3]! * (1 - 0.6 * share);
  if (paint.mould > 0.05) {
    const tuft = smoothstep(0.05, 0.35, mid + 0.35 * fine + 0.4 * paint.mould - 0.25 * ragged);
    mix(texel, 196, 196, 184, tuft * share * 0.9);
  }
}

/** A round spot: puncture, hole, hail mark; the pierced ones have a discoloured halo. */
function disc(texel: Float64Array, paint: FaultPaint, distance: number, fine: number): void {
  const { colour } = paint.fault.kind;
  const round = distance * (1 + 0.2 * fine);
  if (paint.halo > 0) {
    const halo = paint.halo * 0.6 * smoothstep(2.5, 0.9, round);
    mix(texel, 150, 112, 62, halo);
  }
  const opacity = paint.halo > 0 ? paint.opacity : Math.min(1, paint.opacity * 1.25);
  const share = opacity * smoothstep(1 + paint.edge, 1 - paint.edge, round);
  // A healed mark has a dark rim around its cork.
  const rim = paint.halo > 0 ? 0 : 0.45 * smoothstep(0.55, 0.9, round);
  const shade = 1 + 0.4 * fine - rim;
  mix(texel, colour[0] * shade, colour[1] * shade, colour[2] * shade, share);
  texel[3] = texel[3]! * (1 - 0.8 * share);
}

/** Corky net: russet. */
function net(texel: Float64Array, paint: FaultPaint, distance: number, mid: number, fine: number): void {
  const { colour } = paint.fault.kind;
  const cover = smoothstep(1 + paint.edge, 1 - paint.edge, distance * (1 + 0.8 * mid));
  if (cover <= 0) return;
  const threads = smoothstep(0.16, 0.03, Math.abs(mid)) * 0.6 + smoothstep(0.14, 0.02, Math.abs(fine)) * 0.5;
  const share = Math.min(1, paint.opacity * 1.5) * cover * Math.min(1, 0.5 + threads);
  const shade = 1 + 0.4 * fine;
  mix(texel, colour[0] * shade, colour[1] * shade, colour[2] * shade, share);
  texel[3] = texel[3]! * (1 - 0.7 * share);
}

/** Dark parallel wrinkles: shrivel. */
function folds(
  texel: Float64Array,
  paint: FaultPaint,
  distance: number,
  mid: number,
  x: number,
  y: number,
  z: number,
): void {
  const { colour } = paint.fault.kind;
  const { across, edge, opacity } = paint;
  const cover = smoothstep(1 + edge, 1 - edge, distance * (1 + 0.5 * mid));
  if (cover <= 0) return;
  const place = x * across[0] + y * across[1] + z * across[2];
  const wave = Math.sin(place * 24 + 7 * mid);
  mix(texel, colour[0], colour[1], colour[2], opacity * cover * (0.3 + 0.6 * smoothstep(0.35, 1, wave)));
  const lift = 1 + 0.08 * cover * smoothstep(0.2, 1, -wave);
  for (let c = 0; c < 3; c++) texel[c] = texel[c]! * lift;
  texel[3] = texel[3]! * (1 - 0.5 * cover);
}

/** A jagged opening that shows flesh between dark rims: burst. */
function crack(
  texel: Float64Array,
  paint: FaultPaint,
  mid: number,
  fine: number,
  x: number,
  y: number,
  z: number,
): void {
  const { colour } = paint.fault.kind;
  const { along, across } = paint;
  const { radius } = paint.fault;
  const a = (x * along[0] + y * along[1] + z * along[2]) / radius;
  if (Math.abs(a) > 1) return;
  const b = (x * across[0] + y * across[1] + z * across[2]) / radius + 0.35 * mid;
  const width = 0.24 * (1 - a * a) * (1 + 0.8 * fine);
  const rim = Math.abs(b) - width;
  if (rim > 0.2) return;
  mix(texel, 60, 36, 22, paint.opacity * 0.85 * smoothstep(0.2, 0.02, rim) * smoothstep(1, 0.85, Math.abs(a)));
  const open = paint.opacity * smoothstep(0.02, -0.04, rim);
  const shade = 1 + 0.3 * fine - 0.35 * smoothstep(0.6, 0, Math.abs(b) / (width + 1e-6));
  mix(texel, colour[0] * shade, colour[1] * shade, colour[2] * shade, open);
  texel[3] = texel[3]! * (1 - 0.8 * Math.max(open, 0.5));
}

function tangents(at: Vector, angle: number): { along: Vector; across: Vector } {
  const helper: Vector = Math.abs(at[1]) < 0.8 ? [0, 1, 0] : [1, 0, 0];
  const side = unit(cross(at, helper));
  const front = cross(at, side);
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const along: Vector = [c * side[0] + s * front[0], c * side[1] + s * front[1], c * side[2] + s * front[2]];
  return { along, across: cross(at, along) };
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: Vector): Vector {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}
