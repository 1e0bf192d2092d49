import type { Span } from "../../config/lane-cameras.ts";
import type { LaneConfig } from "../../config/schema.ts";
import type { ViewSeen } from "../../vision/follower.ts";
import { placeOf } from "./place.ts";
import type { CameraTrack, Place } from "./track.ts";

/** So many more fruit one way than the other say which way the fruit go in a camera's picture. */
const SURE = 3;
/** Share of its length by which a fruit must have gone on. */
const FAR = 0.3;

/**
 * Which way fruit go in each camera's picture. One that hangs upside down shows them going back: its places are turned
 * round, so that it sees the lane as the others do.
 */
export class Headings {
  readonly #lane: LaneConfig;
  readonly #spans: readonly Span[];
  readonly #cameras: { turned: boolean; votes: number }[];

  constructor(lane: LaneConfig, spans: readonly Span[]) {
    this.#lane = lane;
    this.#spans = spans;
    this.#cameras = spans.map(() => ({ turned: false, votes: 0 }));
  }

  isTurned(camera: number): boolean {
    return this.#cameras[camera]!.turned;
  }

  placeOf(camera: number, view: ViewSeen): Place {
    const span = this.#spans[camera]!;
    const place = placeOf(this.#lane, camera, span, view);
    if (!this.#cameras[camera]!.turned) return place;
    return { ...place, alongMm: span.entryMm + span.exitMm - place.alongMm, acrossMm: -place.acrossMm };
  }

  /** A fruit has passed a camera. @returns whether the camera turns out to be the other way round than was thought */
  passed({ camera, first, last }: CameraTrack): boolean {
    if (first === undefined || last === undefined) return false;
    const wentMm = last.alongMm - first.alongMm;
    if (Math.abs(wentMm) < FAR * last.lengthMm) return false;
    const state = this.#cameras[camera]!;
    state.votes = Math.max(-SURE, Math.min(SURE, state.votes + Math.sign(wentMm)));
    if (state.votes > -SURE) return false;
    state.turned = !state.turned;
    state.votes = 0;
    return true;
  }
}
