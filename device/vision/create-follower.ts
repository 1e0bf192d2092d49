import type { LaneConfig } from "../config/schema.ts";
import { BeltFollower } from "./belt.ts";
import type { CropShape } from "./crop.ts";
import { CupsFollower } from "./cups.ts";
import type { Follower } from "./follower.ts";

/**
 * The follower for a lane's conveyor.
 *
 * @param crop shape of the views: what the model was trained on
 * @param frame size of the frames that will come
 * @throws {GradelineError} CONFIG when the lane's roi does not lie in the frame, or its windows do not
 */
export function createFollower(
  lane: LaneConfig,
  crop: CropShape,
  frame: { readonly widthPx: number; readonly heightPx: number },
): Follower {
  const { conveyor } = lane;
  return conveyor.kind === "belt"
    ? new BeltFollower(lane, conveyor.speedMmPerS, crop, frame)
    : new CupsFollower(lane, conveyor, crop, frame);
}
