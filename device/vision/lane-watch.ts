import type { LaneConfig } from "../config/schema.ts";
import type { Micros } from "../base/time.ts";
import type { Sight } from "./light.ts";
import { type SceneReport, type SceneTrouble, Troubles } from "./trouble.ts";

/** So long must a trouble be seen before it is told: a flash is none. */
const SOON_US = 300_000;
const LATER_US = 1_000_000;
/** And so long not be seen before it is over. */
const HOLD_US = 3_000_000;
/** Frame to frame, rows of a flickering lamp change by this share of the brightness. */
const FLICKER = 0.1;
/** Fruit may be so many times as fast as configured, or as slow, before it is told. */
const FASTER = 1.25;
const SLOWER = 0.8;
/** Shadows and misfits pass singly now and then: so many within a hold of each other are told. */
const SEVERAL = 3;

/** What the follower of one lane has to say about how it sees. */
export class LaneWatch implements SceneReport {
  blindUs = 0;
  shadows = 0;
  readonly #lane: LaneConfig;
  readonly #troubles = new Troubles();
  #misfits = 0;
  #misfitMm = 0;
  #misfitAt: Micros = 0;
  #shadowsInRow = 0;
  #shadowAt: Micros = 0;

  constructor(lane: LaneConfig) {
    this.#lane = lane;
  }

  get troubles(): readonly SceneTrouble[] {
    return this.#troubles.list;
  }

  /** A frame was looked at. @param elapsedUs since the one before; @param stripes see `Light` */
  look(at: Micros, elapsedUs: number, sight: Sight, stripes: number): void {
    if (sight !== "clear") this.blindUs += elapsedUs;
    this.#set("dark", sight === "dark", at, SOON_US, "the picture is dark, no fruit can be seen: check the lamp");
    this.#set(
      "covered",
      sight === "covered",
      at,
      SOON_US,
      "hardly any belt is in view: check whether something covers the lens, steam, or too long an exposure",
    );
    this.#set(
      "flicker",
      stripes > FLICKER,
      at,
      LATER_US,
      `the light flickers within a frame by ${Math.round(stripes * 100)} %: make the exposure a multiple of half the mains period (10 ms at 50 Hz, 8.33 ms at 60 Hz), or use a lamp that does not flicker`,
    );
    const quiet = at - this.#misfitAt > HOLD_US || this.#misfits < SEVERAL;
    this.#set(
      "size",
      !quiet,
      at,
      0,
      `what passes is no fruit by its size: about ${this.#misfitMm.toFixed(0)} mm, fruitMm allows ${this.#lane.fruitMm.min} to ${this.#lane.fruitMm.max}; check fruitMm and mmPerPx`,
    );
    const sunny = at - this.#shadowAt > HOLD_US || this.#shadowsInRow < SEVERAL;
    this.#set(
      "shadows",
      !sunny,
      at,
      0,
      `things of a fruit's size pass that differ from the belt in brightness alone and count as shadows, ${this.shadows} so far: if they are fruit, use another belt colour or light`,
    );
  }

  /** The belt's speed was measured, as a share of the configured one; negative against its direction. */
  speed(at: Micros, share: number): void {
    this.#set(
      "backwards",
      share < -0.1,
      at,
      SOON_US,
      `fruit move against the configured direction (${this.#lane.direction}): the belt is reversed, or the picture is upside down or mirrored; check direction`,
    );
    if (share < 0.1) return;
    const other = share > FASTER || share < SLOWER;
    const configured = this.#lane.conveyor.speedMmPerS;
    this.#set(
      "speed",
      other,
      at,
      LATER_US,
      `fruit move at ${Math.round(share * configured)} mm/s, configured are ${configured}: check speedMmPerS and mmPerPx`,
    );
  }

  /** A thing outside of the range of sizes has passed; a fruit ends the row of them. */
  passed(at: Micros, fits: boolean, mm = 0): void {
    this.#misfits = fits ? 0 : this.#misfits + 1;
    this.#misfitMm = mm;
    this.#misfitAt = at;
  }

  shadow(at: Micros): void {
    this.shadows++;
    this.#shadowsInRow = at - this.#shadowAt > HOLD_US ? 1 : this.#shadowsInRow + 1;
    this.#shadowAt = at;
  }

  #set(kind: SceneTrouble["kind"], on: boolean, at: Micros, afterUs: number, text: string): void {
    if (on) this.#troubles.found(kind, at, afterUs, text);
    else this.#troubles.gone(kind, at, HOLD_US);
  }
}
