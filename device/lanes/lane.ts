import type { LaneConfig } from "../config/schema.ts";
import type { DecidedItem, Judge } from "../recipes/decided-item.ts";
import type { ItemPassed, Sighting, ViewSeen } from "../vision/follower.ts";
import { decide, ItemViews } from "./item-views.ts";
import { sidesOf } from "./join/surface.ts";

/** Items of one lane that may be open at once; the follower's own tracks are bounded far below. */
const MAX_OPEN = 256;

/** Where along the lane a single camera stands changes nothing. */
const ANYWHERE = { entryMm: 0, exitMm: 0 };

/** An item that is in view or waits for its last embeddings. */
interface OpenItem {
  readonly views: ItemViews;
  passed: ItemPassed | undefined;
  decided: boolean;
}

export interface LaneParts {
  /** Part of every item's name: differs for each start of the daemon. */
  readonly run: string;
  /** Judges an item that comes into view now. */
  judge(): Judge;
  /** The lot of an item that comes into view now. */
  lot?(): string | undefined;
  /** Must not wait for anything: the frame that the item passed with is finished then. */
  decided(item: DecidedItem): void;
  /** A view could not be embedded; the item goes on without it. */
  embedFailed(error: unknown): void;
}

/** One row of fruit: gathers the embeddings of each item's views and decides when it has passed. */
export class Lane {
  readonly config: LaneConfig;
  readonly #parts: LaneParts;
  readonly #open = new Map<number, OpenItem>();
  /** Counts lives of the follower, in which item numbers begin anew. */
  #life = 0;

  constructor(config: LaneConfig, parts: LaneParts) {
    this.config = config;
    this.#parts = parts;
  }

  /** The follower begins anew; what it left open cannot be completed by it any more. */
  restart(): void {
    this.#life++;
    for (const { views } of this.#open.values()) views.judge.done();
    this.#open.clear();
  }

  get openItems(): number {
    return this.#open.size;
  }

  /**
   * Takes what the follower saw in one frame; resolves when every view of it is embedded and every item that passed
   * with it is decided.
   */
  async see(sightings: readonly Sighting[]): Promise<void> {
    const works: Promise<void>[] = [];
    // The last view of a fruit that passes is what its verdict waits for; those of the others have a frame's time.
    const passing = new Set<number>();
    for (const sighting of sightings) if (sighting.kind === "item") passing.add(sighting.item);
    for (const sighting of sightings) {
      if (sighting.kind === "view") works.push(this.#view(sighting, passing.has(sighting.item)));
      else works.push(this.#passed(sighting));
    }
    await Promise.all(works);
  }

  async #view(view: ViewSeen, urgent: boolean): Promise<void> {
    const item = this.#itemOf(view.item);
    const life = this.#life;
    const last = await item.views.add(view, urgent, (error) => this.#parts.embedFailed(error));
    if (last && item.passed !== undefined && item.views.waiting === 0) {
      await this.#decide(view.item, item, item.passed, life);
    }
  }

  async #passed(passed: ItemPassed): Promise<void> {
    const item = this.#itemOf(passed.item);
    item.passed = passed;
    if (item.views.waiting === 0) await this.#decide(passed.item, item, passed, this.#life);
  }

  #itemOf(number: number): OpenItem {
    let item = this.#open.get(number);
    if (item === undefined) {
      if (this.#open.size >= MAX_OPEN) this.#forget(this.#open.keys().next().value!);
      item = { views: new ItemViews(this.#parts.judge(), this.#parts.lot?.()), passed: undefined, decided: false };
      this.#open.set(number, item);
    }
    return item;
  }

  #forget(number: number): void {
    this.#open.get(number)?.views.judge.done();
    this.#open.delete(number);
  }

  async #decide(number: number, item: OpenItem, passed: ItemPassed, life: number): Promise<void> {
    if (item.decided) return;
    item.decided = true;
    const decided = decide(this.config, item.views, passed);
    const sides = this.#sidesOf(item.views, passed);
    if (life === this.#life && this.#open.get(number) === item) this.#forget(number);
    this.#parts.decided({ ...decided, sides, id: `${this.config.id}-${this.#parts.run}-${life}-${number}` });
  }

  #sidesOf({ boxes }: ItemViews, { sizeMm }: ItemPassed): number | undefined {
    const views = boxes.map((box) => ({ camera: 0, box }));
    return views.length === 0 ? undefined : sidesOf(this.config, [ANYWHERE], views, sizeMm);
  }
}
