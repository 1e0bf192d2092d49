import type { Frame } from "../base/frame.ts";
import type { Micros } from "../base/time.ts";
import type { SceneReport } from "./trouble.ts";

/** What a follower tells about one frame, in order. */
export type Sighting = ViewSeen | ItemPassed;

/** One crop of one item in one frame. */
export interface ViewSeen {
  readonly kind: "view";
  /** Counts items of this lane from the follower's start. */
  readonly item: number;
  readonly seq: number;
  readonly exposedAt: Micros;
  /** Bounding box of the mask in frame pixels, for pictures. */
  readonly box: Box;
  /** Square crop, RGB8 HWC (sizePx * sizePx * 3), background masked with the fill grey. Freshly owned by the receiver. */
  readonly crop: Uint8Array;
}

/** An item has left the last position where it is wholly in view (belt), or its cup has passed the last window (cups). */
export interface ItemPassed {
  readonly kind: "item";
  readonly item: number;
  /**
   * `fruit`: at least one view. `foreign`: it was seen, and by its shape it is no fruit. `empty`: a cup without fruit.
   * `no-image`: it passed, but no usable frame shows it, or nobody could see where it went.
   */
  readonly presence: "fruit" | "foreign" | "empty" | "no-image";
  /** Why it is no fruit or has no image, in words; absent where there is nothing to say. */
  readonly reason?: string;
  /** How many `view` sightings this item had. */
  readonly views: number;
  /** Exposure of the last frame that counted for it. */
  readonly exposedAt: Micros;
  /** When its centre reaches the gate. */
  readonly gateAt: Micros;
  /**
   * Its larger diameter: the longer axis of the ellipse with the mask's moments, the upper quartile over its views,
   * times the scale; undefined without a view.
   */
  readonly sizeMm: number | undefined;
  /** Number of the carrier on a singulating conveyor; undefined on a belt. */
  readonly cup: number | undefined;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Where an item is in the newest frame, for a picture. */
export interface Mark {
  /** As in its sightings. */
  readonly item: number;
  /** In frame pixels. */
  readonly box: Box;
  /** Its size as far as it is known. */
  readonly sizeMm: number | undefined;
}

/** Finds the items of one lane in successive frames. Pure state machine: no I/O, no clock, time comes with the frame. */
export interface Follower {
  /** How well the lane is seen, up to the last frame. */
  readonly report: SceneReport;
  step(frame: Frame): Sighting[];
  /** Items in view, as of the last frame. */
  marks(): Mark[];
  /** Items still in view when the source has ended pass now. */
  finish(): Sighting[];
}
