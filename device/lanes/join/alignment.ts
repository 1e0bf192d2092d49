import type { Micros } from "../../base/time.ts";
import type { BeltMotion } from "./belt-motion.ts";
import type { CameraFinding, CameraTrack, Place } from "./track.ts";

/** Fruit of one camera that are compared with those of the others. */
const KEPT = 48;
/** So many of them are needed before anything is said. */
const ENOUGH = 12;
/** Looked at again after so many more. */
const EVERY = 8;
/** Two places this near are one fruit's. */
const NEAR_MM = 9;
const STEP_MM = 4;
/** Share of a camera's fruit that have a partner where it stands right; touching fruit, and some that one misses. */
const RIGHT = 0.6;
/** Beyond this no clock is off: the camera stands elsewhere. */
const MOST_CLOCK_MS = 150;
/** From here on it is told. */
const TOLD_MS = 10;
/** How quickly a clock is followed by the fruit that are joined. */
const RATE = 0.15;

interface Seen {
  /** Where on the belt its newest fruit lay by its own clock, millimetres. */
  places: number[];
  /** How far its clock is ahead. */
  clockUs: Micros;
  finding: "place" | "stranger" | undefined;
  shiftMm: number;
  fresh: number;
}

/**
 * Finds from the fruit themselves how far each camera's clock is from the first one's, and which camera does not
 * stand where the configuration says. A clock that is off by 10 ms and a camera that stands 8 mm further on look the
 * same; both are allowed for in the same way.
 */
export class Alignment {
  readonly #cameras: Seen[];
  readonly #motion: BeltMotion;
  readonly #reachMm: number;

