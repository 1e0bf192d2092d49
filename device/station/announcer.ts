import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { ShadowMessage } from "../contract/messages.ts";
import type { Metrics } from "../contract/metrics.ts";
import { stateMessage } from "../contract/state.ts";
import type { LaneStats } from "../lanes/counts.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { Teaching } from "../teach/teaching.ts";
import type { StationClock } from "./clock.ts";
import { healthMessage, infoMessage, type MessageParts, recipeMessage, shadowMessage } from "./messages.ts";
import type { StationState } from "./state.ts";

const HEALTH_MS = 5000;
const CLOCK_MS = 1000;
const STATS_MS = 2000;
const STATE_MS = 1000;
/** Words of a reason that change, as figures do, are told again no sooner. */
const REWORD_MS = 10_000;

export interface AnnouncerParts extends MessageParts {
  readonly log: Log;
  readonly metrics: Pick<Metrics, "journal">;
  readonly publisher: Pick<Publisher, "retain" | "health">;
  readonly clock: StationClock;
  readonly state: StationState;
  readonly stats: ReadonlyMap<string, LaneStats>;
  readonly teaching: Pick<Teaching, "queue" | "findings" | "progress" | "drift">;
  /** Which cameras there are is known when each is open or known to come later. */
  camerasKnown(): boolean;
}

/** Decides when which retained message is told: at once where something changes, and at fixed intervals. */
export class Announcer implements Closable {
  readonly #parts: AnnouncerParts;
  readonly #timers: NodeJS.Timeout[] = [];
  /** The broker may keep what an earlier run said of one. */
  #toldShadow = true;
  /** What the message `recipe` says of the calibration. */
  #expiredKey = "[]";
  #toldState: string | undefined;
  #toldStateAt = 0;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Tells everything once, and from then on again and again until it is closed. */
  start(): void {
    this.recipe();
    this.health();
    this.stats();
    this.#timers.push(setInterval(() => this.state(), STATE_MS));
    this.#timers.push(setInterval(() => this.health(), HEALTH_MS));
    this.#timers.push(setInterval(() => this.#readClock(), CLOCK_MS));
    this.#timers.push(setInterval(() => this.stats(), STATS_MS));
  }

  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Judges the state and tells it where it has changed. */
  state(): void {
    const { log, publisher, state: judge } = this.#parts;
    if (!this.#parts.camerasKnown()) return;
    const { come, gone } = judge.judge();
    const { state, reasons, at } = judge.latest;
    const message = stateMessage(state, reasons, at);
    const text = JSON.stringify(message);
    if (text === this.#toldState) return;
    const first = this.#toldState === undefined;
    const reworded = !first && come.length === 0 && gone === 0;
    if (reworded && performance.now() - this.#toldStateAt < REWORD_MS) return;
    this.#toldState = text;
    this.#toldStateAt = performance.now();
    publisher.retain("state", message);
    if (JSON.stringify(this.#parts.expired()) !== this.#expiredKey) this.recipe();
    if (come.length > 0) {
      log.warn({ reasons: message.reasons, causes: come.map(({ code }) => code) }, "degraded");
    } else if (state === "online" && (first || gone > 0)) log.info("online");
    else if (gone > 0) log.info({ reasons: message.reasons }, "degraded by less");
  }

  health(): void {
    this.state();
    const health = healthMessage(this.#parts);
    this.#parts.metrics.journal(health.journal);
    this.#parts.publisher.retain("health", health);
  }

  /** Tells the counts of every lane. */
  stats(): void {
    for (const lane of this.#parts.stats.keys()) this.statsOf(lane);
    this.#shadowIfAny();
  }

  statsOf(lane: string): void {
    const { publisher, stats, teaching } = this.#parts;
    const progress = teaching.progress(lane);
    const enrolling = progress === undefined ? null : { ...progress, items: [...progress.items] };
    publisher.retain("laneStats", {
      ...stats.get(lane)!.message(),
      enrolling,
      drift: teaching.drift.message(lane),
    });
  }

  /** Which model and gallery decide, and what the device is. */
  recipe(): void {
    const { publisher } = this.#parts;
    this.#expiredKey = JSON.stringify(this.#parts.expired());
    publisher.retain("info", infoMessage(this.#parts));
    publisher.retain("recipe", recipeMessage(this.#parts));
  }

  /** Tells that another recipe decides beside the active one, or none any more. */
  shadow(): ShadowMessage {
    this.#shadowIfAny();
    return shadowMessage(this.#parts.recipes);
  }

  /** While there is one, and once when it has gone. */
  #shadowIfAny(): void {
    const message = shadowMessage(this.#parts.recipes);
    const there = message.shadow !== null;
    if (there || this.#toldShadow) this.#parts.publisher.retain("shadow", message);
    this.#toldShadow = there;
  }

  #readClock(): void {
    const { clock } = this.#parts;
    const { synchronised } = clock;
    if (clock.look()) this.health();
    if (clock.synchronised !== synchronised) this.recipe();
  }
}
