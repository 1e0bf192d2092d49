import type { Metrics, Stage } from "../contract/metrics.ts";
import { RecentValues } from "../lanes/latency.ts";

/** How long each stage takes: for the metrics, and the newest values for the page. */
export class StageTimes {
  /** Newest durations of each stage, milliseconds. */
  readonly recent = new Map<Stage, RecentValues>();
  readonly #metrics: Pick<Metrics, "stage">;

  constructor(metrics: Pick<Metrics, "stage">) {
    this.#metrics = metrics;
  }

  /** Takes one duration in milliseconds. */
  observe(stage: Stage, ms: number): void {
    this.#metrics.stage[stage].observe(ms / 1000);
    let recent = this.recent.get(stage);
    if (recent === undefined) {
      recent = new RecentValues();
      this.recent.set(stage, recent);
    }
    recent.add(ms);
  }
}
