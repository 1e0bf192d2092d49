import type { Frame } from "../base/frame.ts";
import type { Micros } from "../base/time.ts";
import type { LaneConfig } from "../config/schema.ts";
import { Cropper, type CropShape, squareSide } from "./crop.ts";
import { Drift } from "./drift.ts";
import type { Follower, ItemPassed, Mark, Sighting } from "./follower.ts";
import { LaneWatch } from "./lane-watch.ts";
import { isCovered, matchPlaces, YOUNG } from "./match.ts";
import { FramePace } from "./pace.ts";
import { PassingShadows } from "./passing-shadows.ts";
import { emptyPlace, LaneAxis, type Place } from "./place.ts";
import { travelInTheDark } from "./return.ts";
import { Segmenter } from "./segmenter.ts";
import { UsualShapes } from "./shape.ts";
import { Track } from "./track.ts";

const MOST_TRACKS = 64;
const MOST_PLACES = 96;
/** Diameters beyond the configured by this share still count: masks and fruit on the edge of the range vary. */
const SIZE_SLACK = 0.1;
/** A whole mask this much larger or smaller than the fruit was before is two fruit, or a part of one. */
const SAME_SIZE = 1.3;
/** Leading edges are predicted to within this, pixels. */
const PREDICTION_PX = 4;
/** Sightings after which a fruit counts that appeared away from the entry edge. */
const SIGHTINGS = 3;
/** On a belt that shows a fruit in more frames than this it need not count in a hurry. */
const MANY_FRAMES = 16;
/** A fruit that was not seen for so many usable frames has left. */
const GONE = 45;
/** Of a fruit that is cut off by a long edge of the roi more than half must be inside; the rest belongs next door. */
const INSIDE = 0.55;
const SPEED_RATE = 0.2;
/** A belt that is faster or slower by this share of the configured speed has changed it: that counts at once. */
const OTHER_SPEED = 0.12;
const OTHER_SPEED_RATE = 0.7;
/** A belt that was seen to run forward runs backward for good after so long. */
const BACKWARD_S = 3;
/** Views in which a body is too large before it counts as too large. */
const MISFITS = 3;
/** Fruit are at most so many times as fast as configured. */
const FASTEST = 2.5;
/** While nothing could be seen for longer than this nobody knows whether the belt went on. */
const TRUSTED_S = 0.1;
/** How long the fruit that were in view wait to be seen again. */
const WAIT_S = 15;
const BLIND = "nothing could be seen while it moved on";
/** Below this share of the configured speed the belt stands, and the time to the gate goes by the configured one. */
const STANDS = 0.2;

/**
 * Follows fruit that lie freely on a belt. Frames run freely; each fruit is found in every frame, known again by where
 * the belt must have taken it, and counted when it is about to leave the place where it is whole.
 */
