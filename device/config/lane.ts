import { z } from "zod";
import { nameSchema } from "./names.ts";

const positive = z.number().positive();

const regionSchema = z.strictObject({
  x: z.number().int().min(0),
  y: z.number().int().min(0),
  w: z.number().int().min(16),
  h: z.number().int().min(16),
});

const rolls = z
  .number()
  .min(-5)
  .max(5)
  .default(0)
  .describe(
    "how far a fruit's surface turns while it goes on, as a share of that way: 1 where it rolls along, 0 where it lies still; for `sides`",
  );

const beltSchema = z.strictObject({
  kind: z.literal("belt"),
  rolls,
  speedMmPerS: positive.max(10_000).describe("speed of the belt; followed from the fruit where they differ a little"),
});

const cupsSchema = z.strictObject({
  kind: z.literal("cups"),
  rolls,
  pitchMm: positive.describe("distance between two cups; the camera is triggered once per pitch"),
  windows: z.number().int().min(1).max(64).describe("cups that one frame shows whole"),
  firstWindowMm: z
    .number()
    .min(0)
    .default(0)
    .describe("centre of the first window from the entry edge of the lane's part of the frame"),
  speedMmPerS: positive.max(10_000).describe("nominal speed, for the time at the gate"),
});

const directionSchema = z.enum(["right", "left"]);

const laneCameraSchema = z.strictObject({
  camera: nameSchema,
  region: regionSchema.optional().describe("part of its picture that shows this lane; a mirror is a region of its own"),
  mmPerPx: positive.max(10).optional().describe("the lane's where absent"),
  offsetMm: z
    .number()
    .min(0)
    .max(5000)
    .default(0)
    .describe("along the belt from the entry edge of the lane's first camera to the entry edge of this one"),
  direction: directionSchema.optional().describe("where fruit move to in its picture; the lane's where absent"),
  mirrored: z.boolean().default(false).describe("it sees the lane in a mirror, or from below: left is right"),
  windows: z.number().int().min(1).max(64).optional().describe("cups that it shows whole; the lane's where absent"),
  angleDeg: z
    .number()
    .min(-180)
    .max(180)
    .optional()
    .describe("from where it looks, about the direction of travel: 0 from above, 90 from the right; for `sides`"),
  delayMs: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe("from the lane's software trigger to its exposure, so that flashes do not meet"),
});

const laneShape = z.strictObject({
  id: nameSchema,
  camera: nameSchema.optional().describe("the camera that sees this lane, or `cameras`"),
  cameras: z
    .array(laneCameraSchema)
    .min(1)
    .max(8)
    .optional()
    .describe("the cameras that see each fruit of this lane, in the order in which it passes them"),
  roi: regionSchema
    .optional()
    .describe("part of the frame in which this lane lies, pixels; the whole frame where absent"),
  mmPerPx: positive.max(10).optional().describe("millimetres that one pixel covers at the height of the fruit"),
  direction: directionSchema.default("right").describe("where fruit move to in the picture"),
  gateMm: z.number().min(0).describe("distance from the exit edge of the lane's part of the frame to the gate"),
  fruitMm: z
    .strictObject({ min: positive, max: positive })
    .refine((value) => value.min < value.max, "`min` must be smaller than `max`")
    .default({ min: 40, max: 110 })
    .describe("diameters that count as fruit"),
  minCameras: z.number().int().min(1).max(8).default(1).describe("cameras that must have seen a fruit"),
  minViews: z.number().int().min(1).max(128).default(1).describe("views that a verdict needs"),
  tooFew: z
    .enum(["unsure", "no-image"])
    .default("unsure")
    .describe("outcome of a fruit that too few cameras saw, or too few views show"),
  conveyor: z.discriminatedUnion("kind", [beltSchema, cupsSchema]),
});

type LaneInput = z.output<typeof laneShape>;

/** What no key of a lane can say by itself. */
function checkLane(lane: LaneInput, context: z.RefinementCtx): void {
  const fault = (path: PropertyKey[], message: string) => context.addIssue({ code: "custom", path, message });
  const { cameras } = lane;
  if (cameras === undefined) {
    if (lane.camera === undefined) fault(["camera"], "a camera of this file; or `cameras`, a list of several");
    if (lane.mmPerPx === undefined) fault(["mmPerPx"], "a number above 0 up to 10");
  } else {
    if (lane.camera !== undefined && lane.camera !== cameras[0]!.camera) {
      fault(["camera"], "either `camera` or `cameras`, not both");
    }
    for (const [index, { mmPerPx }] of cameras.entries()) {
      if (mmPerPx === undefined && lane.mmPerPx === undefined) {
        fault(["cameras", index, "mmPerPx"], "a number above 0 up to 10, here or for the whole lane");
      }
    }
  }
  const count = new Set((cameras ?? [{ camera: lane.camera }]).map(({ camera }) => camera)).size;
  if (lane.minCameras > count) fault(["minCameras"], `at most ${count}, the cameras of this lane`);
}

/** A lane as it is looked at: also one of a single camera has its list of them. */
function laneOf(lane: LaneInput) {
  const { camera, cameras, roi, mmPerPx, direction } = lane;
  const given = cameras ?? [
    { camera: camera!, region: roi, mmPerPx, direction, offsetMm: 0, mirrored: false, delayMs: 0 },
  ];
  const filled = given.map((each) => ({
    ...each,
    region: each.region ?? (cameras?.length === 1 ? roi : each.region),
    mmPerPx: each.mmPerPx ?? mmPerPx!,
    direction: each.direction ?? direction,
  }));
  const first = filled[0]!;
  return {
    ...lane,
    camera: first.camera,
    cameras: filled,
    roi: first.region,
    mmPerPx: first.mmPerPx,
    direction: first.direction,
  };
}

export const laneSchema = laneShape.superRefine(checkLane).transform(laneOf);
export type LaneConfig = z.output<typeof laneSchema>;
export type LaneCamera = LaneConfig["cameras"][number];
export type BeltConfig = z.output<typeof beltSchema>;
export type CupsConfig = z.output<typeof cupsSchema>;
