import type { Micros } from "../../base/time.ts";
import type { Span } from "../../config/lane-cameras.ts";
import type { ItemPassed } from "../../vision/follower.ts";
import { Strangers } from "./strangers.ts";
import { type CameraFinding, type CameraTrack, type Join, JoinedItem, type Place } from "./track.ts";
import { Triggers } from "./triggers.ts";

const MOST_ITEMS = 256;
const TOLD_MS = 10;
/** A camera that saw a fruit in none of so many cups that held one is blind. */
const BLIND_AFTER = 16;

export interface CupsLane {
  readonly spans: readonly Span[];
  readonly gateMm: number;
  readonly speedMmPerS: number;
  /** Pitches by which each camera's first window lies behind the lane's. */
  readonly ahead: readonly number[];
  /** Cups that each camera's region shows. */
  readonly windows: readonly number[];
}

/** Joins what triggered cameras see of numbered carriers: by the number alone. */
export class CupsJoin implements Join {
  readonly #lane: CupsLane;
  readonly #triggers: Triggers;
  readonly #strangers: Strangers;
  readonly #cameras: { live: boolean; seq: number | undefined; unseen: number }[];
  readonly #items = new Map<number, JoinedItem>();
  /** Tracks of a camera whose count nobody knows yet. */
  #waiting: CameraTrack[] = [];
  #count = 0;

  constructor(lane: CupsLane) {
    this.#lane = lane;
    this.#triggers = new Triggers(lane.ahead);
    this.#strangers = new Strangers(this.#triggers, lane.windows);
    this.#cameras = lane.spans.map(() => ({ live: true, seq: undefined, unseen: 0 }));
  }

  get open(): number {
    let open = this.#waiting.length;
    for (const { closed } of this.#items.values()) if (!closed) open++;
    return open;
  }

  view(track: CameraTrack, place: Place, cup: number | undefined): void {
    track.first ??= place;
    track.last = place;
    if (track.cup !== undefined || cup === undefined) return;
    track.cup = cup;
    this.#place(track);
  }

  passed(track: CameraTrack, passed: ItemPassed): void {
    track.passed = passed;
    const { camera } = track;
    if (passed.presence !== "no-image") this.#triggers.passed(camera, passed.cup!, passed.presence === "fruit");
    if (passed.presence !== "no-image") this.#strangers.passed(camera, passed);
    if (passed.presence === "fruit") this.#cameras[camera]!.unseen = 0;
    if (track.item !== undefined || track.isStray || this.#waiting.includes(track)) return;
    track.cup ??= passed.cup!;
    this.#place(track);
  }

  frame(camera: number, seq: number, at: Micros): void {
    this.#triggers.frame(camera, seq, at);
    this.#cameras[camera]!.seq = seq;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const track of waiting) this.#place(track);
  }

  live(camera: number, live: boolean): void {
    this.#cameras[camera]!.live = live;
  }

  restart(camera: number): void {
    this.#triggers.restart(camera);
    this.#cameras[camera]!.seq = undefined;
    this.#waiting = this.#waiting.filter((track) => track.camera !== camera || track.passed !== undefined);
    for (const [cup, item] of this.#items) {
      if (item.closed) continue;
      for (const track of [...item.tracks]) {
        if (track.camera === camera && track.passed === undefined) item.remove(track);
      }
      if (item.tracks.length === 0) this.#items.delete(cup);
    }
  }

  /** Which way fruit go shows in which of a camera's windows are full: see `Strangers`. */
  turn(): void {}

  ready(): JoinedItem[] {
    return this.#take((item) => this.#cameras.every((_, camera) => this.#isDone(item, camera)));
  }

  due(now: Micros, reserveUs: Micros): JoinedItem[] {
    return this.#take((item) => this.gateAt(item) - reserveUs <= now);
  }

  gateAt(item: JoinedItem): Micros {
    const { gateMm, speedMmPerS } = this.#lane;
    let best = 0;
    let at = Number.NEGATIVE_INFINITY;
    for (const track of item.tracks) {
      const clockUs = this.#triggers.clockUs(track.camera);
      const { passed, last } = track;
      const seenAt = (passed?.exposedAt ?? last!.at) - clockUs;
      if (seenAt <= at) continue;
      at = seenAt;
      // The follower measures the conveyor's speed.
      if (passed !== undefined) best = passed.gateAt - clockUs;
      else best = seenAt + ((gateMm - last!.alongMm) / speedMmPerS) * 1e6;
    }
    return Math.round(best);
  }

  findings(): CameraFinding[] {
    const found: CameraFinding[] = [];
    for (const [camera, { live, seq, unseen }] of this.#cameras.entries()) {
      const ms = this.#triggers.clockUs(camera) / 1000;
      if (Math.abs(ms) > TOLD_MS) {
        found.push({ camera, kind: "clock", ms, mm: (ms / 1000) * this.#lane.speedMmPerS });
      }
      const kind = this.#strangers.finding(camera);
      if (kind !== undefined) found.push({ camera, kind, ms: 0, mm: 0 });
      else if (live && seq !== undefined && unseen >= BLIND_AFTER) found.push({ camera, kind: "blind", ms: 0, mm: 0 });
    }
    return found;
  }

  #place(track: CameraTrack): void {
    track.isStray = this.#strangers.finding(track.camera) !== undefined;
    if (track.isStray) return;
    const cup = this.#triggers.numberOf(track.camera, track.cup!);
    if (cup === undefined) {
      this.#waiting.push(track);
      return;
    }
    let item = this.#items.get(cup);
    if (item === undefined) {
      item = new JoinedItem(++this.#count);
      item.cup = cup;
      this.#items.set(cup, item);
      if (this.#items.size > MOST_ITEMS) this.#items.delete(this.#items.keys().next().value!);
    }
    item.add(track);
  }

  #isDone(item: JoinedItem, camera: number): boolean {
    const { live, seq } = this.#cameras[camera]!;
    let seen = false;
    for (const track of item.tracks) {
      if (track.camera !== camera) continue;
      seen = true;
      if (track.passed === undefined && live) return false;
    }
    if (seen || !live || seq === undefined || this.#strangers.finding(camera) !== undefined) return true;
    const newest = this.#triggers.numberOf(camera, seq);
    return newest !== undefined && newest - item.cup! >= this.#lane.windows[camera]!;
  }

  #take(wanted: (item: JoinedItem) => boolean): JoinedItem[] {
    const taken: JoinedItem[] = [];
    for (const item of this.#items.values()) {
      if (item.closed || !wanted(item)) continue;
      item.closed = true;
      taken.push(item);
      const holds = item.tracks.some(({ passed }) => passed?.presence === "fruit");
      for (const [camera, state] of this.#cameras.entries()) {
        if (holds && state.live && state.seq !== undefined && !this.#saw(item, camera)) state.unseen++;
      }
    }
    return taken.sort((a, b) => a.cup! - b.cup!);
  }

  #saw(item: JoinedItem, camera: number): boolean {
    return item.tracks.some((track) => track.camera === camera && track.passed?.presence === "fruit");
  }
}
