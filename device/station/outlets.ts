import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { formatMicros, parseWall } from "../base/time.ts";
import type { PostgresConfig } from "../config/outputs.ts";
import { discovery } from "../contract/home-assistant.ts";
import type { Verdict } from "../contract/messages.ts";
import { RING } from "../contract/modbus-map.ts";
import type { Journal } from "../publish/journal.ts";
import { POSTGRES } from "../sinks/names.ts";
import type { Station } from "./station.ts";

const STATE_MS = 250;

/** Whoever gets verdicts by another way than MQTT. None of them holds the line up; the state says what is wrong. */
export class Outlets implements Closable {
  readonly #closing: (() => Promise<unknown>)[] = [];

  private constructor() {}

  /** What is not configured is not even loaded. */
  static async open(station: Station, journal: Journal, log: Log): Promise<Outlets> {
    const outlets = new Outlets();
    const { homeAssistant, device, lanes } = station.config;
    if (homeAssistant !== undefined) {
      const names = lanes.map(({ id }) => id);
      const { topic, payload } = discovery(homeAssistant.prefix, device, names);
      station.publisher.retainElsewhere(topic, payload);
    }
    if (station.config.modbus !== undefined) await outlets.#openModbus(station, journal, log);
    if (station.config.postgres !== undefined)
      await outlets.#openPostgres(station, journal, station.config.postgres, log);
    if (station.config.outputs.length > 0) await outlets.#openPulses(station, log);
    return outlets;
  }

  async close(): Promise<void> {
    for (let close = this.#closing.pop(); close !== undefined; close = this.#closing.pop()) await close();
  }

  async #openModbus(station: Station, journal: Journal, log: Log): Promise<void> {
    const { openModbus } = await import("../outputs/modbus/open.ts");
    const { config, products, state } = station;
    const opened = openModbus({ config, log, products });
    if (opened === undefined) return;
    const { image, server } = opened;
    // What was decided since the start and before now comes first.
    let early: Verdict[] | undefined = [];
    const add = (verdict: Verdict): void => {
      if (early === undefined) image.add(verdict);
      else early.push(verdict);
    };
    const tell = (): void => {
      const { state: now, reasons } = state.latest;
      image.setState(
        now,
        reasons.map(({ code }) => code),
      );
    };
    station.events.on("durable", add);
    tell();
    const fromUs = parseWall(formatMicros(station.startedAt));
    for (const { id: lane } of config.lanes) {
      const rows = await journal.select({ lane, fromUs }, RING);
      for (const { payload } of rows) image.add(JSON.parse(payload) as Verdict);
    }
    for (const verdict of early) image.add(verdict);
    early = undefined;
    state.watch(() => server.reasons());
    const timer = setInterval(tell, STATE_MS);
    this.#closing.push(async () => {
      clearInterval(timer);
      station.events.off("durable", add);
      await server.close();
    });
  }

  async #openPulses(station: Station, log: Log): Promise<void> {
    const { Pulses } = await import("../outputs/pulses/pulses.ts");
    const pulses = new Pulses(station.config.outputs, log);
    const add = (verdict: Verdict): void => pulses.add(verdict);
    station.state.watch(() => pulses.reasons());
    station.events.on("durable", add);
    this.#closing.push(async () => {
      station.events.off("durable", add);
      const { fired, p99Ms } = pulses.stats;
      log.info({ fired, p99Ms }, "outputs: pulses fired, and how late 99 of 100 were at most");
      await pulses.close();
    });
  }

  async #openPostgres({ state }: Station, journal: Journal, config: PostgresConfig, log: Log): Promise<void> {
    const { PostgresSink } = await import("../sinks/postgres.ts");
    const sink = new PostgresSink(config, journal.cursor(POSTGRES), log);
    sink.open();
    state.watch(() => sink.reasons());
    this.#closing.push(() => sink.close());
  }
}
