import type { Frame } from "../base/frame.ts";
import type { Micros } from "../base/time.ts";
import { type SceneReport, type SceneTrouble, Troubles } from "./trouble.ts";

/** Bytes of a frame that are compared with the last one's. */
const SAMPLES = 4096;
const HOLD_US = 3_000_000;
/** A picture that stays identical for so long is reported as frozen: a working camera has noise. */
const FROZEN_US = 600_000;
/** Rows and places along them that are looked at for data that never arrived. */
const ROWS = 40;
const PLACES = 24;
/** A picture is torn if more than this share of its rows, down to the last, has one plain colour. */
const TORN = 0.1;
/** Intervals after which the usual rate is known, and those over which the present one is taken. */
const USUAL = 60;
const RECENT = 20;
/** The rate counts as another one beyond this factor. */
const OTHER_RATE = 1.6;

/** What one camera's pictures say about the camera, whatever its lanes see in them. */
export class PictureWatch implements SceneReport {
  readonly blindUs = 0;
  readonly shadows = 0;
  readonly #size: { readonly widthPx: number; readonly heightPx: number };
  readonly #free: boolean;
  readonly #troubles = new Troubles();
  /** The latest time of all frames: times that go back do not turn it back. */
  #latest: Micros = 0;
  #last: { seq: number; exposedAt: Micros } | undefined;
  #hash = 0;
  #sameSince: Micros = 0;
  #plainRows: number | undefined;
  #usualUs = 0;
  #recentUs = 0;
  #intervals = 0;

  /** @param free whether frames come by themselves, at a rate that does not go by the line's speed */
  constructor(size: { readonly widthPx: number; readonly heightPx: number }, free: boolean) {
    this.#size = { widthPx: size.widthPx, heightPx: size.heightPx };
    this.#free = free;
  }

  get troubles(): readonly SceneTrouble[] {
    return this.#troubles.list;
  }

  /** Looks at a frame. @returns whether fruit can be measured in it */
  step(frame: Frame): boolean {
    this.#lookAtTime(frame);
    const at = this.#latest;
    const { widthPx, heightPx } = this.#size;
    const fits = frame.widthPx === widthPx && frame.heightPx === heightPx;
    this.#set(
      "frame-size",
      !fits,
      at,
      0,
      `frames are ${frame.widthPx}x${frame.heightPx}, at the start they were ${widthPx}x${heightPx}: nothing is measured on them`,
      "set the camera back, or restart the daemon and check mmPerPx and roi",
    );
    if (!fits || frame.status !== "ok") return fits;
    this.#lookForFrozen(frame, at);
    return this.#lookForTorn(frame, at);
  }

  #lookAtTime(frame: Frame): void {
    const last = this.#last;
    const back = last !== undefined && frame.exposedAt < last.exposedAt && frame.seq > last.seq;
    this.#latest = Math.max(this.#latest, frame.exposedAt);
    this.#set(
      "frame-times",
      back,
      this.#latest,
      0,
      "the camera's times go back: gate times may be wrong",
      "check the camera's clock and what sets it",
    );
    if (last !== undefined && frame.seq > last.seq && !back) {
      this.#lookAtRate((frame.exposedAt - last.exposedAt) / (frame.seq - last.seq));
    }
    this.#last = { seq: frame.seq, exposedAt: frame.exposedAt };
  }

  #lookAtRate(intervalUs: number): void {
    if (!this.#free) return;
    this.#intervals++;
    this.#recentUs += (intervalUs - this.#recentUs) / Math.min(RECENT, this.#intervals);
    if (this.#intervals <= USUAL) {
      this.#usualUs = this.#recentUs;
      return;
    }
    const share = this.#recentUs / this.#usualUs;
    this.#set(
      "frame-rate",
      share > OTHER_RATE || share < 1 / OTHER_RATE,
      this.#latest,
      0,
      `frames come at ${(1e6 / this.#recentUs).toFixed(1)} a second, at the start they came at ${(1e6 / this.#usualUs).toFixed(1)}`,
      "check the exposure time and the camera's settings",
    );
  }

  #lookForFrozen({ data }: Frame, at: Micros): void {
    const step = Math.max(1, Math.floor(data.length / SAMPLES)) | 1;
    let hash = 0x811c9dc5;
    for (let i = 0; i < data.length; i += step) hash = Math.imul(hash ^ data[i]!, 0x01000193);
    if (hash !== this.#hash) this.#sameSince = at;
    this.#hash = hash;
    this.#set(
      "frozen",
      at - this.#sameSince >= FROZEN_US,
      at,
      0,
      "the camera sends the same picture again and again, bit by bit",
      "if the belt runs, switch the camera off and on",
    );
  }

  /** @returns false where the end of the picture is missing */
  #lookForTorn(frame: Frame, at: Micros): boolean {
    const plain = plainRows(frame);
    // A plain band that is always there, a cover or a bar, is no damage.
    this.#plainRows = Math.min(this.#plainRows ?? plain, plain);
    const torn = plain - this.#plainRows > TORN * ROWS;
    this.#set(
      "torn",
      torn,
      at,
      0,
      "part of the picture is one plain colour: its data did not arrive, and nothing is measured on it",
      "check the cable, the network and the power of the camera",
    );
    return !torn;
  }

  #set(kind: SceneTrouble["kind"], on: boolean, at: Micros, afterUs: number, message: string, hint: string): void {
    if (on) this.#troubles.found(kind, at, afterUs, message, hint);
    else this.#troubles.gone(kind, at, HOLD_US);
  }
}

/** Rows at the end of the picture, of {@link ROWS}, that hold one and the same colour, neither black nor white. */
function plainRows({ data, widthPx, heightPx }: Frame): number {
  const last = (heightPx * widthPx - 1) * 3;
  const [r, g, b] = [data[last]!, data[last + 1]!, data[last + 2]!];
  if (r + g + b === 0 || r + g + b === 765) return 0;
  for (let i = 0; i < ROWS; i++) {
    const row = heightPx - 1 - Math.floor((i * heightPx) / ROWS);
    for (let k = 0; k < PLACES; k++) {
      const p = (row * widthPx + Math.floor((k * widthPx) / PLACES)) * 3;
      if (data[p] !== r || data[p + 1] !== g || data[p + 2] !== b) return i;
    }
  }
  return ROWS;
}
