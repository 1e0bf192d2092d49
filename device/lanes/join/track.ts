import type { Micros } from "../../base/time.ts";
import type { ItemPassed } from "../../vision/follower.ts";

/** One fruit as one camera saw it at one moment. */
export interface Place {
  readonly at: Micros;
  /** From the lane's beginning along the travel. */
  readonly alongMm: number;
  /** From the middle of the region across the travel. */
  readonly acrossMm: number;
  /** Along the travel. */
  readonly lengthMm: number;
}

/** What one camera's follower calls an item: one fruit on its way through one region. */
export class CameraTrack {
  /** Which of the lane's cameras, from 0. */
  readonly camera: number;
  /** The follower's number of it. */
  readonly number: number;
  first: Place | undefined;
  last: Place | undefined;
  /** Carrier's number as this camera counts; undefined on a belt and before it is known. */
  cup: number | undefined;
  passed: ItemPassed | undefined;
  item: JoinedItem | undefined;
  /** The same camera saw the same fruit a second time. */
  isDouble = false;
  /** Its camera sees other fruit than the lane's: it is no item of it. */
  isStray = false;

  constructor(camera: number, number: number) {
    this.camera = camera;
    this.number = number;
  }
}

/** One fruit: what the lane's cameras saw of it, and then its verdict. */
export class JoinedItem {
  /** Counts the lane's items. */
  readonly number: number;
  readonly tracks: CameraTrack[] = [];
  /** It is decided, or being decided: what comes now is too late for it. */
  closed = false;
  /** Carrier's number as the lane counts. */
  cup: number | undefined;

  constructor(number: number) {
    this.number = number;
  }

  add(track: CameraTrack): void {
    track.item = this;
    this.tracks.push(track);
  }

  remove(track: CameraTrack): void {
    const at = this.tracks.indexOf(track);
    if (at >= 0) this.tracks.splice(at, 1);
    track.item = undefined;
  }

  has(camera: number): boolean {
    for (const track of this.tracks) if (track.camera === camera) return true;
    return false;
  }
}

/** What the fruit themselves say of a camera. */
export interface CameraFinding {
  readonly camera: number;
  /**
   * `clock`: it sees them so much earlier or later than the others, and that is allowed for. `place`: where its
   * `offsetMm` says it cannot stand. `stranger`: the fruit it sees are no fruit of this lane. `blind`: it sees none.
   * `turned`: in its picture they go against its direction.
   */
  readonly kind: "clock" | "place" | "stranger" | "blind" | "turned";
  /** Its clock against the first camera's. */
  readonly ms: number;
  /** The same along the belt. */
  readonly mm: number;
}

/** Puts what several cameras see of one lane together: one item for each fruit. Time comes with the frames. */
export interface Join {
  /** A view of a track; the first one places it. */
  view(track: CameraTrack, place: Place, cup: number | undefined): void;
  passed(track: CameraTrack, passed: ItemPassed): void;
  /** A camera's frames have been looked at up to this one. */
  frame(camera: number, seq: number, at: Micros): void;
  /** Whether anybody waits for this camera: not while it is away. */
  live(camera: number, live: boolean): void;
  /** The camera's follower begins anew; its tracks that have not passed are given up. */
  restart(camera: number): void;
  /** Fruit go the other way in the camera's picture than was thought; its places are turned round from now on, or not any more. */
  turn(camera: number, turned: boolean): void;
  /** Takes the items that every camera has seen the last of. They are closed. */
  ready(): JoinedItem[];
  /** Takes the items whose gate is nearer than `reserveUs` after `now`. They are closed. */
  due(now: Micros, reserveUs: Micros): JoinedItem[];
  /** When an item's centre reaches the gate. */
  gateAt(item: JoinedItem): Micros;
  findings(): CameraFinding[];
  readonly open: number;
}
