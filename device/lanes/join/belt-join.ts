import type { Micros } from "../../base/time.ts";
import type { Span } from "../../config/lane-cameras.ts";
import type { ItemPassed } from "../../vision/follower.ts";
import { Alignment } from "./alignment.ts";
import { assign } from "./assign.ts";
import { BeltMotion } from "./belt-motion.ts";
import { type CameraFinding, type CameraTrack, type Join, JoinedItem, type Place } from "./track.ts";

/** Two tracks whose middles are nearer than this share of a fruit's length are one fruit: a neighbour lies a length away. */
const REACH = 0.6;
/** What the belt may have gone further than it was seen to, share of the way between two places. */
const SLIP = 0.03;
const MOST_REACH = 0.85;
/** Across counts little: cameras from the side see little of it. */
const ACROSS = 0.1;
/** A camera's two tracks whose middles are nearer than this share of the smallest fruit are one fruit seen twice. */
const DOUBLE = 0.5;
/** Items that are remembered after their verdict, so that a slow camera's tracks are known to be theirs. */
const MOST_ITEMS = 256;
/** How far behind the last region nobody sees an item any more. */
const BEHIND_MM = 300;
/** A camera that saw none of so many fruit in a row is blind. */
const BLIND_AFTER = 16;

export interface BeltLane {
  readonly spans: readonly Span[];
  /** From the lane's beginning to the gate. */
  readonly gateMm: number;
  readonly speedMmPerS: number;
  readonly smallestMm: number;
}

interface CameraState {
  live: boolean;
  /** Its places are turned round. */
  turned: boolean;
  /** Exposure of the newest frame that was looked at, by the camera's clock. */
  at: Micros | undefined;
  /** Items in a row that passed it unseen. */
  unseen: number;
}

/** Joins what free-running cameras see on a belt: by where the fruit lie on it. */
export class BeltJoin implements Join {
  readonly #lane: BeltLane;
  readonly #motion: BeltMotion;
  readonly #alignment: Alignment;
  readonly #cameras: CameraState[];
  readonly #lastMm: number;
  #items: JoinedItem[] = [];
  #count = 0;

  constructor(lane: BeltLane) {
    this.#lane = lane;
    this.#motion = new BeltMotion(lane.speedMmPerS);
    this.#cameras = lane.spans.map(() => ({ live: true, turned: false, at: undefined, unseen: 0 }));
    this.#lastMm = Math.max(...lane.spans.map(({ exitMm }) => exitMm));
    const firstMm = Math.min(...lane.spans.map(({ entryMm }) => entryMm));
    this.#alignment = new Alignment(lane.spans.length, this.#motion, 2 * (this.#lastMm - firstMm));
  }

