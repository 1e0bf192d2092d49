import assert from "node:assert/strict";
import type { Frame } from "../../device/base/frame.ts";
import { configSchema, type LaneConfig } from "../../device/config/schema.ts";
import { createFollower } from "../../device/vision/create-follower.ts";
import type { Follower, ItemPassed, Sighting, ViewSeen } from "../../device/vision/follower.ts";
import { type Body, frameOf, paint, RED, SCENE, type Scene } from "./vision-painter.ts";

export const CROP = { sizePx: 48, margin: 0.06, fill: 118 };
export const INTERVAL_US = 40_000;
export const SPEED = 500;
/** Millimetres that the belt moves from frame to frame. */
export const STEP_MM = SPEED * (INTERVAL_US / 1e6);
export const LENGTH_MM = SCENE.widthPx * SCENE.mmPerPx;

export function lane(changes: Record<string, unknown> = {}): LaneConfig {
  return configSchema.shape.lanes.element.parse({
    id: "a",
    camera: "c",
    mmPerPx: SCENE.mmPerPx,
    gateMm: 300,
    conveyor: { kind: "belt", speedMmPerS: SPEED },
    ...changes,
  });
}

/** A round or oval fruit whose centre is at `x` in frame 0. */
export function fruit(x: number, changes: Partial<Body> = {}): Body {
  return { x, y: 80, rx: 35, ry: 33, colour: RED, ...changes };
}

export interface Play {
  readonly frames: number;
  /** In place of the bodies that go with the belt: what is where in a frame. */
  readonly bodies?: (seq: number) => readonly Body[];
  readonly scene?: Scene;
  readonly lane?: LaneConfig;
  readonly from?: number;
  readonly light?: (seq: number) => number;
  /** How far the belt has moved by a frame. */
  readonly travelMm?: (seq: number) => number;
  readonly change?: (frame: Frame) => Frame | undefined;
  readonly finish?: boolean;
  /** Called after each frame. */
  readonly after?: (follower: Follower) => void;
}

export interface Played {
  readonly views: ViewSeen[];
  readonly items: ItemPassed[];
  /** Frame in whose step each item was told. */
  readonly toldAt: number[];
  readonly follower: Follower;
}

export function play(bodies: readonly Body[], options: Play): Played {
  const scene = options.scene ?? SCENE;
  const follower = createFollower(options.lane ?? lane(), CROP, scene);
  const played: Played = { views: [], items: [], toldAt: [], follower };
  const take = (sightings: readonly Sighting[], seq: number): void => {
    for (const sighting of sightings) {
      if (sighting.kind === "view") played.views.push(sighting);
      else {
        played.items.push(sighting);
        played.toldAt.push(seq);
      }
    }
  };
  for (let seq = options.from ?? 0; seq < options.frames; seq++) {
    const travel = options.travelMm?.(seq) ?? seq * STEP_MM;
    const moved = options.bodies?.(seq) ?? bodies.map((body) => ({ ...body, x: body.x + travel }));
    const frame = frameOf(scene, seq, paint(scene, moved, seq, options.light?.(seq) ?? 1), INTERVAL_US);
    const changed = options.change === undefined ? frame : options.change(frame);
    if (changed !== undefined) take(follower.step(changed), seq);
    options.after?.(follower);
  }
  if (options.finish !== false) take(follower.finish(), options.frames);
  return played;
}

export function assertEachOnce(played: Played, count: number): void {
  assert.deepEqual(
    played.items.map((item) => item.item).sort((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i + 1),
  );
  for (const item of played.items) {
    assert.equal(item.presence, "fruit");
    assert.equal(played.views.filter((view) => view.item === item.item).length, item.views);
  }
}
