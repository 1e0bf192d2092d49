import type { Random } from "./random.ts";
import {
  aboutAcross,
  aboutTravel,
  aboutView,
  compose,
  type Rotation,
  unapply,
  uniformRotation,
  type Vector,
} from "./rotation.ts";

/** How a body of revolution turns while it travels. Its stem axis is +y of the body. */
export interface Roll {
  /** Attitude when its centre is in the middle of the field. */
  readonly rest: Rotation;
  /** Turning about the axis across the lane, radians per millimetre of travel. */
  readonly turnPerMm: number;
  /** Tilt of that axis in the picture, radians. */
  readonly tilt: number;
  /** Slow spin about the direction of view, radians per millimetre. */
  readonly spinPerMm: number;
  /** Slow turning about the direction of travel, radians per millimetre: brings the flanks into view. */
  readonly drift: number;
}

/**
 * The attitude after some travel.
 *
 * @param travelMm of the centre from the middle of the field; negative before it
 */
export function attitude(roll: Roll, travelMm: number): Rotation {
  const turned = compose(aboutAcross(roll.turnPerMm * travelMm), roll.rest);
  const drifted = compose(aboutTravel(roll.drift * travelMm), turned);
  return compose(aboutView(roll.tilt + roll.spinPerMm * travelMm), drifted);
}

/**
 * Draws how one fruit rolls.
 *
 * @param fieldMm length of the field of view
 * @param turnPerMm radians per millimetre
 * @param across whether the stem axis lies across the lane, as oblong bodies roll and round ones often do
 */
export function drawRoll(random: Random, fieldMm: number, turnPerMm: number, across: boolean): Roll {
  const free = uniformRotation(random.unit(), random.unit(), random.unit());
  const lean = random.range(-0.28, 0.28);
  const yaw = random.range(-0.28, 0.28);
  const phase = random.range(0, 2 * Math.PI);
  const flip = random.unit() < 0.5 ? Math.PI : 0;
  const settled = compose(aboutView(yaw), compose(aboutTravel(lean + flip), aboutAcross(phase)));
  const rest = across ? settled : free;
  const tilt = random.range(-0.12, 0.12);
  const spinPerMm = random.range(-0.4, 0.4) / fieldMm;
  const drift = random.range(-0.55, 0.55) / fieldMm;
  // What does not roll does not turn otherwise either.
  return turnPerMm === 0
    ? { rest, turnPerMm, tilt, spinPerMm: 0, drift: 0 }
    : { rest, turnPerMm, tilt, spinPerMm, drift };
}

/**
 * The direction on the body that faces the camera, but for two angles, when the body is `travelMm` from mid-field.
 *
 * @param ahead radians along the rolling
 * @param aside radians towards a flank
 */
export function facing(roll: Roll, travelMm: number, ahead: number, aside: number): Vector {
  const up: Vector = [Math.sin(ahead) * Math.cos(aside), Math.sin(aside), Math.cos(ahead) * Math.cos(aside)];
  return unapply(attitude(roll, travelMm), up);
}

/** A body's outline in the picture: support h(n) = sqrt(n' E n), E symmetric [exx, exy, eyy], square millimetres. */
export type Outline = readonly [number, number, number];

/**
 * The outline of an ellipsoid of revolution seen from above.
 *
 * @param radiusMm across the stem axis
 * @param halfHeightMm along it
 */
export function outline(r: Rotation, radiusMm: number, halfHeightMm: number): Outline {
  const a = radiusMm * radiusMm;
  const b = halfHeightMm * halfHeightMm;
  return [
    a * (r[0] * r[0] + r[2] * r[2]) + b * r[1] * r[1],
    a * (r[0] * r[3] + r[2] * r[5]) + b * r[1] * r[4],
    a * (r[3] * r[3] + r[5] * r[5]) + b * r[4] * r[4],
  ];
}

/**
 * Smallest distance along the travel at which two outlines do not overlap.
 * Two convex sets are apart if some direction separates them; the directions tried make it at most 0.2 % too long.
 *
 * @param asideMm sideways distance of the centres (second minus first)
 */
export function contactMm(first: Outline, second: Outline, asideMm: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = -16; i <= 16; i++) {
    const angle = i * 0.06;
    const nx = Math.cos(angle);
    const ny = Math.sin(angle);
    const reach =
      Math.sqrt(first[0] * nx * nx + 2 * first[1] * nx * ny + first[2] * ny * ny) +
      Math.sqrt(second[0] * nx * nx + 2 * second[1] * nx * ny + second[2] * ny * ny);
    best = Math.min(best, (reach - asideMm * ny) / nx);
  }
  return best;
}