  get open(): number {
    let open = 0;
    for (const item of this.#items) if (!item.closed) open++;
    return open;
  }

  view(track: CameraTrack, place: Place): void {
    const { last } = track;
    if (last !== undefined) this.#motion.saw(last.at, place.at, place.alongMm - last.alongMm);
    track.last = place;
    if (track.first !== undefined) return;
    track.first = place;
    this.#cameras[track.camera]!.unseen = 0;
    if (this.#alignment.isRight(track.camera)) this.#place(track);
  }

  passed(track: CameraTrack, passed: ItemPassed): void {
    track.passed = passed;
    if (track.last === undefined) this.#placeUnseen(track, passed);
    else {
      this.#alignment.passed(track.camera, track.last);
      if (track.item !== undefined && !track.item.closed && !track.isDouble) this.#assign(track.camera);
    }
  }

  frame(camera: number, _seq: number, at: Micros): void {
    this.#cameras[camera]!.at = at;
  }

  live(camera: number, live: boolean): void {
    this.#cameras[camera]!.live = live;
  }

  restart(camera: number): void {
    for (const item of this.#items) {
      if (item.closed) continue;
      for (const track of [...item.tracks]) {
        if (track.camera === camera && track.passed === undefined) item.remove(track);
      }
    }
    this.#items = this.#items.filter(({ closed, tracks }) => closed || tracks.length > 0);
    this.#cameras[camera]!.at = undefined;
  }

  turn(camera: number, turned: boolean): void {
    this.#cameras[camera]!.turned = turned;
    // Where it saw fruit until now they did not lie.
    this.#alignment.forget(camera);
  }

  ready(): JoinedItem[] {
    return this.#take((item) => this.#cameras.every((_, camera) => this.#isDone(item, camera)));
  }

  due(now: Micros, reserveUs: Micros): JoinedItem[] {
    return this.#take((item) => this.gateAt(item) - reserveUs <= now);
  }

  gateAt(item: JoinedItem): Micros {
    const { at, alongMm } = this.#newest(item);
    return Math.round(at + ((this.#lane.gateMm - alongMm) / Math.max(1, this.#motion.speed)) * 1e6);
  }

  findings(): CameraFinding[] {
    const found = this.#alignment.findings();
    for (const [camera, { live, at, unseen, turned }] of this.#cameras.entries()) {
      if (turned) found.push({ camera, kind: "turned", ms: 0, mm: 0 });
      if (live && at !== undefined && unseen >= BLIND_AFTER) found.push({ camera, kind: "blind", ms: 0, mm: 0 });
    }
    return found;
  }

  /** Gives a new track its item: one that others opened, one that it was seen as before, or one of its own. */
  #place(track: CameraTrack): void {
    this.#new(track);
    this.#assign(track.camera);
  }

  #new(track: CameraTrack): void {
    const item = new JoinedItem(++this.#count);
    item.add(track);
    this.#items.push(item);
    if (this.#items.length > MOST_ITEMS) this.#items.shift();
  }

  /** Nobody saw it whole: where it is follows from when it is to be at the gate. */
  #placeUnseen(track: CameraTrack, { gateAt, exposedAt }: ItemPassed): void {
    if (!this.#alignment.isRight(track.camera)) return;
    const { exitMm } = this.#lane.spans[track.camera]!;
    const lengthMm = this.#lane.smallestMm;
    const restMm = (this.#motion.speed * (gateAt - exposedAt)) / 1e6;
    const alongMm = Math.min(exitMm, this.#lane.gateMm - restMm);
    track.first = { at: exposedAt, alongMm, acrossMm: 0, lengthMm };
    track.last = track.first;
    this.#place(track);
  }

  /** All open tracks of one camera against all items that other cameras see. */
  #assign(camera: number): void {
    const tracks: CameraTrack[] = [];
    const items: JoinedItem[] = [];
    for (const item of this.#items) {
      let others = false;
      let own = false;
      for (const track of item.tracks) {
        if (track.camera !== camera) others = true;
        else {
          own = true;
          if (!item.closed && !track.isDouble) tracks.push(track);
        }
      }
      if (others && !(own && item.closed)) items.push(item);
    }
    const cost = new Float64Array(tracks.length * items.length);
    for (const [row, track] of tracks.entries()) {
      for (const [col, item] of items.entries()) cost[row * items.length + col] = this.#cost(track, item);
    }
    const found = assign(cost, tracks.length, items.length, 1);
    for (const [row, track] of tracks.entries()) {
      if (found[row]! >= 0 && items[found[row]!] !== track.item) this.#move(track, items[found[row]!]!);
    }
    for (const [row, track] of tracks.entries()) if (found[row]! < 0) this.#alone(track);
    this.#items = this.#items.filter((item) => item.closed || item.tracks.length > 0);
  }

  /** No other camera's item is this one: it is seen twice, or stays by itself. */
  #alone(track: CameraTrack): void {
    const twice = this.#seenTwice(track);
    if (twice !== undefined) {
      track.isDouble = true;
      if (twice !== track.item) this.#move(track, twice);
    } else if (track.item!.tracks.some(({ camera }) => camera !== track.camera)) {
      track.item!.remove(track);
      this.#new(track);
    }
  }

  #move(track: CameraTrack, to: JoinedItem): void {
    track.item!.remove(track);
    to.add(track);
  }

  /** The item that the same camera has seen in the same place of the belt. */
  #seenTwice(track: CameraTrack): JoinedItem | undefined {
    for (const item of this.#items) {
      for (const other of item.tracks) {
        if (other === track || other.camera !== track.camera || other.isDouble) continue;
        const off = Math.hypot(this.#offMm(track, other), track.last!.acrossMm - other.last!.acrossMm);
        if (off < DOUBLE * this.#lane.smallestMm) return item;
      }
    }
    return undefined;
  }

  /** 0 where the two lie in the same place of the belt, 1 where they just may be one fruit; else Infinity. */
  #cost(track: CameraTrack, item: JoinedItem): number {
    let nearest: CameraTrack | undefined;
    let nearestUs = Number.POSITIVE_INFINITY;
    for (const other of item.tracks) {
      if (other.camera === track.camera) continue;
      const apartUs = Math.abs(gapUs(track, other));
      if (apartUs < nearestUs) {
        nearest = other;
        nearestUs = apartUs;
      }
    }
    const place = track.last!;
    const other = nearest!.last!;
    const lengthMm = (place.lengthMm + other.lengthMm) / 2;
    const wayMm = (this.#motion.speed * nearestUs) / 1e6;
    const reach = Math.min(MOST_REACH * lengthMm, REACH * lengthMm + SLIP * wayMm);
    const off = Math.abs(this.#offMm(track, nearest!)) / reach;
    if (off > 1) return Number.POSITIVE_INFINITY;
    const across = (place.acrossMm - other.acrossMm) / lengthMm;
    return off * off + ACROSS * Math.min(1, across * across);
  }

  /** How far ahead of another track this one lies on the belt, where the two were seen at the nearest moments. */
  #offMm(track: CameraTrack, other: CameraTrack): number {
    const mineUs = this.#alignment.clockUs(track.camera);
    const othersUs = this.#alignment.clockUs(other.camera);
    let best = Number.POSITIVE_INFINITY;
    let off = 0;
    for (const mine of [track.first!, track.last!]) {
      for (const theirs of [other.first!, other.last!]) {
        const from = theirs.at - othersUs;
        const to = mine.at - mineUs;
        if (Math.abs(to - from) >= best) continue;
        best = Math.abs(to - from);
        off = mine.alongMm - theirs.alongMm - this.#motion.travel(from, to);
      }
    }
    return off;
  }

  /** Whether a camera has seen the last of an item. */
  #isDone(item: JoinedItem, camera: number): boolean {
    const state = this.#cameras[camera]!;
    let seen = false;
    for (const track of item.tracks) {
      if (track.camera !== camera) continue;
      seen = true;
      if (track.passed === undefined && state.live) return false;
    }
    if (seen || !state.live || state.at === undefined || !this.#alignment.isRight(camera)) return true;
    return this.#alongAt(item, state.at - this.#alignment.clockUs(camera)) > this.#lane.spans[camera]!.exitMm;
  }

  #alongAt(item: JoinedItem, at: Micros): number {
    const newest = this.#newest(item);
    return newest.alongMm + this.#motion.travel(newest.at, at);
  }

  /** Where it was seen last, at the lane's time. */
  #newest(item: JoinedItem): { readonly at: Micros; readonly alongMm: number } {
    let at = Number.NEGATIVE_INFINITY;
    let alongMm = 0;
    for (const track of item.tracks) {
      const seenAt = track.last!.at - this.#alignment.clockUs(track.camera);
      if (seenAt <= at) continue;
      at = seenAt;
      alongMm = track.last!.alongMm;
    }
    return { at, alongMm };
  }

  #take(wanted: (item: JoinedItem) => boolean): JoinedItem[] {
    const taken: JoinedItem[] = [];
    for (const item of this.#items) {
      if (item.closed || !wanted(item)) continue;
      item.closed = true;
      taken.push(item);
      this.#learn(item);
    }
    if (taken.length > 0) this.#forget();
    return taken;
  }

  /** What the item says of the cameras' clocks, and of cameras that see nothing. */
  #learn(item: JoinedItem): void {
    let first: CameraTrack | undefined;
    for (const track of item.tracks) if (first === undefined || track.camera < first.camera) first = track;
    for (const [camera, state] of this.#cameras.entries()) {
      if (state.live && state.at !== undefined && !item.has(camera)) state.unseen++;
    }
    for (const track of item.tracks) {
      if (track.camera === first!.camera || track.isDouble) continue;
      this.#alignment.joined(track, this.#offMm(track, first!));
    }
  }

  /** Items that no camera can see any more. */
  #forget(): void {
    this.#items = this.#items.filter((item) => {
      if (!item.closed) return true;
      return this.#cameras.some(({ live, at }, camera) => {
        if (!live || at === undefined) return false;
        return this.#alongAt(item, at - this.#alignment.clockUs(camera)) < this.#lastMm + BEHIND_MM;
      });
    });
  }
}

/** Time between two tracks; 0 where they overlap. */
function gapUs(a: CameraTrack, b: CameraTrack): Micros {
  return Math.max(0, a.first!.at - b.last!.at, b.first!.at - a.last!.at);
}
