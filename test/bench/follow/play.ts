import type { Frame } from "../../../device/base/frame.ts";
import { configSchema, type LaneConfig } from "../../../device/config/schema.ts";
import { createFollower } from "../../../device/vision/create-follower.ts";
import type { ItemPassed, Sighting } from "../../../device/vision/follower.ts";
import { PictureWatch } from "../../../device/vision/picture-watch.ts";
import type { TroubleKind } from "../../../device/vision/trouble.ts";
import {
  FPS,
  HEIGHT_PX,
  LENGTH_MM,
  MM_PER_PX,
  Painter,
  START_US,
  type Stage,
  type Thing,
  WIDTH_PX,
} from "./painter.ts";

/** What belongs to a thing by right: one verdict, none (`foreign` is as good), or whatever may be: nobody saw enough. */
export type Due = "fruit" | "nothing" | "either";

export interface Scene {
  readonly name: string;
  readonly seconds: number;
  readonly stage: Stage;
  /** What is due to each thing; `fruit` where absent. */
  readonly due?: (thing: Thing, index: number) => Due;
  /** Troubles that must be said, and the moment from which they can be, seconds. */
  readonly says?: readonly { readonly kind: TroubleKind; readonly from: number }[];
  readonly lane?: Record<string, unknown>;
  readonly change?: (frame: Frame) => Frame | undefined;
  /** Distance between fruit: half of it is how far a gate time may be off. */
  readonly pitchMm?: number;
}

export interface SceneResult {
  readonly scene: string;
  readonly camera: "colour" | "grey";
  readonly passed: boolean;
  /** Fruit that could be seen, and verdicts given. */
  readonly fruit: number;
  readonly verdicts: number;
  readonly missed: number;
  readonly double: number;
  readonly invented: number;
  readonly wrongGate: number;
  readonly unsaid: number;
  /** Largest error of a gate time, millimetres of belt. */
  readonly gateOffMm: number;
  readonly said: readonly string[];
}

export const SPEED = 500;
export const GATE_MM = 300;
const PITCH_MM = 110;
const CROP = { sizePx: 32, margin: 0.06, fill: 118 };
/** A trouble must be said within this of the moment in which it shows. */
const SAID_S = 2;
/** A fruit counts as visible from so many frames with half its area apart from the belt. */
const VISIBLE_FRAMES = 3;

export function laneOf(changes: Record<string, unknown> = {}): LaneConfig {
  return configSchema.shape.lanes.element.parse({
    id: "a",
    camera: "c",
    mmPerPx: MM_PER_PX,
    gateMm: GATE_MM,
    conveyor: { kind: "belt", speedMmPerS: SPEED },
    ...changes,
  });
}

export interface Told {
  readonly item: ItemPassed;
  readonly seq: number;
  /** Middles of its views' boxes in the picture, pixels. */
  readonly middles: { readonly t: number; readonly x: number; readonly y: number }[];
}

export interface Run {
  readonly told: readonly Told[];
  readonly visible: Int32Array;
  readonly saidAt: Map<TroubleKind, number>;
}

/** Plays a scene through a follower and holds what it tells against what was painted. */
export function playScene(scene: Scene, grey: boolean): SceneResult {
  const run = follow(scene, grey);
  const { things, mirrored } = scene.stage;
  const due = things.map((thing, i) => scene.due?.(thing, i) ?? "fruit");
  const verdictsOf = things.map((): Told[] => []);
  let invented = 0;
  for (const told of run.told) {
    const owner = ownerOf(told, scene, mirrored === true);
    if (owner < 0) invented++;
    else verdictsOf[owner]!.push(told);
  }
  let fruit = 0;
  let missed = 0;
  let double = 0;
  let wrongGate = 0;
  let gateOffMm = 0;
  for (const [i, told] of verdictsOf.entries()) {
    if (due[i] === "nothing") {
      invented += told.filter(({ item }) => item.presence !== "foreign").length;
      continue;
    }
    double += Math.max(0, told.length - 1);
    if (due[i] === "either") continue;
    const visible = run.visible[i]! >= VISIBLE_FRAMES;
    if (visible) fruit++;
    if (visible && !told.some(({ item }) => item.presence === "fruit")) missed++;
    for (const one of told) {
      if (one.item.presence !== "fruit") continue;
      const off = gateError(one, scene, things[i]!);
      gateOffMm = Math.max(gateOffMm, off);
      if (off > (scene.pitchMm ?? PITCH_MM) / 2) wrongGate++;
    }
  }
  const unsaid = (scene.says ?? []).filter(({ kind, from }) => {
    const at = run.saidAt.get(kind);
    return at === undefined || at > from + SAID_S;
  }).length;
  return {
    scene: scene.name,
    camera: grey ? "grey" : "colour",
    passed: missed + double + invented + wrongGate + unsaid === 0,
    fruit,
    verdicts: run.told.length,
    missed,
    double,
    invented,
    wrongGate,
    unsaid,
    gateOffMm: Math.round(gateOffMm),
    said: [...run.saidAt.keys()],
  };
}

