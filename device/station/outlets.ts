import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { formatMicros, parseWall } from "../base/time.ts";
import type { PostgresConfig } from "../config/outputs.ts";
import type { Verdict } from "../contract/messages.ts";
import { RING } from "../contract/modbus-map.ts";
import { POSTGRES } from "../sinks/names.ts";
import type { Station } from "./station.ts";

const STATE_MS = 250;

/** Whoever gets verdicts by another way than MQTT. None of them holds the line up; the state says what is wrong. */
export class Outlets implements Closable {
  readonly #closing: (() => Promise<unknown>)[] = [];

  private constructor() {}

  /** What is not configured is not even loaded. */
  static async open(station: Station, log: Log): Promise<Outlets> {
    const outlets = new Outlets();
    if (station.config.modbus !== undefined) await outlets.#openModbus(station, log);
    if (station.config.postgres !== undefined) await outlets.#openPostgres(station, station.config.postgres, log);
    return outlets;
  }

  async close(): Promise<void> {
    for (let close = this.#closing.pop(); close !== undefined; close = this.#closing.pop()) await close();
  }

  async #openModbus(station: Station, log: Log): Promise<void> {
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
      const rows = await station.journal.select({ lane, fromUs }, RING);
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

  async #openPostgres({ state, journal }: Station, config: PostgresConfig, log: Log): Promise<void> {
    const { PostgresSink } = await import("../sinks/postgres.ts");
    const sink = new PostgresSink(config, journal.cursor(POSTGRES), log);
    sink.open();
    state.watch(() => sink.reasons());
    this.#closing.push(() => sink.close());
  }
}
