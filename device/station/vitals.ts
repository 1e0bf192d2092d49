import type { Vital } from "../base/systemd.ts";
import type { Config } from "../config/schema.ts";
import type { Camera } from "../lanes/camera.ts";
import type { LaneStats } from "../lanes/counts.ts";
import type { Publisher } from "../publish/publisher.ts";
import type { StationState } from "./state.ts";

/** What must advance, and what is shown of it. */
export interface VitalParts {
  readonly config: Pick<Config, "cameras" | "lanes">;
  readonly cameras: ReadonlyMap<string, Pick<Camera, "state" | "counters">>;
  readonly paused: boolean;
  /** Whether views are with the model, and how many batches came back. */
  readonly embedding: { readonly waiting: boolean; readonly done: number };
  readonly publisher: Pick<Publisher, "health">;
}

export interface StatusParts {
  readonly state: Pick<StationState, "latest">;
  readonly stats: ReadonlyMap<string, Pick<LaneStats, "message">>;
  readonly publisher: Pick<Publisher, "health">;
  readonly embedder: { readonly provider: string };
}

/**
 * What must advance for the daemon to count as alive. A camera that is away, a broker that is away and a full disk are
 * told in `state`; starting again would mend none of them, so none of them stops the watchdog.
 */
export function stationVitals({ config, cameras, paused, embedding, publisher }: VitalParts): Vital[] {
  const { broker, journal, published } = publisher.health;
  const frames = config.cameras.map(({ id, source }): Vital => {
    const camera = cameras.get(id);
    // Cups stand still with the line, and a triggered camera gives what it is asked for: only a free one owes frames.
    const free =
      !(source.kind === "gige" && source.trigger !== undefined) &&
      config.lanes.every(({ camera: of, conveyor }) => of !== id || conveyor.kind === "belt");
    return {
      name: `camera ${id}`,
      waiting: free && !paused && camera?.state === "ok",
      done: camera?.counters.seen ?? 0,
    };
  });
  return [
    ...frames,
    { name: "inference", ...embedding },
    { name: "acknowledgement", waiting: broker.state === "connected" && journal.depth > 0, done: published },
  ];
}

/** The line that `systemctl status` shows. */
export function stationStatus({ state: judged, stats, publisher, embedder }: StatusParts): string {
  const { state, reasons } = judged.latest;
  let items = 0;
  let late = 0;
  for (const lane of stats.values()) {
    const message = lane.message();
    items += message.items;
    late += message.late;
  }
  const { journal, broker } = publisher.health;
  return [
    state === "online" ? "online" : `degraded: ${reasons.map(({ message }) => message).join("; ")}`,
    `${items} items decided`,
    ...(late > 0 ? [`${late} late`] : []),
    `on ${embedder.provider}`,
    broker.state === "connected" ? "broker connected" : `broker ${broker.state}, ${journal.depth} verdicts kept`,
  ].join(", ");
}
