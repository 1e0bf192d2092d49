import type { Micros } from "../base/time.ts";

/** What keeps a lane's or a camera's pictures from showing every fruit, or shows that the line is not as configured. */
export type TroubleKind =
  /** Too dark to see the belt: the lamp is off. */
  | "dark"
  /** Hardly any belt in view: covered, steamed up, overexposed. */
  | "blind"
  /** Rows of one frame differ in brightness: the lamp flickers faster than the exposure. */
  | "flicker"
  /** Things of a fruit's size pass and count as shadow. */
  | "shadows"
  /** Fruit move against the configured direction. */
  | "belt-direction"
  /** Fruit move at another speed than configured. */
  | "belt-speed"
  /** Things pass, none of them within `fruitMm`. */
  | "fruit-size"
  /** The camera repeats one picture. */
  | "frozen"
  /** A large part of the picture is one plain colour: its data never arrived. */
  | "torn"
  /** Frames have another size than at the start. */
  | "frame-size"
  /** The camera's times go back. */
  | "frame-times"
  /** Frames come at another rate than before. */
  | "frame-rate";

export interface SceneTrouble {
  readonly kind: TroubleKind;
  /** Exposure of the frame in which it began. */
  readonly since: Micros;
  /** What was found. */
  readonly message: string;
  /** What to do. */
  readonly hint: string;
}

/** How well a lane or a camera sees, up to the last frame. */
export interface SceneReport {
  /** The longest standing first. */
  readonly troubles: readonly SceneTrouble[];
  /** Microseconds since the start in which nothing could be seen. */
  readonly blindUs: number;
  /** Things of a fruit's size that passed and counted as shadow. */
  readonly shadows: number;
}

interface Watched {
  since: Micros;
  lastAt: Micros;
  told: boolean;
  message: string;
  hint: string;
}

/** Keeps troubles from coming and going with every frame: each is told when it has stood for a while, and held a while. */
export class Troubles {
  readonly #seen = new Map<TroubleKind, Watched>();
  #list: readonly SceneTrouble[] = [];

  /** A new list with each trouble that comes or goes. */
  get list(): readonly SceneTrouble[] {
    return this.#list;
  }

  /**
   * A frame shows the trouble.
   *
   * @param afterUs it must have been seen for so long before it is told
   */
  found(kind: TroubleKind, at: Micros, afterUs: number, message: string, hint: string): void {
    let watched = this.#seen.get(kind);
    if (watched === undefined) {
      watched = { since: at, lastAt: at, told: false, message, hint };
      this.#seen.set(kind, watched);
    }
    watched.lastAt = at;
    if (watched.told || at - watched.since < afterUs) return;
    watched.told = true;
    watched.message = message;
    watched.hint = hint;
    this.#tell();
  }

  /** A frame does not show it. @param holdUs it goes when it was not seen for so long; one not yet told goes at once */
  gone(kind: TroubleKind, at: Micros, holdUs: number): void {
    const watched = this.#seen.get(kind);
    if (watched === undefined) return;
    const away = at - watched.lastAt;
    // Times that go back must not keep it for ever.
    if (watched.told && away >= 0 && away < holdUs) return;
    this.#seen.delete(kind);
    if (watched.told) this.#tell();
  }

  #tell(): void {
    const told = [...this.#seen].filter(([, { told }]) => told);
    this.#list = told
      .map(([kind, { since, message, hint }]) => ({ kind, since, message, hint }))
      .sort((a, b) => a.since - b.since);
  }
}
