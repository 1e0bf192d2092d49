import { type Finding, findingsOf, type Shift } from "./findings.ts";
import { BASELINE_BLOCKS, ShiftDetector, type ShiftState } from "./shift.ts";
import {
  type ItemSignals,
  PLACE_FLOORS,
  PLACE_SIGNALS,
  PLACES,
  type PlaceSignal,
  SIGNAL_NAMES,
  SIGNALS,
  type Signal,
  TAUGHT,
} from "./signals.ts";

/** Hours and days of which the means are kept. */
const HOURS = 48;
const DAYS = 400;
const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;
/** So many times as far from the references as those are from each other is another kind of fruit. */
const UNLIKE = 1.5;

/** Means of a stretch of time. */
export interface Summary {
  /** Start of the hour or day, microseconds. */
  readonly from: number;
  items: number;
  readonly means: Partial<Record<Signal, number>>;
}

/** Running mean and spread of what has come since the block began. */
interface Block {
  count: number;
  sum: number;
  square: number;
}

export interface LaneDriftState {
  readonly signals: Partial<Record<Signal, ShiftState>>;
  readonly places: Partial<Record<PlaceSignal, readonly ShiftState[]>>;
  readonly hours: readonly Summary[];
  readonly days: readonly Summary[];
  /** What was enrolled when the signals that depend on it were learnt. */
  readonly gallery: string;
  readonly learntFrom: number;
}

/** How one signal stands. */
export interface SignalStatus {
  readonly signal: Signal;
  /** Of the time when all was well; null while it is learnt. */
  readonly baseline: number | null;
  /** Mean of the newest block of items. */
  readonly now: number | null;
  /** Since when it has shifted, microseconds; null where it has not. */
  readonly since: number | null;
}

/** Follows what fruit and light look like on one lane; told of every item, keeps sums only. */
export class LaneDrift {
  readonly #blockItems: number;
  readonly #signals = new Map<Signal, ShiftDetector>();
  readonly #places = new Map<PlaceSignal, ShiftDetector[]>();
  readonly #blocks = new Map<Signal, Block>();
  readonly #placeBlocks = new Map<PlaceSignal, Block[]>();
  #hours: Summary[];
  #days: Summary[];
  #gallery: string;
  #learntFrom: number;
  #items = 0;
  #blockAt = 0;

  /** @param baselineItems how many say how the line is when all is well */
  constructor(baselineItems: number, state: LaneDriftState | undefined, gallery: string) {
    this.#blockItems = Math.max(1, Math.round(baselineItems / BASELINE_BLOCKS));
    for (const signal of SIGNAL_NAMES) {
      this.#signals.set(signal, new ShiftDetector(SIGNALS[signal], state?.signals[signal]));
      this.#blocks.set(signal, fresh());
    }
    for (const signal of PLACE_SIGNALS) {
      const before = state?.places[signal] ?? [];
      const detectors = Array.from({ length: PLACES }, (_, i) => new ShiftDetector(PLACE_FLOORS[signal], before[i]));
      this.#places.set(signal, detectors);
      this.#placeBlocks.set(signal, Array.from({ length: PLACES }, fresh));
    }
    this.#hours = [...(state?.hours ?? [])];
    this.#days = [...(state?.days ?? [])];
    this.#learntFrom = state?.learntFrom ?? 0;
    this.#gallery = state?.gallery ?? gallery;
    this.taught(gallery);
  }

