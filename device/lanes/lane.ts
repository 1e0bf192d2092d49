import { type Micros, nowMicros } from "../base/time.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { Decision } from "../grade/verdict.ts";
import type { DecidedItem, Judge } from "../recipes/decided-item.ts";
import type { Box, ItemPassed, Sighting, ViewSeen } from "../vision/follower.ts";

/** Views of one item beyond this are not embedded: a belt that stands still must not grow an item without end. */
const MAX_VIEWS = 128;
/** Items of one lane that may be open at once; the follower's own tracks are bounded far below. */
const MAX_OPEN = 256;

/** An item that is in view or waits for its last embeddings. */
interface OpenItem {
  readonly judge: Judge;
  /** Row-major (capacity, D); grows by doubling. */
  embeddings: Float32Array;
  readonly crops: Uint8Array[];
  readonly boxes: Box[];
  embedded: number;
  waiting: number;
  failed: number;
  lastViewAt: Micros;
  lastEmbeddedAt: Micros;
  passed: ItemPassed | undefined;
}

export interface LaneParts {
  /** Part of every item's name: differs for each start of the daemon. */
  readonly run: string;
  /** Who decides an item that comes into view now. */
  judge(): Judge;
  decided(item: DecidedItem): Promise<void>;
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
    for (const { judge } of this.#open.values()) judge.done();
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
    if (item.embedded + item.waiting >= MAX_VIEWS) return;
    const life = this.#life;
    item.waiting++;
    item.lastViewAt = nowMicros();
    item.crops.push(view.crop);
    item.boxes.push(view.box);
    try {
      const embedding = await item.judge.embed(view.crop, urgent);
      this.#keep(item, embedding);
    } catch (error) {
      item.failed++;
      this.#parts.embedFailed(error);
    }
    item.waiting--;
    item.lastEmbeddedAt = nowMicros();
    if (item.passed !== undefined && item.waiting === 0) await this.#decide(view.item, item, item.passed, life);
  }

  async #passed(passed: ItemPassed): Promise<void> {
    const item = this.#itemOf(passed.item);
    item.passed = passed;
    if (item.waiting === 0) await this.#decide(passed.item, item, passed, this.#life);
  }

  #itemOf(number: number): OpenItem {
    let item = this.#open.get(number);
    if (item === undefined) {
      if (this.#open.size >= MAX_OPEN) this.#forget(this.#open.keys().next().value!);
      const judge = this.#parts.judge();
      judge.begun();
      item = {
        judge,
        embeddings: new Float32Array(16 * judge.dimension),
        crops: [],
        boxes: [],
        embedded: 0,
        waiting: 0,
        failed: 0,
        lastViewAt: 0,
        lastEmbeddedAt: 0,
        passed: undefined,
      };
      this.#open.set(number, item);
    }
    return item;
  }

  #forget(number: number): void {
    this.#open.get(number)?.judge.done();
    this.#open.delete(number);
  }

  #keep(item: OpenItem, embedding: Float32Array): void {
    const { dimension } = item.judge;
    if ((item.embedded + 1) * dimension > item.embeddings.length) {
      const grown = new Float32Array(item.embeddings.length * 2);
      grown.set(item.embeddings);
      item.embeddings = grown;
    }
    item.embeddings.set(embedding, item.embedded * dimension);
    item.embedded++;
  }

  async #decide(number: number, item: OpenItem, passed: ItemPassed, life: number): Promise<void> {
    const { judge } = item;
    const startedAt = nowMicros();
    // In one go: what it is decided by cannot change between the two.
    const { by } = judge;
    const decision = this.#decisionFor(item, passed);
    if (life === this.#life && this.#open.get(number) === item) this.#forget(number);
    const decidedAt = nowMicros();
    const lastViewAt = item.lastViewAt === 0 ? startedAt : item.lastViewAt;
    await this.#parts.decided({
      lane: this.config,
      id: `${this.config.id}-${this.#parts.run}-${life}-${number}`,
      decision,
      by,
      passed,
      embeddings: item.embeddings.subarray(0, item.embedded * judge.dimension),
      embedded: item.embedded,
      crops: item.crops,
      boxes: item.boxes,
      decidedAt,
      ms: {
        vision: millis(passed.exposedAt, lastViewAt),
        embed: item.embedded === 0 ? 0 : millis(lastViewAt, item.lastEmbeddedAt),
        grade: millis(startedAt, decidedAt),
      },
    });
  }

  #decisionFor(item: OpenItem, passed: ItemPassed): Decision {
    if (passed.presence === "empty") return { outcome: "empty", grade: null, margin: null, grades: [] };
    if (item.embedded === 0) return { outcome: "no-image", grade: null, margin: null, grades: [] };
    return item.judge.grade(item.embeddings, item.embedded);
  }
}

function millis(from: Micros, to: Micros): number {
  return Math.max(0, Math.round(to - from) / 1000);
}