  /** @param reachMm how far along the belt cameras could be taken for another */
  constructor(cameras: number, motion: BeltMotion, reachMm: number) {
    this.#cameras = Array.from({ length: cameras }, () => ({
      places: [],
      clockUs: 0,
      finding: undefined,
      shiftMm: 0,
      fresh: 0,
    }));
    this.#motion = motion;
    this.#reachMm = reachMm;
  }

  /** Microseconds that are taken off a camera's times. */
  clockUs(camera: number): Micros {
    return this.#cameras[camera]!.clockUs;
  }

  /** Whether what it sees counts. */
  isRight(camera: number): boolean {
    return this.#cameras[camera]!.finding === undefined;
  }

  /** The same fruit at the same belt: what is left between two places of it is the clock. */
  joined(track: CameraTrack, offMm: number): void {
    const seen = this.#cameras[track.camera]!;
    seen.clockUs -= RATE * (offMm / this.#motion.speed) * 1e6;
  }

  /** A fruit was last seen there. */
  passed(camera: number, place: Place): void {
    const { places } = this.#cameras[camera]!;
    places.push(place.alongMm - this.#motion.position(place.at));
    if (places.length > KEPT) places.shift();
    const reference = this.#reference;
    for (const [other, each] of this.#cameras.entries()) {
      if (other === reference || (camera !== other && camera !== reference) || ++each.fresh < EVERY) continue;
      each.fresh = 0;
      this.#look(other, reference);
      this.#doubt(reference);
    }
  }

  /** Where no other camera agrees with the first one, but two of them with each other, it is the first that is wrong. */
  #doubt(first: number): void {
    const others = [...this.#cameras.entries()].filter(([i, { places }]) => i !== first && places.length >= ENOUGH);
    if (others.some(([, { finding }]) => finding === undefined)) return;
    const agree = others.some(([a], i) => others.slice(i + 1).some(([b]) => this.#agree(a, b)));
    if (!agree) return;
    // What was learnt of their clocks was learnt from a stranger's fruit.
    for (const [, other] of others) Object.assign(other, { finding: undefined, clockUs: 0 });
    const wrong = this.#cameras[first]!;
    wrong.finding = "stranger";
    wrong.shiftMm = 0;
    this.#look(first, this.#reference);
  }

  /** Whether the fruit of two cameras lie on each other, but for what a clock can explain. */
  #agree(a: number, b: number): boolean {
    const offsets = this.#offsetsOf(a, b);
    if (offsets.length < ENOUGH) return false;
    if (scoreAt(offsets, 0, 3 * NEAR_MM) >= RIGHT * offsets.length) return true;
    const shift = this.#bestShift(offsets);
    return shift !== undefined && Math.abs(shift) <= (MOST_CLOCK_MS / 1000) * this.#motion.speed;
  }

  #offsetsOf(camera: number, first: number): Float64Array[] {
    const seen = this.#cameras[camera]!;
    const reference = this.#cameras[first]!;
    const clockUs = seen.clockUs - reference.clockUs;
    return seen.places.flatMap((place) => this.#offsets(place, clockUs, reference) ?? []);
  }

  /** What was seen of a camera says nothing any more. */
  forget(camera: number): void {
    Object.assign(this.#cameras[camera]!, { places: [], clockUs: 0, finding: undefined, shiftMm: 0, fresh: 0 });
  }

  findings(): CameraFinding[] {
    const found: CameraFinding[] = [];
    for (const [camera, { clockUs, finding, shiftMm }] of this.#cameras.entries()) {
      const ms = clockUs / 1000;
      const mm = (ms / 1000) * this.#motion.speed;
      if (finding !== undefined) found.push({ camera, kind: finding, ms, mm: shiftMm });
      else if (Math.abs(ms) > TOLD_MS) found.push({ camera, kind: "clock", ms, mm });
    }
    return found;
  }

  /** The first camera that has seen enough. */
  get #reference(): number {
    return Math.max(
      0,
      this.#cameras.findIndex(({ places, finding }) => places.length >= ENOUGH && finding === undefined),
    );
  }

  /** By which shift along the belt its fruit lie on those of the first camera. */
  #look(camera: number, first: number): void {
    const seen = this.#cameras[camera]!;
    const reference = this.#cameras[first]!;
    if (reference.places.length < ENOUGH || seen.places.length < ENOUGH) return;
    const offsets = this.#offsetsOf(camera, first);
    if (offsets.length < ENOUGH) return;
    const still = scoreAt(offsets, 0, 3 * NEAR_MM);
    if (still >= RIGHT * offsets.length) {
      seen.finding = undefined;
      return;
    }
    const shift = this.#bestShift(offsets);
    if (shift === undefined) {
      seen.finding = "stranger";
      seen.shiftMm = 0;
      return;
    }
    const clockUs = seen.clockUs - (shift / this.#motion.speed) * 1e6;
    if (Math.abs(clockUs) <= MOST_CLOCK_MS * 1000) {
      seen.finding = undefined;
      seen.clockUs = clockUs;
    } else {
      seen.finding = "place";
      seen.shiftMm = shift;
    }
  }

  /** How far ahead of each of the reference's fruit it lies; undefined where that camera did not look then. */
  #offsets(place: number, clockUs: Micros, reference: Seen): Float64Array | undefined {
    const clockMm = (clockUs / 1e6) * this.#motion.speed;
    const offsets = new Float64Array(reference.places.length);
    let before = false;
    let behind = false;
    for (const [i, other] of reference.places.entries()) {
      const off = place + clockMm - other;
      offsets[i] = off;
      if (off < 0) before = true;
      else behind = true;
    }
    return before && behind ? offsets : undefined;
  }

  #bestShift(offsets: readonly Float64Array[]): number | undefined {
    let best: number | undefined;
    let bestScore = RIGHT * offsets.length;
    for (let step = 0; step * STEP_MM <= this.#reachMm; step++) {
      for (const shift of step === 0 ? [0] : [step * STEP_MM, -step * STEP_MM]) {
        // Of shifts that do as well the smallest: fruit may lie at even distances.
        const score = scoreAt(offsets, shift, NEAR_MM);
        if (score <= bestScore * (best === undefined ? 1 : 1.1) && !near(best, shift, score, bestScore)) continue;
        best = shift;
        bestScore = score;
      }
    }
    return best;
  }
}

/** Whether it is the same peak, but nearer to its top. */
function near(best: number | undefined, shift: number, score: number, bestScore: number): boolean {
  return best !== undefined && Math.abs(shift - best) <= 2 * NEAR_MM && score > bestScore;
}

/** How many fruit have a partner if all of them are shifted by so much. */
function scoreAt(offsets: readonly Float64Array[], shift: number, nearMm: number): number {
  let score = 0;
  for (const own of offsets) {
    for (const off of own) {
      if (Math.abs(off - shift) > nearMm) continue;
      score++;
      break;
    }
  }
  return score;
}
