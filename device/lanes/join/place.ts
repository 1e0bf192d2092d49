import { cupsSeenBy, type Span } from "../../config/lane-cameras.ts";
import type { LaneConfig } from "../../config/schema.ts";
import type { ViewSeen } from "../../vision/follower.ts";
import { BeltJoin } from "./belt-join.ts";
import { CupsJoin } from "./cups-join.ts";
import { alongMm } from "./surface.ts";
import type { Join, Place } from "./track.ts";

/** The join for a lane's conveyor. @param spans where each camera's region lies along the lane */
export function createJoin(lane: LaneConfig, spans: readonly Span[]): Join {
  const { conveyor, cameras, fruitMm } = lane;
  const gateMm = Math.max(...spans.map(({ exitMm }) => exitMm)) + lane.gateMm;
  const { speedMmPerS } = conveyor;
  if (conveyor.kind === "belt") return new BeltJoin({ spans, gateMm, speedMmPerS, smallestMm: fruitMm.min });
  return new CupsJoin({
    spans,
    gateMm,
    speedMmPerS,
    ahead: cameras.map((_, index) => cupsSeenBy(lane, index).ahead),
    windows: cameras.map(({ windows }) => windows ?? conveyor.windows),
  });
}

/** Where a view shows its fruit, in the lane's own millimetres. */
export function placeOf(lane: LaneConfig, camera: number, span: Span, { box, exposedAt }: ViewSeen): Place {
  const { region, mmPerPx, direction, mirrored } = lane.cameras[camera]!;
  const acrossMm = (box.y + box.h / 2 - (region === undefined ? 0 : region.y + region.h / 2)) * mmPerPx;
  // Turned by half, right and left change with the direction.
  const across = (direction === "right") === mirrored ? -acrossMm : acrossMm;
  const along = alongMm(lane, camera, span, box);
  return { at: exposedAt, alongMm: along, acrossMm: across, lengthMm: box.w * mmPerPx };
}

/** The carrier under a view, as its camera counts; undefined on a belt. */
export function cupOf(lane: LaneConfig, camera: number, span: Span, place: Place, seq: number): number | undefined {
  if (lane.conveyor.kind !== "cups") return undefined;
  const { firstWindowMm } = cupsSeenBy(lane, camera);
  return seq - Math.round((place.alongMm - span.entryMm - firstWindowMm) / lane.conveyor.pitchMm);
}
