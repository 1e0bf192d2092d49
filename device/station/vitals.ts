import type { Vital } from "../base/systemd.ts";
import type { Station } from "./station.ts";

/**
 * What must advance for the daemon to count as alive. A camera that is away, a broker that is away and a full disk are
 * told in `state`; starting again would mend none of them, so none of them stops the watchdog.
 */
export function stationVitals(station: Station): Vital[] {
  const { config, publisher, embedding } = station;
  const { broker, journal, published } = publisher.health;
  const cameras = config.cameras.map(({ id, source }): Vital => {
    const camera = station.cameras.get(id);
    // Cups stand still with the line, and a triggered camera gives what it is asked for: only a free one owes frames.
    const free =
      !(source.kind === "gige" && source.trigger !== undefined) &&
      config.lanes.every(({ camera: of, conveyor }) => of !== id || conveyor.kind === "belt");
    return {
      name: `camera ${id}`,
      waiting: free && !station.paused && camera?.state === "ok",
      done: camera?.counters.seen ?? 0,
    };
  });
  return [
    ...cameras,
    { name: "inference", ...embedding },
    { name: "acknowledgement", waiting: broker.state === "connected" && journal.depth > 0, done: published },
  ];
}

/** The line that `systemctl status` shows. */
export function stationStatus(station: Station): string {
  const { state, reasons } = station.state.latest;
  let items = 0;
  let late = 0;
  for (const stats of station.stats.values()) {
    const message = stats.message();
    items += message.items;
    late += message.late;
  }
  const { journal, broker } = station.publisher.health;
  return [
    state === "online" ? "online" : `degraded: ${reasons.map(({ message }) => message).join("; ")}`,
    `${items} items decided`,
    ...(late > 0 ? [`${late} late`] : []),
    `on ${station.embedder.provider}`,
    broker.state === "connected" ? "broker connected" : `broker ${broker.state}, ${journal.depth} verdicts kept`,
  ].join(", ");
}
