import type { Micros } from "../base/time.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { Sight } from "./light.ts";
import { type SceneReport, type SceneTrouble, Troubles } from "./trouble.ts";

/** How long a problem must last before it is reported: a flash is not one. */
const SOON_US = 300_000;
const LATER_US = 1_000_000;
/** And so long not be seen before it is over. */
const HOLD_US = 3_000_000;
/** Frame to frame, rows of a flickering lamp change by this share of the brightness. */
const FLICKER = 0.15;
/** Factor between the measured and the configured speed, either way, beyond which it is reported. */
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

  /** A frame was looked at. @param elapsedUs since the one before; @param flicker see `Light` */
  look(at: Micros, elapsedUs: number, sight: Sight, flicker: number): void {
    if (sight !== "clear") this.blindUs += elapsedUs;
    this.#set("dark", sight === "dark", at, SOON_US, "the picture is dark: no fruit can be seen", "check the lamp");
    this.#set(
      "blind",
      sight === "covered",
      at,
      SOON_US,
      "hardly any belt is to be seen: fruit may pass without a verdict",
      "check whether steam or something else covers the lens, and the exposure",
    );
    this.#set(
      "flicker",
      flicker > FLICKER,
      at,
      LATER_US,
      `the light flickers within a frame, by ${Math.round(flicker * 100)} % from row to row`,
      "make the exposure a multiple of half the mains period (10 ms at 50 Hz, 8.33 ms at 60 Hz), or use lamps that do not flicker",
    );
    const { min, max } = this.#lane.fruitMm;
    this.#set(
      "fruit-size",
      this.#misfits >= SEVERAL && at - this.#misfitAt < HOLD_US,
      at,
      0,
      `what passes has no fruit's size: ${this.#misfitMm.toFixed(0)} mm, where fruitMm allows ${min} to ${max}`,
      "check fruitMm and mmPerPx",
    );
    this.#set(
      "shadows",
      this.#shadowsInRow >= SEVERAL && at - this.#shadowAt < HOLD_US,
      at,
      0,
      `things of a fruit's size pass and count as shadows, ${this.shadows} so far: they differ from the belt in brightness alone`,
      "if they are fruit, use a belt of another colour or brightness",
    );
  }

  /** The belt's speed was measured, as a share of the configured one; negative against its direction. */
  speed(at: Micros, share: number): void {
    const { direction, conveyor } = this.#lane;
    this.#set(
      "belt-direction",
      share < -0.1,
      at,
      SOON_US,
      `fruit move against the configured direction (${direction})`,
      "the belt is reversed, or the picture upside down or mirrored: set direction to the way that fruit move in the picture",
    );
    if (share < 0.1) {
      // What stands, or runs back, has no speed to compare.
      this.#troubles.gone("belt-speed", at, HOLD_US);
      return;
    }
    this.#set(
      "belt-speed",
      share > FASTER || share < SLOWER,
      at,
      LATER_US,
      `fruit move at ${Math.round(share * conveyor.speedMmPerS)} mm/s, configured are ${conveyor.speedMmPerS}`,
      "check speedMmPerS and mmPerPx",
    );
  }

  /** A thing outside of the range of sizes has passed; a fruit ends the row of them. */
  passed(at: Micros, fits: boolean, mm = 0): void {
    this.#misfits = fits ? 0 : this.#misfits + 1;
    this.#misfitMm = mm;
    this.#misfitAt = at;
  }

  /** So many things of a fruit's size have passed and counted as shadow. */
  shadow(at: Micros, count = 1): void {
    this.shadows += count;
    this.#shadowsInRow = (at - this.#shadowAt > HOLD_US ? 0 : this.#shadowsInRow) + count;
    this.#shadowAt = at;
  }

  #set(kind: SceneTrouble["kind"], on: boolean, at: Micros, afterUs: number, message: string, hint: string): void {
    if (on) this.#troubles.found(kind, at, afterUs, message, hint);
    else this.#troubles.gone(kind, at, HOLD_US);
  }
}
