import type { LineConfig } from "../config/schema.ts";
import { attitude, contactMm, outline } from "./body.ts";
import { type LineGeometry, lineGeometry, timeAt, travelledMm } from "./geometry.ts";
import { drawFruit, type Fruit, varietyNames } from "./items.ts";
import { Random } from "./random.ts";
import { listSequences, type SequenceFolder } from "./sequences.ts";

/** What passes on one lane, known by construction. Times are world seconds: 0 is the line's start. */
export interface TruthItem {
  /** Unique over the line: `LANE-INDEX`. */
  readonly id: string;
  readonly lane: number;
  /** Counts this lane's fruit, on cups its cups, from 0. */
  readonly index: number;
  /** `unknown` for what belongs to no enrolled grade; null for an empty cup. */
  readonly grade: string | null;
  /** Variety, stranger or folder of the real sequence; `empty` for an empty cup. */
  readonly kind: string;
  /** Kind of its faults; null where it has none, or where the fruit is a real sequence. */
  readonly fault: string | null;
  /** Across the stem axis; 0 for an empty cup. */
  readonly diameterMm: number;
  /** Along the stem axis. */
  readonly heightMm: number;
  /** Number of the cup, the frame counter when it stood in the first window; null on a belt. */
  readonly cup: number | null;
  /** Its leading edge reaches the frame's entry edge. */
  readonly enterAtS: number;
  /** Its trailing edge leaves the frame. */
  readonly exitAtS: number;
  /** Its centre reaches the gate, `gateMm` behind the frame's exit edge. */
  readonly gateAtS: number;
}

/** Where a fruit is. */
export interface Placed {
  readonly index: number;
  readonly fruit: Fruit;
  /** Centre behind the entry edge at world time 0. */
  readonly offsetMm: number;
}

/** Fruit that touch come in runs of at most this many, so that the place of any fruit is known without all before it. */
const RUN = 8;
/** Shadows and rounding reach beyond a body by at most this. */
const MARGIN_MM = 70;
/** Radius kept free around an empty cup's centre for its times. */
const CUP_MM = 40;

/**
 * The simulated line as a function of its configuration: which fruit there are, where each is at a time, which frames
 * are exposed when. It holds no state but a small cache; any moment can be asked for in any order.
 */
export class LineWorld {
  readonly config: LineConfig;
  readonly geometry: LineGeometry;
  readonly folder: SequenceFolder | undefined;
  readonly #cache = new Map<string, Placed | undefined>();

  /**
   * @throws {GradelineError} CONFIG when the line cannot be, SOURCE_EMPTY or SOURCE when its folder of fruit cannot be used
   */
  constructor(config: LineConfig) {
    this.config = config;
    this.geometry = lineGeometry(config);
    varietyNames(config);
    this.folder = config.fruit === undefined ? undefined : listSequences(config.fruit, config.individuals);
  }

  /** Exposure of frame k, world seconds. */
  frameAtS(k: number): number {
    return k / this.geometry.fps + this.#phaseS;
  }

