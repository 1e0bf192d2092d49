import { setTimeout as wait } from "node:timers/promises";
import { type Micros, nowMicros } from "../base/time.ts";
import type { Span } from "../config/lane-cameras.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";
import type { ItemPassed, Sighting, ViewSeen } from "../vision/follower.ts";
import { decide, ItemViews } from "./item-views.ts";
import { Headings } from "./join/headings.ts";
import { createJoin, cupOf } from "./join/place.ts";
import { sidesOf } from "./join/surface.ts";
import { type CameraFinding, CameraTrack, type Join, type JoinedItem } from "./join/track.ts";
import type { LaneParts } from "./lane.ts";

/** So long before its gate an item is decided by what there is: deciding, storing and sending take some of it. */
const RESERVE_US = 80_000;
const LOOK_MS = 20;
/** Tracks of one camera that may be open at once; its follower's are bounded far below. */
const MAX_OPEN = 256;
/** Cameras that play as fast as they can stay this near to each other. */
const STEP_US = 250_000;

/** Stands in for the time that passes. */
export interface LaneTime {
  now(): Micros;
  /** Calls `look` again and again. @returns what ends it */
  every(ms: number, look: () => void): () => void;
  /** Resolves after so long, or when it is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM_TIME: LaneTime = {
  now: nowMicros,
  every: (ms, look) => {
    const timer = setInterval(look, ms).unref();
    return () => clearInterval(timer);
  },
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
};

/** One camera's track and the views it has given. */
interface Seen {
  readonly track: CameraTrack;
  readonly views: ItemViews;
  readonly works: Set<Promise<boolean>>;
}

/** One row of fruit that several cameras see: one item for each fruit, one verdict from all its views. */
export class JoinedLane {
  readonly config: LaneConfig;
  readonly #parts: LaneParts;
  readonly #spans: readonly Span[];
  readonly #join: Join;
  readonly #headings: Headings;
  /** Of each camera, by its follower's number. */
  readonly #open: readonly Map<number, Seen>[];
  readonly #seen = new Map<CameraTrack, Seen>();
  /** Of each entry the first with the same camera. */
  readonly #firstOf: readonly number[];
  readonly #at: (Micros | undefined)[];
  readonly #live: boolean[];
  readonly #inStep: boolean;
  readonly #time: LaneTime;
  readonly #endLooking: () => void;
  readonly #deciding = new Set<Promise<void>>();
  #waiting: (() => void)[] = [];
  /** Tracks that came when their fruit was decided. */
  late = 0;

  /** @param inStep the cameras play as fast as they can: none runs ahead, and no gate is waited for by the clock */
  constructor(
    config: LaneConfig,
    spans: readonly Span[],
    inStep: boolean,
    parts: LaneParts,
    time: LaneTime = SYSTEM_TIME,
  ) {
    this.config = config;
    this.#spans = spans;
    this.#parts = parts;
    this.#join = createJoin(config, spans);
    this.#headings = new Headings(config, spans);
    this.#open = config.cameras.map(() => new Map());
    this.#firstOf = config.cameras.map(({ camera }) => config.cameras.findIndex((each) => each.camera === camera));
    this.#at = config.cameras.map(() => undefined);
    this.#live = config.cameras.map(() => true);
    this.#inStep = inStep;
    this.#time = time;
    this.#endLooking = inStep ? () => {} : time.every(LOOK_MS, () => this.#decideDue());
  }

