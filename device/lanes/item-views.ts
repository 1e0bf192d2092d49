import { type Micros, nowMicros } from "../base/time.ts";
import type { LaneConfig } from "../config/schema.ts";
import type { Decision } from "../grade/verdict.ts";
import type { DecidedItem, Judge } from "../recipes/decided-item.ts";
import type { Box, ItemPassed, ViewSeen } from "../vision/follower.ts";

/** Views of one item beyond this are not embedded: a belt that stands still must not grow an item without end. */
const MAX_VIEWS = 128;

/** The views of an item that is in view, and their embeddings as they come. */
export class ItemViews {
  readonly judge: Judge;
  /** Lot that was on when the item came into view. */
  readonly lot: string | undefined;
  /** Row-major (capacity, D); grows by doubling. */
  embeddings: Float32Array;
  readonly crops: Uint8Array[] = [];
  readonly boxes: Box[] = [];
  embedded = 0;
  waiting = 0;
  lastViewAt: Micros = 0;
  lastEmbeddedAt: Micros = 0;

  constructor(judge: Judge, lot?: string) {
    this.judge = judge;
    this.lot = lot;
    this.embeddings = new Float32Array(16 * judge.dimension);
    judge.begun();
  }

  /**
   * Takes a view; resolves when it is embedded, or when it is known that it cannot be.
   *
   * @param urgent a verdict waits for it
   * @param failed told why a view could not be embedded; the item goes on without it
   * @returns whether it was the last that was with the model
   */
  async add({ crop, box }: ViewSeen, urgent: boolean, failed: (error: unknown) => void): Promise<boolean> {
    if (this.embedded + this.waiting >= MAX_VIEWS) return false;
    this.waiting++;
    this.lastViewAt = nowMicros();
    this.crops.push(crop);
    this.boxes.push(box);
    try {
      this.#keep(await this.judge.embed(crop, urgent));
    } catch (error) {
      failed(error);
    }
    this.waiting--;
    this.lastEmbeddedAt = nowMicros();
    return this.waiting === 0;
  }

  /** Takes over what another camera's views of the same item have given so far. */
  take(other: ItemViews): void {
    const { dimension } = this.judge;
    for (let i = 0; i < other.embedded; i++) {
      this.#keep(other.embeddings.subarray(i * dimension, (i + 1) * dimension));
    }
    this.crops.push(...other.crops);
    this.boxes.push(...other.boxes);
    this.lastViewAt = Math.max(this.lastViewAt, other.lastViewAt);
    this.lastEmbeddedAt = Math.max(this.lastEmbeddedAt, other.lastEmbeddedAt);
  }

  #keep(embedding: Float32Array): void {
    const { dimension } = this.judge;
    if ((this.embedded + 1) * dimension > this.embeddings.length) {
      const grown = new Float32Array(this.embeddings.length * 2);
      grown.set(this.embeddings);
      this.embeddings = grown;
    }
    this.embeddings.set(embedding, this.embedded * dimension);
    this.embedded++;
  }
}

/** What is decided of an item once its last view is embedded: everything but its name. */
export function decide(
  lane: LaneConfig,
  views: ItemViews,
  passed: ItemPassed,
  now: () => Micros = nowMicros,
): Omit<DecidedItem, "id"> {
  const { judge, embedded } = views;
  const startedAt = now();
  // In one go: what it is decided by cannot change between the two.
  const { by } = judge;
  const decision = decisionFor(lane, views, passed);
  const decidedAt = now();
  const lastViewAt = views.lastViewAt === 0 ? startedAt : views.lastViewAt;
  return {
    lane,
    decision,
    by,
    passed,
    embeddings: views.embeddings.subarray(0, embedded * judge.dimension),
    embedded,
    crops: views.crops,
    boxes: views.boxes,
    ...(views.lot === undefined ? {} : { lot: views.lot }),
    decidedAt,
    ms: {
      vision: millis(passed.exposedAt, lastViewAt),
      embed: embedded === 0 ? 0 : millis(lastViewAt, views.lastEmbeddedAt),
      grade: millis(startedAt, decidedAt),
    },
  };
}

function decisionFor({ minViews, tooFew }: LaneConfig, views: ItemViews, passed: ItemPassed): Decision {
  if (passed.presence === "empty") return { outcome: "empty", grade: null, margin: null, grades: [] };
  if (passed.presence === "foreign" || (passed.presence === "no-image" && passed.reason !== undefined)) {
    return { outcome: passed.presence, reason: passed.reason, grade: null, margin: null, grades: [] };
  }
  if (views.embedded === 0) return { outcome: "no-image", grade: null, margin: null, grades: [] };
  if (views.embedded < minViews) {
    const reason = `${views.embedded} of the ${minViews} views that \`minViews\` asks for`;
    return { outcome: tooFew, reason, grade: null, margin: null, grades: [] };
  }
  return views.judge.grade(views.embeddings, views.embedded);
}

function millis(from: Micros, to: Micros): number {
  return Math.max(0, Math.round(to - from) / 1000);
}