  get #phaseS(): number {
    const { conveyor, seenFrom } = this.config;
    return conveyor === "belt" ? seenFrom.phaseMs / 1000 : 0;
  }

  /** How far a body at `offsetMm` is from the frame's entry edge. */
  alongMm(offsetMm: number, timeS: number): number {
    return travelledMm(this.config, timeS) - offsetMm - this.config.seenFrom.offsetMm;
  }

  /** Fruit or cups of one lane; Infinity where the line has no end. */
  get count(): number {
    return this.config.items === undefined ? Number.POSITIVE_INFINITY : this.config.items + this.geometry.leadCups;
  }

  /** Frames until the last item of every lane has left the frame; Infinity where the line has no end. */
  get frames(): number {
    if (this.count === Number.POSITIVE_INFINITY) return this.count;
    let last = 0;
    for (let lane = 0; lane < this.config.lanes; lane++) {
      // A run may end ahead of its place, so the last few decide.
      for (let index = Math.max(0, this.count - RUN); index < this.count; index++) {
        last = Math.max(last, this.truth(lane, index).exitAtS);
      }
    }
    return Math.ceil((last - this.#phaseS) * this.geometry.fps) + 1;
  }

  /** The fruit `index` of a lane and its place; undefined for an empty cup. */
  placed(lane: number, index: number): Placed | undefined {
    const key = `${lane}-${index}`;
    if (this.#cache.has(key)) return this.#cache.get(key);
    const fruit = drawFruit(this.config, this.geometry, this.folder, lane, index);
    const item = fruit === undefined ? undefined : { index, fruit, offsetMm: this.#offsetMm(lane, index, fruit) };
    this.#cache.set(key, item);
    if (this.#cache.size > 256) this.#cache.delete(this.#cache.keys().next().value!);
    return item;
  }

  truth(lane: number, index: number): TruthItem {
    const { config, geometry } = this;
    const item = this.placed(lane, index);
    const fruit = item?.fruit;
    const offsetMm = item?.offsetMm ?? this.#slotMm(lane, index);
    const fromMm = config.seenFrom.offsetMm;
    const reachMm = fruit === undefined ? CUP_MM : Math.max(fruit.radiusMm, fruit.halfHeightMm);
    return {
      id: `${lane}-${index}`,
      lane,
      index,
      grade: fruit?.grade ?? null,
      kind: fruit?.kind ?? "empty",
      fault: fruit?.faults[0]?.name ?? null,
      diameterMm: 2 * (fruit?.radiusMm ?? 0),
      heightMm: 2 * (fruit?.halfHeightMm ?? 0),
      cup: config.conveyor === "cups" ? index : null,
      enterAtS: timeAt(config, offsetMm, fromMm - reachMm),
      exitAtS: timeAt(config, offsetMm, fromMm + geometry.widthMm + reachMm),
      gateAtS: timeAt(config, offsetMm, fromMm + geometry.widthMm + config.gateMm),
    };
  }

  /** Fruit of a lane that touch the frame, with their shadows, at a world time; `aheadMm` more of what comes next. */
  inView(lane: number, timeS: number, aheadMm = 0): Placed[] {
    const { config, geometry } = this;
    const entryMm = this.alongMm(0, timeS);
    const nearest = entryMm - geometry.widthMm - MARGIN_MM;
    const farthest = entryMm + MARGIN_MM + aheadMm;
    const first = Math.max(0, Math.floor((nearest - this.#slotMm(lane, 0)) / config.spacingMm) - 1);
    const end = Math.min(this.count, Math.ceil((farthest - this.#slotMm(lane, 0)) / config.spacingMm) + RUN + 1);
    const found: Placed[] = [];
    for (let index = first; index < end; index++) {
      const item = this.placed(lane, index);
      if (item !== undefined && item.offsetMm > nearest && item.offsetMm < farthest) found.push(item);
    }
    return found;
  }

  /** Centre of the place `index` behind the entry edge at time 0, before jitter. */
  #slotMm(lane: number, index: number): number {
    const { config, geometry } = this;
    if (config.conveyor === "cups") return index * config.spacingMm - geometry.firstWindowMm;
    // A second of empty belt first, so that what follows the line sees it empty.
    const phase = new Random(config.seed, lane, 0x7068).unit();
    return config.speedMmPerS + MARGIN_MM + (index + phase) * config.spacingMm;
  }

  #offsetMm(lane: number, index: number, fruit: Fruit): number {
    const { config } = this;
    const random = new Random(config.seed, lane, index, 0x706f73);
    const slot = this.#slotMm(lane, index);
    if (config.conveyor === "cups") return slot + random.range(-2, 2);
    const touches = random.unit() < config.touching && index % RUN !== 0;
    const ahead = touches ? this.placed(lane, index - 1) : undefined;
    if (ahead !== undefined) return ahead.offsetMm + this.#touchMm(ahead, fruit);
    const play = Math.max(0, (config.spacingMm - 96) / 2);
    return slot + random.range(-play, play);
  }

  /** Distance of two centres at which the outlines touch somewhere on the way through the frame and never overlap. */
  #touchMm(ahead: Placed, fruit: Fruit): number {
    const first = ahead.fruit;
    const half = this.geometry.widthMm / 2;
    const roughMm = first.radiusMm + fruit.radiusMm;
    let needed = 0;
    for (let travel = -half - roughMm; travel < half + roughMm; travel += 6) {
      const a = outline(attitude(first.roll, travel + roughMm), first.radiusMm, first.halfHeightMm);
      const b = outline(attitude(fruit.roll, travel), fruit.radiusMm, fruit.halfHeightMm);
      // The one ahead lies to the right: the first outline is the follower's.
      needed = Math.max(needed, contactMm(b, a, first.lateralMm - fruit.lateralMm));
    }
    return needed;
  }
}

export interface TruthUntil {
  /** At most this many. */
  readonly count?: number;
  /** Only what enters the frame before this world time, seconds. */
  readonly untilS?: number;
}

/**
 * What passes on one lane, in order, without asking a source: fruit on a belt; on cups every cup, empty ones too,
 * beginning with the lead-in of empty cups. Cups behind `items` are empty and not listed.
 *
 * @param lane 0 is the upper band
 * @throws {GradelineError} CONFIG, SOURCE or SOURCE_EMPTY as the line itself
 */
export function* lineTruth(config: LineConfig, lane: number, until: TruthUntil = {}): Generator<TruthItem> {
  const world = new LineWorld(config);
  const count = Math.min(world.count, until.count ?? Number.POSITIVE_INFINITY);
  const untilS = until.untilS ?? Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const item = world.truth(lane, index);
    if (item.enterAtS >= untilS) return;
    yield item;
  }
}
