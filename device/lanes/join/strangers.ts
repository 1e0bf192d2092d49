import type { ItemPassed } from "../../vision/follower.ts";
import type { Triggers } from "./triggers.ts";

/** Fruit of a camera whose views are counted. */
const KEPT = 24;
const EVERY = 8;
/** Two cameras see the same cups where they differ in fewer of them, and not where they differ in more. */
const SAME = 0.1;
const OTHER = 0.2;
/**
 * Share of fruit that are in some of their cup's windows only. Upside down, a cup is another one in each of them, and
 * holds a fruit where no other camera sees one.
 */
const PARTIAL = 0.15;
const WHOLE = 0.05;
const FILLED = 0.04;

interface Watched {
  readonly partial: boolean[];
  fresh: number;
  finding: "stranger" | "turned" | undefined;
}

/**
 * Finds a camera that does not see the cups of its lane by which of them hold a fruit: one that sees another lane, or
 * hangs upside down. Where every cup is full nothing tells it.
 */
export class Strangers {
  readonly #triggers: Triggers;
  readonly #windows: readonly number[];
  readonly #cameras: Watched[];

  /** @param windows cups that each camera's region shows */
  constructor(triggers: Triggers, windows: readonly number[]) {
    this.#triggers = triggers;
    this.#windows = windows;
    this.#cameras = windows.map(() => ({ partial: [], fresh: 0, finding: undefined }));
  }

  /** Why what it sees does not count; undefined where it does. */
  finding(camera: number): Watched["finding"] {
    return this.#cameras[camera]!.finding;
  }

  passed(camera: number, { presence, views }: ItemPassed): void {
    const watched = this.#cameras[camera]!;
    // Empty cups alone, as when the line runs out, say nothing new.
    if (presence !== "fruit") return;
    watched.partial.push(views < this.#windows[camera]!);
    if (watched.partial.length > KEPT) watched.partial.shift();
    if (++watched.fresh < EVERY) return;
    watched.fresh = 0;
    this.#look();
  }

  #look(): void {
    const share = (a: number, b: number) => (a === b ? undefined : this.#triggers.differing(a, b));
    const cameras = [...this.#cameras.keys()];
    const partial = cameras.map((camera) => this.#partial(camera));
    const turned = cameras.filter(
      (camera) =>
        partial[camera]! > PARTIAL &&
        cameras.some((other) => partial[other]! <= WHOLE && (share(camera, other) ?? 0) > FILLED),
    );
    const rest = cameras.filter((camera) => !turned.includes(camera));
    const same = rest.filter((camera) => rest.some((other) => (share(camera, other) ?? 1) < SAME));
    const other = rest.filter((camera) => rest.some((each) => (share(camera, each) ?? 0) > OTHER));
    const lonely = other.filter((camera) => !same.includes(camera));
    // Where no two agree one of them has to be right.
    if (same.length === 0) lonely.shift();
    for (const camera of cameras) {
      const watched = this.#cameras[camera]!;
      if (turned.includes(camera)) watched.finding = "turned";
      else watched.finding = lonely.includes(camera) ? "stranger" : undefined;
    }
  }

  #partial(camera: number): number {
    const { partial } = this.#cameras[camera]!;
    return partial.length < KEPT ? WHOLE : partial.filter(Boolean).length / partial.length;
  }
}