  /** What was enrolled has changed: how far the fruit are from it is learnt anew. */
  taught(gallery: string): void {
    if (gallery === this.#gallery) return;
    this.#gallery = gallery;
    for (const signal of TAUGHT) {
      this.#signals.set(signal, new ShiftDetector(SIGNALS[signal]));
      this.#blocks.set(signal, fresh());
    }
  }

  /** @returns whether what is found has changed */
  add(item: ItemSignals): boolean {
    if (this.#learntFrom === 0) this.#learntFrom = item.exposedAt;
    if (this.#items === 0) this.#blockAt = item.exposedAt;
    for (const signal of SIGNAL_NAMES) take(this.#blocks.get(signal)!, item.values[signal]);
    for (const signal of PLACE_SIGNALS) {
      for (const [place, block] of this.#placeBlocks.get(signal)!.entries()) take(block, item.places[signal][place]);
    }
    this.#summarise(this.#hours, item, HOUR_US, HOURS);
    this.#summarise(this.#days, item, DAY_US, DAYS);
    if (++this.#items < this.#blockItems) return false;
    this.#items = 0;
    return this.#closeBlock();
  }

  /** Share of the baseline that is known, 0..1. */
  get learned(): number {
    const seen = [...this.#signals.values()].filter(({ state }) => state.blocks > 0);
    return seen.length === 0 ? 0 : Math.min(...seen.map(({ progress }) => progress));
  }

  /** When it began to learn, microseconds; 0 before the first item. */
  get learntFrom(): number {
    return this.#learntFrom;
  }

  findings(references: { readonly identity: number } | undefined): Finding[] {
    const signals: Partial<Record<Signal, Shift>> = {};
    for (const [signal, detector] of this.#signals) {
      const shift = shiftOf(detector);
      if (shift !== undefined) signals[signal] = shift;
    }
    const identity = this.#signals.get("identity")!;
    const ratio = references === undefined || !identity.learned ? 0 : identity.state.mean / references.identity;
    return findingsOf({
      signals,
      places: {
        placeBrightness: this.#places.get("placeBrightness")!.map(shiftOf),
        placeSharpness: this.#places.get("placeSharpness")!.map(shiftOf),
      },
      unlike: ratio > UNLIKE ? { since: this.#learntFrom, change: ratio } : undefined,
    });
  }

  status(): SignalStatus[] {
    return [...this.#signals].map(([signal, { learned, since, state }]) => ({
      signal,
      baseline: learned ? state.mean : null,
      now: state.blocks === 0 ? null : state.last,
      since: since ?? null,
    }));
  }

  state(): LaneDriftState {
    const signals = Object.fromEntries([...this.#signals].map(([signal, { state }]) => [signal, state]));
    const places = Object.fromEntries(
      [...this.#places].map(([signal, list]) => [signal, list.map(({ state }) => state)]),
    );
    return {
      signals,
      places,
      hours: this.#hours,
      days: this.#days,
      gallery: this.#gallery,
      learntFrom: this.#learntFrom,
    };
  }

  #closeBlock(): boolean {
    const before = this.#shifted();
    for (const [signal, detector] of this.#signals) close(detector, this.#blocks.get(signal)!, this.#blockAt);
    for (const [signal, detectors] of this.#places) {
      const blocks = this.#placeBlocks.get(signal)!;
      for (const [place, detector] of detectors.entries()) close(detector, blocks[place]!, this.#blockAt);
    }
    return this.#shifted() !== before;
  }

  /** Which signals have shifted, or are learnt, as one word. */
  #shifted(): string {
    const all = [...this.#signals.values(), ...[...this.#places.values()].flat()];
    return all.map(({ since, learned }) => (since !== undefined ? "x" : learned ? "-" : ".")).join("");
  }

  #summarise(list: Summary[], { exposedAt, values }: ItemSignals, lengthUs: number, most: number): void {
    const from = Math.floor(exposedAt / lengthUs) * lengthUs;
    let last = list.at(-1);
    if (last === undefined || last.from !== from) {
      last = { from, items: 0, means: {} };
      list.push(last);
      if (list.length > most) list.shift();
    }
    last.items++;
    for (const signal of SIGNAL_NAMES) {
      const value = values[signal];
      if (value === undefined) continue;
      const mean = last.means[signal] ?? value;
      last.means[signal] = mean + (value - mean) / last.items;
    }
  }
}

function fresh(): Block {
  return { count: 0, sum: 0, square: 0 };
}

function take(block: Block, value: number | undefined): void {
  if (value === undefined || !Number.isFinite(value)) return;
  block.count++;
  block.sum += value;
  block.square += value * value;
}

function close(detector: ShiftDetector, block: Block, startedAt: number): void {
  const { count, sum, square } = block;
  Object.assign(block, fresh());
  if (count === 0) return;
  const mean = sum / count;
  const variance = count < 2 ? 0 : Math.max(0, (square - count * mean * mean) / (count - 1));
  detector.add(mean, Math.sqrt(variance / count), startedAt);
}

function shiftOf({ since, change }: ShiftDetector): Shift | undefined {
  return since === undefined ? undefined : { since, change };
}
