import { BeltJoin } from "../../device/lanes/join/belt-join.ts";
import { CameraTrack, type Join, type JoinedItem, type Place } from "../../device/lanes/join/track.ts";
import type { ItemPassed } from "../../device/vision/follower.ts";
import { seededRandom } from "./random.ts";

/** A belt with fruit of known places, as several cameras' followers would tell of it. */
export interface BeltScene {
  readonly cameras: readonly SceneCamera[];
  readonly fruit: number;
  readonly seed: number;
  /** Share of fruit that touch the one ahead. */
  readonly touching?: number;
  /** Share of its mean by which the belt's speed swings. */
  readonly swing?: number;
  /** Distance of two fruit that do not touch. */
  readonly spacingMm?: number;
}

export interface SceneCamera {
  readonly offsetMm: number;
  readonly lengthMm: number;
  readonly fps: number;
  /** By how much its clock is ahead, milliseconds, `seconds` after the start. */
  readonly clockMs?: (seconds: number) => number;
  /** Share of fruit that it does not see. */
  readonly misses?: number;
  /** Share of fruit that its follower loses half way and takes for another one. */
  readonly doubles?: number;
  /** Whether it gives frames at that second; always where absent. */
  readonly works?: (seconds: number) => boolean;
  /** It sees another belt. */
  readonly strange?: boolean;
  /** By how much it stands elsewhere than its `offsetMm` says. */
  readonly wrongMm?: number;
}

export interface Joined {
  readonly item: JoinedItem;
  /** Which fruit its tracks are, in the order of the tracks. */
  readonly fruit: readonly number[];
  readonly atS: number;
}

const SPEED = 700;
const T0 = 1.8e15;
const GATE_MM = 400;

/** One fruit of the scene. */
interface Body {
  readonly mm: number;
  readonly radius: number;
}

function layOut(scene: BeltScene, seed: number): Body[] {
  const random = seededRandom(seed);
  const spacing = scene.spacingMm ?? 150;
  const bodies: Body[] = [];
  for (let i = 0; i < scene.fruit; i++) {
    const radius = 30 + 14 * random();
    const ahead = bodies.at(-1);
    const touches = random() < (scene.touching ?? 0.15) && ahead !== undefined;
    const gap = touches ? 0.5 : Math.max(1, spacing - 75) * (0.4 + 1.2 * random());
    bodies.push({ mm: ahead === undefined ? 0 : ahead.mm + ahead.radius + radius + gap, radius });
  }
  return bodies;
}

