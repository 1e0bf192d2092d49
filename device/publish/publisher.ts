import type { IPublishPacket } from "mqtt";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import type { MqttConfig } from "../config/schema.ts";
import { type MessageForm, messageText, USUAL_FORM } from "../contract/form.ts";
import type { HealthMessage, Verdict, VerdictDraft } from "../contract/messages.ts";
import { stateMessage } from "../contract/state.ts";
import { type PayloadOf, type RetainedKey, topicName, topicRoot, topics } from "../contract/topics.ts";
import type { Handlers } from "../contract/verbs.ts";
import type { Journal } from "./journal.ts";
import { checkBrokerFiles, LINK_TIMING, Link, type LinkTiming } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { Requests } from "./requests.ts";
import { Retained } from "./retained.ts";
import type { Session } from "./session.ts";

/** What is left for the state `stopped` where acknowledgements took all the time there was. */
const STATE_MS = 300;
/** Verdicts in memory that the disk has not taken yet: minutes of a fast line, some megabytes. */
const MAX_WAITING = 10_000;

export interface PublisherTiming extends LinkTiming {
  /** Wait before a full disk is tried again. */
  readonly diskMs: number;
  /** Longest that `close` waits for acknowledgements. */
  readonly drainMs: number;
  /** Longest that a handler of a request may take. */
  readonly requestMs: number;
}

export const PUBLISHER_TIMING: PublisherTiming = { ...LINK_TIMING, diskMs: 1000, drainMs: 2000, requestMs: 30_000 };

export interface PublisherOptions {
  readonly mqtt: MqttConfig;
  /** Name of this board in topics. */
  readonly device: string;
  readonly journal: Journal;
  readonly log: Log;
  readonly handlers: Handlers;
  /** How messages are written; in the current version of the contract if absent. */
  readonly form?: MessageForm | undefined;
  /** The broker has acknowledged a verdict, which may be one of an earlier run; for latencies. */
  readonly acked?: ((verdict: Verdict, at: Micros) => void) | undefined;
  readonly timing?: Partial<PublisherTiming> | undefined;
}

/**
 * Everything that the line says over MQTT: verdicts through the journal, retained state, answers to requests. It needs
 * no broker to start or to run; what is durable is handed over when one is there.
 */
export class Publisher implements Closable {
  readonly #options: PublisherOptions;
  readonly #timing: PublisherTiming;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #form: MessageForm;
  readonly #retained = new Retained();
  readonly #requests: Requests;
  #waiting = 0;
  #diskProblem: GradelineError | undefined;
  #diskRetry: { readonly again: Promise<void>; cancel(): void } | undefined;
  #closing = false;

