import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { type BrokerConfig, configSchema, type MqttConfig } from "../../device/config/schema.ts";
import type { Verdict } from "../../device/contract/messages.ts";
import type { Handlers } from "../../device/contract/verbs.ts";
import { Journal } from "../../device/publish/journal.ts";
import { Publisher, type PublisherTiming } from "../../device/publish/publisher.ts";
import { journalConfig } from "./verdicts.ts";
import { Bell } from "./wait.ts";

/** Tries again at once, so that no test waits for a clock. */
export const QUICK: Partial<PublisherTiming> = { firstMs: 5, capMs: 20, refusedMs: 20 };

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly reason?: string;
  readonly hint?: string;
}

export interface PublishingOptions {
  readonly port: number;
  readonly mqtt?: Partial<MqttConfig>;
  /** Further brokers, as they are configured. */
  readonly brokers?: readonly Partial<BrokerConfig>[];
  readonly handlers?: Handlers;
  readonly timing?: Partial<PublisherTiming>;
  /** Of the journal; kept by the caller. */
  readonly path?: string;
  /** Called after each acknowledgement, as the station does its work there. */
  readonly acked?: () => void;
}

/** A publisher with its journal in a folder of its own, and what it logged and what the broker acknowledged. */
export class Publishing {
  readonly journal: Journal;
  readonly publisher: Publisher;
  readonly acked: Verdict[];
  readonly log: LogLine[];
  readonly #folder: string;
  readonly #bell: Bell;

  private constructor(
    journal: Journal,
    publisher: Publisher,
    state: { acked: Verdict[]; log: LogLine[]; folder: string; bell: Bell },
  ) {
    this.journal = journal;
    this.publisher = publisher;
    this.acked = state.acked;
    this.log = state.log;
    this.#folder = state.folder;
    this.#bell = state.bell;
  }

  static async open(options: PublishingOptions): Promise<Publishing> {
    const folder = await mkdtemp(join(tmpdir(), "gradeline-publish-"));
    const bell = new Bell();
    const acked: Verdict[] = [];
    const log: LogLine[] = [];
    const write = (line: string) => {
      log.push(JSON.parse(line) as LogLine);
      bell.ring();
    };
    const path = options.path ?? join(folder, "journal.sqlite");
    const brokers = configSchema.shape.brokers.parse(options.brokers ?? []);
    const sinks = brokers.map(({ name }) => name);
    const journal = await Journal.open(journalConfig({ path }), { sinks, retryMs: 20 });
    const publisher = await Publisher.open({
      mqtt: mqttConfig(options.port, options.mqtt),
      brokers,
      device: "board",
      journal,
      log: pino({ level: "debug" }, { write }),
      handlers: options.handlers ?? {},
      timing: { ...QUICK, ...options.timing },
      acked: (verdict) => {
        acked.push(verdict);
        bell.ring();
        options.acked?.();
      },
    }).catch(async (error: unknown) => {
      await journal.close();
      await rm(folder, { recursive: true, force: true });
      throw error;
    });
    return new Publishing(journal, publisher, { acked, log, folder, bell });
  }

  /** Resolves when `look` holds; asked again after each acknowledgement and each line of the log. */
  async until(look: () => boolean): Promise<void> {
    await this.#bell.until(
      () => look() || undefined,
      () => [`${this.acked.length} acknowledged`, this.publisher.health, ...this.log.slice(-3)],
      { what: String(look) },
    );
  }

  async connected(): Promise<void> {
    await this.until(() => this.publisher.health.broker.state === "connected");
  }

  async close(): Promise<void> {
    await this.publisher.close();
    await this.journal.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export function mqttConfig(port: number, more: Partial<MqttConfig> = {}): MqttConfig {
  return { ...configSchema.shape.mqtt.parse({ url: `mqtt://127.0.0.1:${port}` }), ...more };
}