/** Plays the scene through a join, frames in the order of their true times; returns what came out. */
export function play(scene: BeltScene, join: Join = joinOf(scene)): { joined: Joined[]; join: Join } {
  const bodies = layOut(scene, scene.seed);
  const strangers = layOut(scene, scene.seed + 1000);
  const random = seededRandom(scene.seed + 1);
  const swing = scene.swing ?? 0;
  const went = (t: number): number => SPEED * (t + ((swing * 4) / 6.283) * (1 - Math.cos((6.283 * t) / 4)));
  const last = bodies.at(-1)!.mm;
  const far = Math.max(...scene.cameras.map(({ offsetMm, lengthMm }) => offsetMm + lengthMm));
  const frames: { t: number; camera: number; k: number }[] = [];
  for (const [camera, { fps, works }] of scene.cameras.entries()) {
    const phase = random() / fps;
    for (let k = 0; went(k / fps) < last + far + 900; k++) {
      const t = phase + k / fps;
      if (works === undefined || works(t)) frames.push({ t, camera, k });
    }
  }
  frames.sort((a, b) => a.t - b.t);
  const fate = scene.cameras.map(({ misses = 0, doubles = 0 }) =>
    bodies.map(() => (random() < misses ? "missed" : random() < doubles ? "double" : "seen")),
  );
  const followers = scene.cameras.map(() => new Map<string, { track: CameraTrack; fruit: number; at: number }>());
  const numbers = scene.cameras.map(() => 0);
  const fruitOf = new Map<CameraTrack, number>();
  const joined: Joined[] = [];
  const working = scene.cameras.map(() => true);
  const left = scene.cameras.map(() => 0);
  for (const { t, camera, k } of frames) {
    for (const [other, { works }] of scene.cameras.entries()) {
      const now = works === undefined || works(t);
      if (now !== working[other]) {
        if (!now) for (const each of followers[other]!.values()) end(join, each.track, each.at, each.at);
        else join.restart(other);
        if (!now) followers[other]!.clear();
        join.live(other, now);
        working[other] = now;
      }
    }
    const { offsetMm, lengthMm, clockMs, strange, wrongMm = 0 } = scene.cameras[camera]!;
    const at = Math.round(T0 + t * 1e6 + 1000 * (clockMs?.(t) ?? 0));
    const open = followers[camera]!;
    const shown = new Set<string>();
    const there = strange ? strangers : bodies;
    const ahead = went(t) - 200 - offsetMm - wrongMm;
    // They lie in their order: what has left stays away, and behind the first that has not come in nobody has.
    while (left[camera]! < there.length && ahead - there[left[camera]!]!.mm > lengthMm) left[camera]!++;
    for (let fruit = left[camera]!; fruit < there.length; fruit++) {
      const { mm, radius } = there[fruit]!;
      const x = ahead - mm;
      if (x < 0) break;
      if (x < radius + 2 || x > lengthMm - radius - 2) continue;
      const fated = fate[camera]![fruit]!;
      if (fated === "missed") continue;
      const key = fated === "double" && x > lengthMm / 2 ? `${fruit}b` : String(fruit);
      shown.add(key);
      let seen = open.get(key);
      if (seen === undefined) {
        seen = { track: new CameraTrack(camera, ++numbers[camera]!), fruit, at };
        open.set(key, seen);
        fruitOf.set(seen.track, strange ? -1 - fruit : fruit);
      }
      seen.at = at;
      const noise = () => 2 * (random() - 0.5);
      const place: Place = {
        at,
        alongMm: offsetMm + x + noise(),
        acrossMm: noise(),
        lengthMm: 2 * radius + noise(),
      };
      join.view(seen.track, place, undefined);
    }
    for (const [key, { track, at: seenAt }] of open) {
      if (shown.has(key)) continue;
      open.delete(key);
      end(join, track, seenAt, at);
    }
    join.frame(camera, k, at);
    for (const item of join.ready()) {
      joined.push({ item, fruit: item.tracks.map((track) => fruitOf.get(track)!), atS: t });
    }
  }
  return { joined, join };
}

export function joinOf({ cameras }: BeltScene): BeltJoin {
  const spans = cameras.map(({ offsetMm, lengthMm }) => ({ entryMm: offsetMm, exitMm: offsetMm + lengthMm }));
  const gateMm = Math.max(...spans.map(({ exitMm }) => exitMm)) + GATE_MM;
  return new BeltJoin({ spans, gateMm, speedMmPerS: SPEED, smallestMm: 40 });
}

function end(join: Join, track: CameraTrack, seenAt: number, at: number): void {
  const passed: ItemPassed = {
    kind: "item",
    item: track.number,
    presence: "fruit",
    views: 1,
    exposedAt: seenAt,
    gateAt: at + 1e6,
    sizeMm: 70,
    cup: undefined,
  };
  join.passed(track, passed);
}

/** What became of the scene's fruit. */
export function score(scene: BeltScene, joined: readonly Joined[]) {
  const verdicts = new Map<number, number>();
  let wrong = 0;
  let joins = 0;
  for (const { fruit } of joined) {
    const first = fruit[0]!;
    verdicts.set(first, (verdicts.get(first) ?? 0) + 1);
    for (const other of fruit.slice(1)) {
      joins++;
      if (other !== first) wrong++;
    }
  }
  let missed = 0;
  let double = 0;
  for (let i = 0; i < scene.fruit; i++) {
    const count = verdicts.get(i) ?? 0;
    if (count === 0) missed++;
    if (count > 1) double++;
  }
  return { missed, double, wrong, joins, cameras: joined.reduce((sum, { item }) => sum + item.tracks.length, 0) };
}
