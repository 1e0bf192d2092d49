import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { BrokerConfig } from "../config/mqtt.ts";
import type { MessageForm } from "../contract/form.ts";
import type { HealthMessage } from "../contract/messages.ts";
import type { Reason } from "../contract/reasons.ts";
import type { Appended, Journal } from "./journal.ts";
import { Link, type LinkTiming } from "./link.ts";
import { Outbox } from "./outbox.ts";

export interface FeedParts {
  readonly config: BrokerConfig;
  readonly device: string;
  /** Has a sink of the broker's name. */
  readonly journal: Journal;
  readonly log: Log;
  readonly form: MessageForm;
  readonly timing: LinkTiming & {
    /** Wait before verdicts that the broker does not take are tried again. */
    readonly retryMs: number;
    /** How long the broker may be away before it is reported. */
    readonly awayMs: number;
  };
  /** What {@link Feed.reasons} says has changed. */
  changed(): void;
}

/**
 * Hands verdicts to a further broker, at its own pace and on its own topics. That broker gets nothing else: no state, no
 * answers. Its missing verdicts wait in the journal, whatever the plant's broker has received.
 */
export class Feed implements Closable {
  readonly #parts: FeedParts;
  readonly #link: Link;
  readonly #outbox: Outbox;
  /** Lanes whose verdicts it does not take on this connection. */
  readonly #refused = new Map<string, string>();
  #awaySince: number | undefined = performance.now();
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: FeedParts) {
    const { config, device, journal, form, timing } = parts;
    const log = parts.log.child({ broker: config.name });
    this.#parts = parts;
    this.#outbox = new Outbox({
      form,
      cursor: journal.cursor(config.name),
      window: config.window,
      topicOf: (lane) => this.#topicOf(lane),
      select: (of, limit, after) => journal.select(of, limit, after),
      acked: () => {},
      refused: ({ id, lane, seq }, reason) =>
        log.error({ id, lane, seq, reason }, "the journal holds what is no verdict"),
      failed: (error) => log.error({ error }, "the journal is not read"),
      held: (lane, reason) => {
        log.error({ lane, reason }, "the broker does not take verdicts; they are kept");
        this.#refused.set(lane, reason);
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => this.#link.reconnect(), timing.retryMs);
        parts.changed();
      },
    });
    this.#link = new Link({
      ...{ mqtt: config, device, log, form, timing, withoutWill: true },
      up: (session) => {
        this.#awaySince = undefined;
        this.#refused.clear();
        this.#outbox.up(session);
        parts.changed();
      },
      down: () => {
        this.#awaySince = performance.now();
        clearTimeout(this.#retry);
        this.#outbox.down();
        return undefined;
      },
      room: () => this.#outbox.pump(),
    });
  }

  /** Does not wait for a broker. */
  start(): void {
    this.#link.start();
  }

  /** A verdict that has just become durable. */
  offer(appended: Appended): void {
    this.#outbox.offer(appended);
  }

  /** Its share of the `health` message. */
  get health(): NonNullable<HealthMessage["brokers"]>[number] {
    const refused = [...this.#refused].map(([lane, reason]) => ({ topic: this.#topicOf(lane), reason }));
    return { name: this.#parts.config.name, ...this.#link.health, refused };
  }

  *reasons(): Iterable<Reason> {
    const { name } = this.#parts.config;
    const awayMs = this.#awaySince === undefined ? 0 : performance.now() - this.#awaySince;
    if (awayMs > this.#parts.timing.awayMs) {
      const { depth } = this.#parts.journal.cursor(name).stats;
      const message = `broker ${name} is away: ${this.#link.health.reason}; ${depth} verdicts wait for it`;
      yield { code: "broker-away", message, topic: name };
    }
    for (const [lane, reason] of this.#refused) {
      const topic = this.#topicOf(lane);
      yield { code: "topic-refused", message: `broker ${name}: ${topic}: ${reason}`, topic: `${name}: ${topic}` };
    }
  }

  /** Resolves when the broker has everything that is durable, or is away. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    await this.#link.close();
  }

  #topicOf(lane: string): string {
    const { config, device } = this.#parts;
    return config.topic.replaceAll("{device}", device).replaceAll("{lane}", lane);
  }
}