  /** Decides what is open by what there is. */
  async close(): Promise<void> {
    this.#endLooking();
    for (const camera of this.#live.keys()) this.live(camera, false);
    await this.settled();
  }

  /** Resolves when what has been taken together is decided. */
  async settled(): Promise<void> {
    while (this.#deciding.size > 0) await Promise.all(this.#deciding);
  }

  get openItems(): number {
    return this.#join.open;
  }

  get findings(): readonly CameraFinding[] {
    return this.#join.findings();
  }

  /**
   * Takes what a camera's follower saw in one frame; resolves when its views are embedded. Verdicts that wait for
   * another camera are not waited for.
   */
  async see(camera: number, sightings: readonly Sighting[]): Promise<void> {
    const works: Promise<unknown>[] = [];
    const passing = new Set<number>();
    for (const sighting of sightings) if (sighting.kind === "item") passing.add(sighting.item);
    for (const sighting of sightings) {
      if (sighting.kind === "view") works.push(this.#view(camera, sighting, passing.has(sighting.item)));
      else this.#passed(camera, sighting);
    }
    await Promise.all(works);
  }

  /** A camera's frame has been seen; resolves when the camera may go on. */
  async frame(camera: number, seq: number, at: Micros): Promise<void> {
    this.#at[camera] = at;
    this.#join.frame(camera, seq, at);
    this.#decideAll(this.#join.ready());
    if (!this.#inStep) return;
    this.#release();
    while (this.#isAhead(camera, at)) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  /** Whether a camera gives frames; where it does not, nobody waits for it. */
  live(camera: number, live: boolean): void {
    if (this.#live[camera] === live) return;
    this.#live[camera] = live;
    this.#join.live(camera, live);
    this.#decideAll(this.#join.ready());
    this.#release();
  }

  /** A camera's follower begins anew; what it left open cannot be completed by it any more. */
  restart(camera: number): void {
    this.#join.restart(camera);
    for (const seen of this.#open[camera]!.values()) this.#drop(seen);
    this.#open[camera]!.clear();
    this.#at[camera] = undefined;
    this.#decideAll(this.#join.ready());
    this.#release();
  }

  #turn(camera: number): void {
    this.#join.turn(camera, this.#headings.isTurned(camera));
    this.restart(camera);
  }

  #isAhead(camera: number, at: Micros): boolean {
    for (const [other, otherAt] of this.#at.entries()) {
      if (other === camera || !this.#live[other]) continue;
      if (otherAt === undefined || otherAt < at - STEP_US) return true;
    }
    return false;
  }

  #release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  async #view(camera: number, view: ViewSeen, urgent: boolean): Promise<void> {
    const seen = this.#seenOf(camera, view.item);
    const { track } = seen;
    const place = this.#headings.placeOf(camera, view);
    this.#join.view(track, place, cupOf(this.config, camera, this.#spans[camera]!, place, view.seq));
    // Decided, or no fruit of this lane: its views are of no use.
    if (track.isStray || (track.item?.closed ?? this.config.conveyor.kind === "belt")) return;
    const work = seen.views.add(view, urgent, (error) => this.#parts.embedFailed(error));
    seen.works.add(work);
    await work;
    seen.works.delete(work);
  }

  #passed(camera: number, passed: ItemPassed): void {
    const seen = this.#seenOf(camera, passed.item);
    this.#open[camera]!.delete(passed.item);
    this.#join.passed(seen.track, passed);
    if (this.config.conveyor.kind === "belt" && this.#headings.passed(seen.track)) this.#turn(camera);
    const { item } = seen.track;
    if (item !== undefined && !item.closed) return;
    if (item === undefined && this.config.conveyor.kind === "cups" && !seen.track.isStray) return;
    if (item !== undefined) this.late++;
    this.#drop(seen);
  }

  #seenOf(camera: number, number: number): Seen {
    const open = this.#open[camera]!;
    let seen = open.get(number);
    if (seen === undefined) {
      if (open.size >= MAX_OPEN) open.delete(open.keys().next().value!);
      seen = {
        track: new CameraTrack(camera, number),
        views: new ItemViews(this.#parts.judge(), this.#parts.lot?.()),
        works: new Set(),
      };
      open.set(number, seen);
      this.#seen.set(seen.track, seen);
    }
    return seen;
  }

  #drop(seen: Seen): void {
    if (this.#seen.delete(seen.track)) seen.views.judge.done();
  }

  #decideDue(): void {
    this.#decideAll(this.#join.due(this.#time.now(), RESERVE_US));
  }

  #decideAll(items: readonly JoinedItem[]): void {
    for (const item of items) {
      const work = this.#decide(item);
      this.#deciding.add(work);
      void work.finally(() => this.#deciding.delete(work));
    }
  }

  async #decide(item: JoinedItem): Promise<void> {
    const gateAt = this.#join.gateAt(item);
    const seen = item.tracks.map((track) => this.#seen.get(track)).filter((each) => each !== undefined);
    // Views of one camera stand together, also of one that looks into several mirrors.
    const order = ({ track: { camera } }: Seen) => this.#firstOf[camera]! * this.#spans.length + camera;
    seen.sort((a, b) => order(a) - order(b));
    await this.#embedded(seen, gateAt);
    const views = await this.#together(seen);
    const passed = passedOf(item, gateAt, views.crops.length);
    const decided = decide(this.config, views, passed, () => this.#time.now());
    const cameras = this.#camerasOf(seen);
    const all = new Set(this.config.cameras.map(({ camera }) => camera));
    const from = seen.flatMap(({ track, views: { crops } }) => crops.map(() => track.camera));
    const posed = from.map((camera, i) => ({ camera, box: views.boxes[i]! }));
    const short = this.#tooFew(cameras, decided);
    this.#parts.decided({
      ...decided,
      ...(short === undefined ? {} : { decision: short }),
      id: `${this.config.id}-${this.#parts.run}-0-${item.number}`,
      cameras,
      camerasMissing: passed.presence === "fruit" ? [...all].filter((name) => !cameras.includes(name)) : [],
      sides: sidesOf(this.config, this.#spans, posed, passed.sizeMm),
      from,
    });
    views.judge.done();
    for (const each of seen) this.#drop(each);
  }

  /** Waits for the views that are with the model, but no longer than the gate allows where some are there. */
  async #embedded(seen: readonly Seen[], gateAt: Micros): Promise<void> {
    const works = Promise.all(seen.flatMap((each) => [...each.works]));
    if (this.#inStep || !seen.some(({ views }) => views.embedded > 0)) {
      await works;
      return;
    }
    const given = new AbortController();
    const restMs = Math.max(0, (gateAt - RESERVE_US / 2 - this.#time.now()) / 1000);
    const late = this.#time.wait(restMs, given.signal);
    await Promise.race([works, late]);
    given.abort();
  }

  /** The views of all cameras as one item's, by the model with which the first of them began. */
  async #together(seen: readonly Seen[]): Promise<ItemViews> {
    const { judge, lot } = seen[0]?.views ?? { judge: this.#parts.judge(), lot: this.#parts.lot?.() };
    const all = new ItemViews(judge, lot);
    for (const { views } of seen) {
      if (views.judge !== judge) {
        const own = new ItemViews(judge);
        await Promise.all(
          views.crops.map((crop, i) =>
            own.add({ kind: "view", item: 0, seq: 0, exposedAt: 0, box: views.boxes[i]!, crop }, true, (error) =>
              this.#parts.embedFailed(error),
            ),
          ),
        );
        all.take(own);
        judge.done();
      } else all.take(views);
    }
    return all;
  }

  /** Cameras that gave views, each once however many mirrors it looks into. */
  #camerasOf(seen: readonly Seen[]): string[] {
    const cameras = new Set<string>();
    for (const { track, views } of seen) {
      if (views.crops.length > 0) cameras.add(this.config.cameras[track.camera]!.camera);
    }
    return [...cameras];
  }

  #tooFew(
    cameras: readonly string[],
    { embedded }: Pick<DecidedItem, "embedded">,
  ): DecidedItem["decision"] | undefined {
    const { minCameras, tooFew } = this.config;
    if (embedded === 0 || cameras.length >= minCameras) return undefined;
    const reason = `seen by ${cameras.join(", ")} only, \`minCameras\` is ${minCameras}`;
    return { outcome: tooFew, reason, grade: null, margin: null, grades: [] };
  }
}

/** One item's passing from those of its tracks. */
function passedOf(item: JoinedItem, gateAt: Micros, views: number): ItemPassed {
  const told = item.tracks.map(({ passed }) => passed).filter((passed) => passed !== undefined);
  const sizes = told.map(({ sizeMm }) => sizeMm).filter((size) => size !== undefined);
  const reason = told.find((passed) => passed.reason !== undefined)?.reason;
  return {
    kind: "item",
    item: item.number,
    presence: presenceOf(told, views),
    ...(reason === undefined ? {} : { reason }),
    views,
    exposedAt: Math.max(...item.tracks.map(({ passed, last }) => passed?.exposedAt ?? last!.at)),
    gateAt,
    // From one side a long fruit may look round.
    sizeMm: sizes.length === 0 ? undefined : Math.max(...sizes),
    cup: item.cup,
  };
}

/** A camera that saw a fruit saw more than one that saw none; of two that differ about what it is, most count. */
function presenceOf(told: readonly ItemPassed[], views: number): ItemPassed["presence"] {
  const count = (wanted: ItemPassed["presence"]) => told.filter(({ presence }) => presence === wanted).length;
  if (count("foreign") > count("fruit")) return "foreign";
  if (views > 0 || count("fruit") > 0) return "fruit";
  return count("no-image") > 0 || told.length === 0 ? "no-image" : "empty";
}