export class BeltFollower implements Follower {
  readonly report: LaneWatch;
  readonly #lane: LaneConfig;
  readonly #segmenter: Segmenter;
  readonly #cropper: Cropper;
  #axis: LaneAxis;
  readonly #shapes = new UsualShapes();
  readonly #drift = new Drift();
  readonly #shadows: PassingShadows;
  readonly #pace = new FramePace();
  readonly #smallestPx: number;
  readonly #largestPx: number;
  /** Pixels per second, as all speeds here. */
  readonly #configuredSpeed: number;
  #speed: number;
  /** Half length of the fruit on this lane, pixels: stands in where a fruit is not seen whole. */
  #halfPx: number;
  #tracks: Track[] = [];
  readonly #places: readonly Place[] = Array.from({ length: MOST_PLACES }, emptyPlace);
  readonly #trackOf = new Int32Array(MOST_PLACES);
  #placeCount = 0;
  /** Fruit move against the configured direction, since when, and whether any has passed the other way. */
  #reversed = false;
  #backwardS = 0;
  #everPassed = false;
  /** A fruit that has been seen to move stays one however long it stands. */
  readonly #keeps = (index: number): boolean => {
    const track = this.#tracks[this.#trackOf[index]!];
    return track !== undefined && track.item > 0 && track.seenAlong - track.bornAlong > track.diameterPx;
  };
  readonly #stands = (index: number): boolean =>
    this.#tracks[this.#trackOf[index]!]!.pace < STANDS * this.#configuredSpeed;
  #items = 0;
  #now: Micros = 0;
  /** Seconds since the last frame that showed something; undefined before the first. */
  #sinceLookS: number | undefined;
  /** Seconds in which frames came and showed nothing, since the last that did. */
  #blindS = 0;

  /** @throws {GradelineError} CONFIG when the lane's roi does not lie in the frame */
  constructor(lane: LaneConfig, speedMmPerS: number, crop: CropShape, frame: { widthPx: number; heightPx: number }) {
    const { fruitMm, mmPerPx } = lane;
    this.#lane = lane;
    this.report = new LaneWatch(lane);
    this.#segmenter = new Segmenter(lane, frame);
    this.#cropper = new Cropper(crop, squareSide(Math.ceil(fruitMm.max / mmPerPx), 0, crop.margin));
    this.#axis = new LaneAxis(lane, this.#segmenter.background.grid);
    this.#smallestPx = (fruitMm.min * (1 - SIZE_SLACK)) / mmPerPx;
    this.#largestPx = (fruitMm.max * (1 + SIZE_SLACK)) / mmPerPx;
    this.#shadows = new PassingShadows(this.#smallestPx, this.#largestPx, this.#segmenter.background.grid);
    this.#configuredSpeed = speedMmPerS / mmPerPx;
    this.#speed = this.#configuredSpeed;
    this.#halfPx = (fruitMm.min + fruitMm.max) / 4 / mmPerPx;
  }

  marks(): Mark[] {
    const { mmPerPx } = this.#lane;
    return this.#tracks
      .filter(({ item, passed, isFruit }) => item > 0 && !passed && isFruit)
      .map(({ item, rear, front, across, diameterPx }) => {
        const width = diameterPx > 0 ? diameterPx : front - rear;
        const sizeMm = diameterPx > 0 ? diameterPx * mmPerPx : undefined;
        return { item, box: this.#axis.boxAt(rear, front, across, width), sizeMm };
      });
  }

  step(frame: Frame): Sighting[] {
    const seen: Sighting[] = [];
    this.#pace.step(frame);
    this.#now = frame.exposedAt;
    for (const track of this.#tracks) track.predict(this.#pace.elapsedS, this.#speed);
    if (this.#sinceLookS !== undefined) this.#sinceLookS += this.#pace.elapsedS;
    if (frame.status === "ok") this.#see(frame, seen);
    if (this.#blindS <= TRUSTED_S) this.#pass(seen);
    else if (this.#blindS > WAIT_S) this.#giveUp(seen, () => true);
    this.#forget();
    return seen;
  }

  #see(frame: Frame, seen: Sighting[]): void {
    const { light } = this.#segmenter.background;
    const sight = this.#segmenter.look(frame);
    this.report.look(frame.exposedAt, this.#pace.elapsedS * 1e6, sight, sight === "clear" ? light.flicker : 0);
    if (sight !== "clear") {
      this.#blindS += this.#pace.elapsedS;
      return;
    }
    this.#findPlaces();
    // What has a fruit's size and passes for a shadow is counted: nobody looks at it.
    const gone = this.#speed * (this.#sinceLookS ?? 0);
    const shadows = this.#shadows.step(this.#segmenter.bodies, this.#axis, gone);
    if (shadows > 0) this.report.shadow(this.#now, shadows);
    if (this.#blindS > TRUSTED_S) this.#return(seen);
    this.#blindS = 0;
    this.#look(frame, seen);
    this.#sinceLookS = 0;
  }

  /** The light is back: the belt may have stood meanwhile, or gone on. */
  #return(seen: Sighting[]): void {
    const tracks = this.#tracks;
    const gone = this.#speed * (this.#sinceLookS ?? 0);
    const stood = tracks.map((track) => track.seenAlong);
    const travel = travelInTheDark(tracks, stood, gone, this.#places, this.#placeCount, this.#axis.lengthPx);
    for (const track of tracks) track.moveTo(track.seenAlong + travel);
    const limit = this.#axis.lastWholePx;
    this.#giveUp(seen, (track) => track.front > limit);
  }

  /** Reports fruit that nobody saw leaving, without a guess. */
  #giveUp(seen: Sighting[], which: (track: Track) => boolean): void {
    const lost = this.#tracks.filter((track) => !track.passed && track.isFruit && track.item > 0 && which(track));
    for (const track of lost.sort((a, b) => b.along - a.along)) this.#report(track, seen, BLIND);
    for (const track of this.#tracks) if (which(track)) track.passed = true;
  }

  finish(): Sighting[] {
    const seen: Sighting[] = [];
    const open = this.#tracks.filter(
      (track) => !track.passed && (track.item > 0 || (track.trusted && track.views > 0)),
    );
    const reason = this.#blindS > TRUSTED_S ? BLIND : undefined;
    for (const track of open.sort((a, b) => b.along - a.along)) this.#report(track, seen, reason);
    this.#tracks = [];
    return seen;
  }

  #findPlaces(): void {
    const segmenter = this.#segmenter;
    this.#placeCount = Math.min(segmenter.count, MOST_PLACES);
    for (let i = 0; i < this.#placeCount; i++) this.#axis.place(segmenter.piece(i), this.#places[i]!);
  }

  /** Finds the tracks' fruit in the frame, cuts views, and starts tracks for new fruit. */
  #look(frame: Frame, seen: Sighting[]): void {
    const segmenter = this.#segmenter;
    const places = this.#places;
    const count = this.#placeCount;
    this.#drift.look(places, count, this.#axis.lengthPx);
    matchPlaces(this.#tracks, places, count, this.#halfPx, this.#trackOf);
    const known = this.#tracks.length;
    for (let t = 0; t < known; t++) this.#tracks[t]!.missed++;
    for (let i = 0; i < count; i++) {
      const index = this.#trackOf[i]!;
      const track = index >= 0 ? this.#tracks[index] : this.#newTrack(i);
      if (track !== undefined) this.#follow(frame, track, i, seen);
    }
    this.#followSpeed(known);
    this.#followDirection();
    // Under fruit that stand the conveyor is not to be seen, and around them their shadows stand.
    const moving = this.#isMoving();
    if (moving || count === 0 || segmenter.background.young) segmenter.learn(moving, this.#keeps, this.#stands);
  }

  #follow(frame: Frame, track: Track, index: number, seen: Sighting[]): void {
    const { outline } = this.#segmenter;
    const place = this.#places[index]!;
    const seconds = this.#sinceLookS ?? 0;
    outline.trace(frame, index);
    const whole = this.#axis.isWhole(outline.box);
    if (whole) {
      place.cutEntry = false;
      place.cutExit = false;
      place.along = this.#axis.along(outline.cx);
      if (!this.#fits(outline.diameterPx, track) && !this.#isPart(outline.diameterPx, track, place)) {
        this.#misfit(track, place, outline.diameterPx);
        return;
      }
    }
    track.follow(place, frame.exposedAt, seconds, FASTEST * this.#configuredSpeed);
    if (!whole) return;
    const ahead = this.#axis.front(outline.box) - place.along;
    const behind = place.along - this.#axis.rear(outline.box);
    track.measure(ahead, behind, outline.diameterPx);
    this.#halfPx += 0.05 * ((ahead + behind) / 2 - this.#halfPx);
    if (track.passed || !track.hasTurned) return;
    if (!this.#segmenter.piece(index).split) track.shape.add(outline, frame);
    const crop = this.#cropper.cut(frame, outline.mask, outline.area, outline.box);
    const { seq, exposedAt } = frame;
    track.addView({ kind: "view", item: track.item, seq, exposedAt, box: { ...outline.box }, crop }, seen);
    if (track.item === 0 && this.#counts(track)) track.become(++this.#items, seen);
  }

  /** Two that could not be told apart, or a part of one: it is there, but where exactly is not known. */
  #misfit(track: Track, place: Place, diameterPx: number): void {
    track.missed = 0;
    if (track.diameterPx > 0) return;
    if (diameterPx > this.#largestPx) track.outgrow(place, diameterPx);
    else if (diameterPx < this.#smallestPx) {
      track.isFruit = false;
      if (diameterPx > this.#smallestPx / 2) this.report.passed(this.#now, false, diameterPx * this.#lane.mmPerPx);
    }
  }

  /** Whether a young track has begun with a part of the fruit that is now seen whole. */
  #isPart(diameterPx: number, track: Track, place: Place): boolean {
    if (track.hits >= YOUNG || diameterPx < this.#smallestPx || diameterPx > this.#largestPx) return false;
    if (this.#tracks.some((other) => other !== track && other.along > place.rear && other.along < place.front))
      return false;
    track.forgetSize();
    return true;
  }

  /** Whether a whole mask can be this fruit. */
  #fits(diameterPx: number, track: Track): boolean {
    if (diameterPx < this.#smallestPx || diameterPx > this.#largestPx) return false;
    if (track.diameterPx === 0) return true;
    const ratio = diameterPx / track.diameterPx;
    return ratio < SAME_SIZE && ratio > 1 / SAME_SIZE;
  }

  /** A new track for a place that belongs to no track; undefined if it cannot be a new fruit. */
  #newTrack(index: number): Track | undefined {
    const place = this.#places[index]!;
    if (this.#tracks.length >= MOST_TRACKS || isCovered(this.#tracks, place)) return undefined;
    if (place.cutEntry && place.cutExit) return undefined;
    const { step } = this.#segmenter.background.grid;
    const cut = place.cutEntry || place.cutExit || place.cutSide;
    if (!cut && this.#segmenter.piece(index).majorAxis * step < this.#smallestPx) return undefined;
    if (place.cutSide && place.width < INSIDE * (place.front - place.rear)) return undefined;
    const first = this.#sinceLookS === undefined;
    // Where its trailing edge was when the lane was last seen: if that was not in view yet, it has just come in.
    const cameIn = !first && place.rear - this.#speed * this.#sinceLookS! < this.#halfPx;
    // What leaves while the first look is taken was somebody else's.
    if (place.cutExit && !cameIn) return undefined;
    const track = new Track(place, this.#halfPx, this.#speed, this.#now, first || cameIn);
    this.#tracks.push(track);
    return track;
  }

  /** Whether a track has shown that it is a fruit on the move. */
  #counts(track: Track): boolean {
    // On a fast belt a fruit that entered normally may be seen only a few times.
    const frames = this.#axis.lengthPx / Math.max(1, Math.abs(this.#speed) * this.#pace.intervalS);
    if (track.hits < (track.trusted && frames < MANY_FRAMES ? 2 : SIGHTINGS)) return false;
    return track.along - track.bornAlong > Math.max(3, 0.04 * track.diameterPx);
  }

  /** Reports the fruit that will not be whole in the next frame. */
  #pass(seen: Sighting[]): void {
    const limit = this.#axis.lastWholePx - PREDICTION_PX;
    const leaving: Track[] = [];
    for (const track of this.#tracks) {
      if (track.passed || !track.isFruit) continue;
      const stuck = track.item > 0 && track.missed > GONE;
      if (stuck || track.front + track.speed * this.#pace.intervalS > limit) leaving.push(track);
    }
    if (leaving.length === 0) return;
    leaving.sort((a, b) => b.along - a.along);
    for (const track of leaving) {
      // What nobody saw whole counts if it came in as fruit do and no frame contradicts.
      if (track.item > 0 || (track.trusted && track.missed === 0)) this.#report(track, seen);
      track.passed = true;
    }
  }

  /** @param unseen why what it shows does not count */
  #report(track: Track, seen: Sighting[], unseen?: string): void {
    if (track.item === 0) track.become(++this.#items, seen);
    track.passed = true;
    this.#everPassed = true;
    const item = this.#itemOf(track);
    if (unseen !== undefined) seen.push({ ...item, presence: "no-image", reason: unseen });
    else if (item.presence === "no-image" && track.misfits >= MISFITS) {
      this.report.passed(this.#now, false, track.misfitPx * this.#lane.mmPerPx);
      seen.push({ ...item, presence: "foreign", reason: "larger than fruitMm allows" });
    } else {
      this.report.passed(this.#now, true);
      const reason = item.presence === "fruit" ? this.#shapes.judge(track.shape) : undefined;
      seen.push(reason === undefined ? item : { ...item, presence: "foreign", reason });
    }
  }

  #itemOf(track: Track): ItemPassed {
    const { mmPerPx, gateMm } = this.#lane;
    const speed = this.#speed > STANDS * this.#configuredSpeed ? this.#speed : this.#configuredSpeed;
    const restMm = (this.#axis.lengthPx - track.along) * mmPerPx + gateMm;
    const diameter = track.itemDiameterPx;
    return {
      kind: "item",
      item: track.item,
      presence: track.views > 0 ? "fruit" : "no-image",
      views: track.views,
      exposedAt: track.lastSeenAt,
      gateAt: Math.round(this.#now + (restMm / (speed * mmPerPx)) * 1e6),
      sizeMm: diameter === undefined ? undefined : diameter * mmPerPx,
      cup: undefined,
    };
  }

  #forget(): void {
    this.#tracks = this.#tracks.filter((track) => {
      if (!track.isFruit) return false;
      if (!track.passed) return track.item > 0 || track.missed < SIGHTINGS;
      return track.missed <= GONE && (track.missed === 0 || track.rear < this.#axis.lengthPx);
    });
  }

  /** The belt's speed is the middle one of those of the fruit on it. */
  #followSpeed(known: number): void {
    const speeds: number[] = [];
    const paces: number[] = [];
    for (let t = 0; t < known; t++) {
      const track = this.#tracks[t]!;
      if (track.item > 0 && track.hits >= 3 && track.missed === 0) {
        speeds.push(track.speed);
        paces.push(track.pace);
      }
    }
    if (speeds.length === 0) return;
    speeds.sort((a, b) => a - b);
    // Hidden fruit have moved as far as visible ones.
    paces.sort((a, b) => a - b);
    const off = (paces[paces.length >> 1]! - this.#speed) * (this.#sinceLookS ?? 0);
    for (const track of this.#tracks) if (track.unseen) track.along += off;
    const middle = speeds[speeds.length >> 1]!;
    const other = Math.abs(middle - this.#speed) > OTHER_SPEED * this.#configuredSpeed;
    this.#speed += (other ? OTHER_SPEED_RATE : SPEED_RATE) * (middle - this.#speed);
    this.report.speed(this.#now, ((this.#reversed ? -1 : 1) * this.#speed) / this.#configuredSpeed);
  }

  /** A picture that is upside down, or a belt that runs backward for good, is followed the other way. */
  #followDirection(): void {
    this.#backwardS = this.#speed < -STANDS * this.#configuredSpeed ? this.#backwardS + this.#pace.elapsedS : 0;
    const never = !this.#everPassed && this.#drift.backward && !this.#tracks.some((track) => track.item > 0);
    if (!never && this.#backwardS < BACKWARD_S) return;
    this.#reversed = !this.#reversed;
    this.#axis = new LaneAxis(this.#lane, this.#segmenter.background.grid, this.#reversed);
    for (const track of this.#tracks) track.mirror(this.#axis.lengthPx);
    this.#speed = Math.abs(this.#speed);
    this.#drift.clear();
    this.#backwardS = 0;
    this.#everPassed = false;
    this.report.speed(this.#now, this.#reversed ? -1 : 1);
  }

  #isMoving(): boolean {
    const least = STANDS * this.#configuredSpeed;
    return this.#tracks.some((track) => track.item > 0 && track.missed === 0 && track.pace > least);
  }
}
