import type { EventEmitter } from "node:events";
import { asGradelineError, type GradelineError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import type { Config } from "../config/schema.ts";
import type { Codes } from "../contract/codes.ts";
import type { Verdict } from "../contract/messages.ts";
import type { LaneMetrics, Metrics } from "../contract/metrics.ts";
import type { LaneStats } from "../lanes/counts.ts";
import type { ProductMap } from "../lanes/products.ts";
import { draftVerdict } from "../lanes/verdict.ts";
import type { Journal } from "../publish/journal.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { DecidedItem } from "../recipes/decided-item.ts";
import type { Shadow } from "../recipes/shadow.ts";
import type { Teaching } from "../teach/teaching.ts";
import type { StageTimes } from "./stage-times.ts";

/** An item with everything that was known when it was decided. */
export interface GradedItem {
  readonly verdict: Verdict;
  readonly decided: DecidedItem;
}

export interface StationEvents {
  /** A verdict is durable; those of a lane in the order of their numbers, every one. */
  durable: [Verdict];
  /** The same, with what was known when it was decided, where not too many wait. */
  item: [GradedItem];
  /** The broker has a verdict. */
  acked: [Verdict, Micros];
}

export interface HandOverParts {
  readonly config: Pick<Config, "device" | "lanes">;
  readonly codes: Codes;
  readonly products: ProductMap;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly times: StageTimes;
  readonly events: EventEmitter<StationEvents>;
  readonly stats: ReadonlyMap<string, LaneStats>;
  readonly journal: Pick<Journal, "waiting">;
  publisher(): Pick<Publisher, "take">;
  teaching(): Pick<Teaching, "seen">;
  shadow(): Shadow | undefined;
}

/** Items whose pictures are kept until their verdicts are durable. */
const MAX_SHOWN = 100;

/** Hands every decided item over: to the journal and the broker, the counts, the teaching and who listens. */
export class HandOver {
  readonly #parts: HandOverParts;
  readonly #laneMetrics = new Map<string, LaneMetrics>();
  /** Line time of what was decided in this run, for as long as the verdict is in memory. */
  readonly #times = new WeakMap<Verdict, { readonly exposedAt: Micros; readonly decidedAt: Micros }>();
  #toldLost = false;

  constructor(parts: HandOverParts) {
    this.#parts = parts;
    for (const { id } of parts.config.lanes) this.#laneMetrics.set(id, parts.metrics.lane(id));
  }

  /** The verdict has its number now; the frame is done with it, also where the disk takes nothing. */
  decided(item: DecidedItem): void {
    const { config, codes, products, events, metrics, times, journal } = this.#parts;
    const before = nowMicros();
    const { verdict, durable } = this.#parts.publisher().take(draftVerdict(config.device, codes, item, products));
    this.#parts.stats.get(item.lane.id)!.add(verdict);
    if (item.embeddings.length > 0) {
      times.observe("embed", item.ms.embed);
      times.observe("grade", item.ms.grade);
    }
    this.#laneMetrics.get(item.lane.id)!.verdict(verdict);
    this.#parts.shadow()?.offer(verdict, item);
    this.#parts.teaching().seen({ verdict, decided: item });
    // While the disk takes nothing thousands may wait: their pictures must not wait with them.
    const shown = journal.waiting <= MAX_SHOWN ? { verdict, decided: item } : undefined;
    const { exposedAt } = item.passed;
    this.#times.set(verdict, { exposedAt, decidedAt: item.decidedAt });
    durable.then(
      () => {
        times.observe("journal", (nowMicros() - before) / 1000);
        metrics.published.inc();
        events.emit("durable", verdict);
        if (shown !== undefined) events.emit("item", shown);
      },
      (error: unknown) => this.#lost(verdict, asGradelineError(error, "JOURNAL")),
    );
  }

  /** The broker has the verdict. */
  acked(verdict: Verdict, at: Micros): void {
    const { events, metrics, times } = this.#parts;
    // One that is read from the journal waited for the broker, not for us.
    const decided = this.#times.get(verdict);
    if (decided !== undefined) {
      times.observe("publish", Math.max(0, at - decided.decidedAt) / 1000);
      times.observe("exposure_to_ack", Math.max(0, at - decided.exposedAt) / 1000);
    }
    metrics.acknowledged.inc();
    events.emit("acked", verdict, at);
  }

  /** The disk's problem is another one now: the next verdict that is lost is an error in the log again. */
  diskChanged(): void {
    this.#toldLost = false;
  }

  #lost({ item, lane, seq }: Verdict, { code, message, hint }: GradelineError): void {
    const told = this.#toldLost;
    this.#toldLost = true;
    this.#parts.log[told ? "debug" : "error"]({ code, hint, item, lane, seq }, `verdict lost: ${message}`);
  }
}
