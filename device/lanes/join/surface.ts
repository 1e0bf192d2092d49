import type { Span } from "../../config/lane-cameras.ts";
import type { LaneConfig } from "../../config/schema.ts";
import type { Box } from "../../vision/follower.ts";

/** Seen this far from where the camera looks, a surface is too slanted to tell faults on it. */
const SLANT = Math.cos((65 * Math.PI) / 180);
const POINTS = 500;

/** From where one view shows a fruit. */
export interface Pose {
  /** Of the camera about the travel: 0 from above, 90 from the right. */
  readonly angleDeg: number;
  /** How far the fruit has rolled on, forward. */
  readonly turnedDeg: number;
}

/** One view of an item, by which of the lane's cameras and where in its picture. */
export interface PosedView {
  readonly camera: number;
  readonly box: Box;
}

/**
 * Share of a fruit's surface that views show; undefined where a camera's angle is not configured.
 *
 * @param spans where each camera's region lies along the lane; of a single camera any will do
 * @param sizeMm the fruit's diameter; where it is not known a rolling fruit counts as one that lies still
 */
export function sidesOf(
  lane: LaneConfig,
  spans: readonly Span[],
  views: readonly PosedView[],
  sizeMm: number | undefined,
): number | undefined {
  const { rolls } = lane.conveyor;
  const degPerMm = sizeMm === undefined ? 0 : (rolls * 360) / (Math.PI * sizeMm);
  const poses: Pose[] = [];
  for (const { camera, box } of views) {
    const { angleDeg } = lane.cameras[camera]!;
    if (angleDeg === undefined) return undefined;
    const turnedDeg = degPerMm === 0 ? 0 : degPerMm * alongMm(lane, camera, spans[camera]!, box);
    if (degPerMm !== 0 || !poses.some((pose) => pose.angleDeg === angleDeg)) poses.push({ angleDeg, turnedDeg });
  }
  return surfaceSeen(poses);
}

/** Where the middle of a view lies along the lane. */
export function alongMm(lane: LaneConfig, camera: number, span: Span, box: Box): number {
  const { region, mmPerPx, direction } = lane.cameras[camera]!;
  const mm = (box.x + box.w / 2 - (region?.x ?? 0)) * mmPerPx;
  return direction === "right" ? span.entryMm + mm : span.exitMm - mm;
}

/**
 * Share of a round fruit's surface that is seen from these sides.
 *
 * @returns 0..1, to a hundredth
 */
export function surfaceSeen(poses: readonly Pose[]): number {
  // Towards the camera, as the fruit itself lies: x ahead, y to the right, z up before it rolled.
  const looks = poses.map(({ angleDeg, turnedDeg }) => {
    const angle = (angleDeg * Math.PI) / 180;
    const turned = (turnedDeg * Math.PI) / 180;
    const up = Math.cos(angle);
    return [-Math.sin(turned) * up, Math.sin(angle), Math.cos(turned) * up] as const;
  });
  let seen = 0;
  for (let i = 0; i < POINTS; i++) {
    // Evenly over the sphere, on a spiral (Vogel).
    const x = 1 - (2 * i + 1) / POINTS;
    const radius = Math.sqrt(1 - x * x);
    const turn = i * Math.PI * (3 - Math.sqrt(5));
    const y = radius * Math.cos(turn);
    const z = radius * Math.sin(turn);
    if (looks.some(([lx, ly, lz]) => x * lx + y * ly + z * lz >= SLANT)) seen++;
  }
  return Math.round((100 * seen) / POINTS) / 100;
}