/** @param look called with each frame and what was told with it */
export function follow(
  scene: Scene,
  grey: boolean,
  look: (frame: Frame, seen: readonly Sighting[]) => void = () => undefined,
): Run {
  const stage = { ...scene.stage, grey };
  const painter = new Painter(stage);
  const size = { widthPx: WIDTH_PX, heightPx: HEIGHT_PX };
  const follower = createFollower(laneOf(scene.lane), CROP, size);
  const watch = new PictureWatch(size, true);
  const told: Told[] = [];
  const middles = new Map<number, Told["middles"]>();
  const visible = new Int32Array(stage.things.length);
  const saidAt = new Map<TroubleKind, number>();
  /** When a frame was painted, by the time that it bears. */
  const paintedAt = new Map<number, number>();
  const take = (sightings: readonly Sighting[], seq: number): void => {
    for (const sighting of sightings) {
      let of = middles.get(sighting.item);
      if (of === undefined) {
        of = [];
        middles.set(sighting.item, of);
      }
      if (sighting.kind === "item") told.push({ item: sighting, seq, middles: of });
      else
        of.push({
          t: paintedAt.get(sighting.exposedAt) ?? 0,
          x: sighting.box.x + sighting.box.w / 2,
          y: sighting.box.y + sighting.box.h / 2,
        });
    }
  };
  const frames = Math.round(scene.seconds * FPS);
  for (let seq = 0; seq < frames; seq++) {
    const painted = painter.frame(seq);
    const frame = scene.change === undefined ? painted : scene.change(painted);
    if (frame === undefined) continue;
    paintedAt.set(frame.exposedAt, seq / FPS);
    const sound = watch.step(frame);
    if (sound && frame.status === "ok")
      for (const [i, share] of painter.seen.entries()) if (share >= 0.5) visible[i]!++;
    const seen = follower.step(sound ? frame : { ...frame, status: "incomplete" });
    take(seen, seq);
    look(frame, seen);
    for (const { kind } of [...follower.report.troubles, ...watch.troubles]) {
      if (!saidAt.has(kind)) saidAt.set(kind, seq / FPS);
    }
  }
  take(follower.finish(), frames - 1);
  return { told, visible, saidAt };
}

/** Index of the thing that an item is, by where its views lie, or by when it should be at its gate; -1 for none. */
export function ownerOf(told: Told, scene: Scene, mirrored: boolean): number {
  const { things, travel } = scene.stage;
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  const last = told.middles[told.middles.length >> 1];
  for (const [i, thing] of things.entries()) {
    let far: number;
    if (last !== undefined) {
      const where = placeAt(thing, last.t, travel);
      if (where === undefined) continue;
      const x = (mirrored ? WIDTH_PX - last.x : last.x) * MM_PER_PX;
      far = Math.hypot(where.x - x, where.y - last.y * MM_PER_PX) / Math.max(thing.rx, thing.ry);
    } else {
      far = gateError(told, scene, thing) / (thing.rx + 30);
    }
    if (far >= least) continue;
    least = far;
    best = i;
  }
  return least < 1.2 ? best : -1;
}

/**
 * By how many millimetres of belt a gate time is off: against where the thing truly is then, or, as nobody knows what a
 * belt will do, against where it would be if it ran on as it did when the time was told.
 */
export function gateError(told: Told, scene: Scene, thing: Thing): number {
  const { travel } = scene.stage;
  const t = told.seq / FPS;
  const gateT = (told.item.gateAt - START_US) / 1e6;
  const where = placeAt(thing, t, travel);
  if (where === undefined) return 0;
  const target = LENGTH_MM + GATE_MM;
  const then = placeAt(thing, gateT, travel);
  const real = then === undefined ? Number.POSITIVE_INFINITY : Math.abs(then.x - target);
  const speed = (travel(t) - travel(t - 0.2)) / 0.2;
  if (speed < 0) return 0;
  const believed = Math.abs(speed) > 0.2 * SPEED ? speed : SPEED;
  return Math.min(real, Math.abs(where.x + believed * (gateT - t) - target));
}

function placeAt(thing: Thing, t: number, travel: (t: number) => number): { x: number; y: number } | undefined {
  return thing.at === undefined ? { x: thing.x + travel(t), y: thing.y } : thing.at(t, travel(t));
}