  private constructor(options: PublisherOptions) {
    this.#options = options;
    this.#timing = { ...PUBLISHER_TIMING, ...options.timing };
    const { mqtt, device, journal, log, handlers, form = USUAL_FORM } = options;
    this.#form = form;
    this.#outbox = new Outbox({
      journal,
      form,
      window: mqtt.window,
      topicOf: (lane) => topicName(device, "verdict", lane),
      acked: options.acked ?? (() => {}),
      failed: (error) => this.#readFailed(error),
    });
    this.#requests = new Requests({ device, handlers, log, form, timeoutMs: this.#timing.requestMs });
    this.#link = new Link({
      mqtt,
      device,
      log,
      form,
      timing: this.#timing,
      up: (session) => this.#up(session),
      down: () => this.#down(),
      room: () => this.#pump(),
    });
  }

  /**
   * Starts to connect; does not wait for a broker.
   *
   * @throws {GradelineError} CONFIG when a certificate or the password cannot be read
   */
  static async open(options: PublisherOptions): Promise<Publisher> {
    await checkBrokerFiles(options.mqtt, options.device);
    const { setAside } = options.journal;
    if (setAside !== undefined) {
      options.log.error({ file: setAside }, "the journal was damaged: it is set aside and what could be read is kept");
    }
    const publisher = new Publisher(options);
    publisher.#link.start();
    return publisher;
  }

  /**
   * Makes a verdict durable and sees to it that the broker gets it. While the disk takes nothing it waits and tries
   * again.
   *
   * @returns the verdict with its sequence number, once it is on the disk; of an item that had one before, that one
   * @throws {GradelineError} JOURNAL when the journal is broken or too many wait for the disk; CLOSED after `close`
   */
  async verdict(draft: VerdictDraft): Promise<Verdict> {
    if (this.#waiting >= MAX_WAITING) {
      throw new GradelineError("JOURNAL", `${MAX_WAITING} verdicts wait for the disk, no more are taken`, {
        hint: this.#diskProblem?.hint ?? "the disk is too slow",
        cause: this.#diskProblem,
      });
    }
    this.#waiting++;
    try {
      for (;;) {
        if (this.#closing) throw new GradelineError("CLOSED", "the publisher is closed");
        try {
          const appended = await this.#options.journal.append(draft);
          this.#diskWorks();
          this.#outbox.offer(appended);
          return appended.verdict;
        } catch (error) {
          await this.#journalFailed(error);
        }
      }
    } finally {
      this.#waiting--;
    }
  }

  /** Sets the latest message of a retained topic; it is published now, and again on each new connection. */
  retain<K extends RetainedKey>(key: K, payload: PayloadOf<K>): void {
    const topic = topics[key];
    const checked = topic.payload.safeParse(payload);
    if (!checked.success) {
      // Better an old message than one that breaks the contract, and no reason to stop the line.
      this.#options.log.error({ topic: topic.address, issues: checked.error.issues }, "a message is not as promised");
      return;
    }
    const lane = "lane" in payload ? payload.lane : undefined;
    this.#retained.set(topicName(this.#options.device, key, lane), messageText(this.#form, key, payload), topic.qos);
  }

  /** Its share of the `health` message. */
  get health(): Pick<HealthMessage, "journal" | "broker" | "published"> {
    return {
      journal: {
        ...this.#options.journal.stats,
        waiting: this.#waiting,
        problem: this.#diskProblem?.message ?? null,
      },
      broker: this.#link.health,
      published: this.#outbox.acknowledged,
    };
  }

  /** Requests answered and refused since the start. */
  get requests(): { readonly answered: number; readonly refused: number } {
    return this.#requests.counters;
  }

  /** Waits a little for acknowledgements, publishes `stopped`, disconnects. The journal stays open. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#diskRetry?.cancel();
    // Both together: a broker that takes nothing more must not hold the end up.
    const until = performance.now() + this.#timing.drainMs;
    await bounded(this.#outbox.drained(), this.#timing.drainMs);
    this.retain("state", stateMessage("stopped", [], nowMicros()));
    await bounded(this.#retained.settled(), Math.max(STATE_MS, until - performance.now()));
    await this.#link.close();
  }

  /** Makes the connection anew, by what the configuration says now. */
  reconnect(): void {
    this.#link.reconnect();
  }

  #up(session: Session): void {
    const { device, log } = this.#options;
    this.#requests.up(session);
    session
      .subscribe(`${topicRoot(device)}request/+`, (topic, payload, packet) => this.#received(topic, payload, packet))
      .catch((error: unknown) => {
        if (this.#link.health.state !== "connected") return;
        log.error({ reason: asGradelineError(error).message }, "the broker does not let this device hear requests");
      });
    this.#retained.up(session);
    this.#outbox.up(session);
  }

  #down(): void {
    this.#requests.down();
    this.#retained.down();
    this.#outbox.down();
  }

  #pump(): void {
    this.#retained.pump();
    this.#requests.pump();
    this.#outbox.pump();
  }

  #received(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const { responseTopic, correlationData } = packet.properties ?? {};
    this.#requests.receive({ topic, payload, retain: packet.retain, responseTopic, correlationData });
  }

  #readFailed(error: unknown): void {
    const { log } = this.#options;
    this.#journalFailed(error).then(
      () => this.#outbox.pump(),
      (problem: GradelineError) =>
        log.error({ reason: problem.message, hint: problem.hint }, "the journal is not read"),
    );
  }

  #diskWorks(): void {
    if (this.#diskProblem === undefined) return;
    this.#diskProblem = undefined;
    this.#options.log.info("the journal takes verdicts again");
  }

  /** Waits where another try may help, throws where not. All that wait are tried again together. */
  async #journalFailed(error: unknown): Promise<void> {
    const problem = asGradelineError(error, "JOURNAL");
    if (!problem.retry || this.#closing) throw problem;
    if (this.#diskProblem === undefined) {
      this.#options.log.error({ reason: problem.message, hint: problem.hint }, "the journal takes no verdicts");
    }
    this.#diskProblem = problem;
    this.#diskRetry ??= cancellable(this.#timing.diskMs, () => {
      this.#diskRetry = undefined;
    });
    await this.#diskRetry.again;
  }
}

function cancellable(ms: number, done: () => void): { again: Promise<void>; cancel(): void } {
  let cancel = () => {};
  const again = new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      done();
      resolve();
    };
    const timer = setTimeout(end, ms);
    cancel = end;
  });
  return { again, cancel };
}

async function bounded(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
