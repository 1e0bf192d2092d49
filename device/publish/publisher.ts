import type { IPublishPacket } from "mqtt";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { type Micros, nowMicros } from "../base/time.ts";
import type { BrokerConfig, MqttConfig } from "../config/schema.ts";
import { type MessageForm, messageText, USUAL_FORM } from "../contract/form.ts";
import type { HealthMessage, Verdict, VerdictDraft } from "../contract/messages.ts";
import type { Reason } from "../contract/reasons.ts";
import { stateMessage } from "../contract/state.ts";
import { type PayloadOf, type RetainedKey, topicName, topicRoot, topics } from "../contract/topics.ts";
import type { Handlers } from "../contract/verbs.ts";
import { Aside, type AsideJob } from "./aside.ts";
import { brokerReasons } from "./broker-reasons.ts";
import { Echo } from "./echo.ts";
import { Feed } from "./feed.ts";
import type { Journal, Taken } from "./journal.ts";
import { type Notice, PLANT } from "./journal-file.ts";
import type { Selection } from "./journal-statements.ts";
import { checkBrokerFiles, LINK_TIMING, Link, type LinkTiming } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { Requests } from "./requests.ts";
import { Retained } from "./retained.ts";
import type { Session } from "./session.ts";

/** Time kept for the state `stopped` if acknowledgements took all of it. */
const STATE_MS = 300;
/** After a connection verdicts have this long before anything else is sent. */
const VERDICTS_FIRST_MS = 1000;
/** Requests for kept verdicts that are served one after the other. */
const MAX_REPLAYS = 8;

export interface PublisherTiming extends LinkTiming {
  /** Longest that `close` waits for acknowledgements. */
  readonly drainMs: number;
  /** Longest that a handler of a request may take. */
  readonly requestMs: number;
  /** Longest that the broker may take to acknowledge a packet that is not a verdict. */
  readonly asideMs: number;
  /** How long a topic is skipped after the broker ended connections because of it. */
  readonly banMs: number;
  /** Wait before verdicts that the broker does not take are tried again. */
  readonly retryMs: number;
  /** See {@link EchoParts}. */
  readonly swallowedMs: number;
  readonly silentMs: number;
  /** A further broker may be away so long before the state says it. */
  readonly awayMs: number;
}

export const PUBLISHER_TIMING: PublisherTiming = {
  ...LINK_TIMING,
  drainMs: 2000,
  requestMs: 30_000,
  asideMs: 5000,
  banMs: 600_000,
  retryMs: 30_000,
  swallowedMs: 5000,
  silentMs: 2000,
  awayMs: 10_000,
};

export interface PublisherOptions {
  readonly mqtt: MqttConfig;
  /** Further brokers that get the verdicts. The journal has a sink for each. */
  readonly brokers?: readonly BrokerConfig[] | undefined;
  /** Name of this board in topics. */
  readonly device: string;
  readonly journal: Journal;
  readonly log: Log;
  readonly handlers: Handlers;
  /** How messages are written; in the current version of the contract if absent. */
  readonly form?: MessageForm | undefined;
  /** The broker has acknowledged a verdict, which may be one of an earlier run; for latencies. */
  readonly acked?: ((verdict: Verdict, at: Micros, fresh: boolean) => void) | undefined;
  /** What {@link Publisher.reasons} says has changed. */
  readonly changed?: (() => void) | undefined;
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
  readonly #aside: Aside;
  readonly #echo: Echo;
  readonly #feeds: readonly Feed[];
  #session: Session | undefined;
  #subscribed = false;
  /** Refusals by the broker that were logged since the last connection. */
  readonly #refusedLanes = new Map<string, string>();
  #retry: NodeJS.Timeout | undefined;
  #openAside: NodeJS.Timeout | undefined;
  /** Number of verdicts that are not durable yet. */
  #open = 0;
  #settled: (() => void)[] = [];
  #closing = false;

  private constructor(options: PublisherOptions) {
    this.#options = options;
    this.#timing = { ...PUBLISHER_TIMING, ...options.timing };
    const { mqtt, device, journal, log, handlers, form = USUAL_FORM } = options;
    this.#form = form;
    this.#outbox = new Outbox({
      form,
      cursor: journal.cursor(PLANT),
      select: (of, limit, after) => journal.select(of, limit, after),
      refused: ({ id, lane, seq }, reason) =>
        log.error({ id, lane, seq, reason }, "the journal holds what is no verdict"),
      held: (lane, reason) => this.#verdictsRefused(lane, reason),
      window: mqtt.window,
      topicOf: (lane) => topicName(device, "verdict", lane),
      acked: options.acked ?? (() => {}),
      failed: (error) => {
        const { message, hint } = asGradelineError(error);
        log.error({ reason: message, hint }, "the journal is not read");
      },
    });
    this.#requests = new Requests({
      device,
      handlers,
      log,
      form,
      timeoutMs: this.#timing.requestMs,
      answered: () => this.#aside.pump(),
    });
    this.#aside = new Aside({
      sources: [
        (skip) => this.#subscription(skip) ?? this.#requests.nextUrgent(skip),
        (skip) => this.#retained.next(skip),
        (skip) => this.#requests.next(skip),
      ],
      answerMs: this.#timing.asideMs,
      banMs: this.#timing.banMs,
      refused: (topic, reason) => this.#topicRefused(topic, reason),
    });
    this.#echo = new Echo({
      root: topicRoot(device),
      swallowedMs: this.#timing.swallowedMs,
      silentMs: this.#timing.silentMs,
      changed: options.changed ?? (() => {}),
      room: () => this.#outbox.pump(),
      passes: () => this.#link.reconnect(),
    });
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
    const changed = (): void => options.changed?.();
    this.#feeds = (options.brokers ?? []).map(
      (config) => new Feed({ config, device, journal, log, form, timing: this.#timing, changed }),
    );
  }

  /**
   * Starts to connect; does not wait for a broker.
   *
   * @throws {GradelineError} CONFIG when a certificate or the password cannot be read
   */
  static async open(options: PublisherOptions): Promise<Publisher> {
    for (const mqtt of [options.mqtt, ...(options.brokers ?? [])]) await checkBrokerFiles(mqtt, options.device);
    const { journal, log } = options;
    const noticed = ({ text, file }: Notice): void => log.error(file === undefined ? {} : { file }, text);
    journal.opening.forEach(noticed);
    journal.events.on("notice", noticed).on("problem", (problem) => {
      if (problem === undefined) log.info("the journal takes verdicts again");
      else log.error({ reason: problem.message, hint: problem.hint }, "the journal takes no verdicts");
    });
    const publisher = new Publisher(options);
    publisher.#link.start();
    for (const feed of publisher.#feeds) feed.start();
    return publisher;
  }

  /**
   * Gives a verdict its number, makes it durable and sees to it that the broker gets it. While the disk takes nothing it
   * waits.
   */
  take(draft: VerdictDraft): Taken {
    const taken = this.#options.journal.take(draft);
    this.#open++;
    taken.durable.then(
      (appended) => {
        this.#outbox.offer(appended);
        for (const feed of this.#feeds) feed.offer(appended);
        this.#ended();
      },
      () => this.#ended(),
    );
    return taken;
  }

  /** Sends kept verdicts again. @returns how many */
  async replay(of: Selection): Promise<number> {
    if (this.#outbox.replaying >= MAX_REPLAYS) {
      throw new GradelineError("REQUEST", `${MAX_REPLAYS} replays are under way`, { hint: "wait for them" });
    }
    const count = await this.#options.journal.count(of);
    if (count > 0) this.#outbox.replay(of);
    return count;
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
    this.#aside.pump();
  }

  /** A message for somebody whose topics are not ours; retained likewise. */
  retainElsewhere(topic: string, payload: string): void {
    this.#retained.set(topic, payload, 1);
    this.#aside.pump();
  }

  /** Its share of the `health` message. */
  get health(): Pick<HealthMessage, "journal" | "broker" | "brokers" | "published"> {
    return {
      journal: this.#journalHealth(),
      broker: {
        ...this.#link.health,
        refused: [...this.#refusedTopics()].map(([topic, reason]) => ({ topic, reason })),
      },
      ...(this.#feeds.length === 0 ? {} : { brokers: this.#feeds.map(({ health }) => health) }),
      published: this.#outbox.acknowledged,
    };
  }

  /** Of the plant's broker: the one that is connected, or tried next. */
  get brokerUrl(): string {
    return this.#link.url;
  }

  /** Requests answered and refused since the start. */
  get requests(): { readonly answered: number; readonly refused: number } {
    return this.#requests.counters;
  }

  /** Waits a little for acknowledgements, publishes `stopped`, disconnects. The journal stays open. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    // Both together: a broker that takes nothing more must not hold the end up.
    const until = performance.now() + this.#timing.drainMs;
    // A disk that takes nothing must not either.
    if (this.#options.journal.problem === undefined) await bounded(this.#allSettled(), this.#timing.drainMs);
    const drained = [this.#outbox.drained(), ...this.#feeds.map((feed) => feed.drained())];
    await bounded(Promise.all(drained), Math.max(0, until - performance.now()));
    this.retain("state", stateMessage("stopped", [], nowMicros()));
    await bounded(this.#retained.settled(), Math.max(STATE_MS, until - performance.now()));
    await Promise.all([this.#link.close(), ...this.#feeds.map((feed) => feed.close())]);
  }

  /** Connects again with the current configuration. */
  reconnect(): void {
    this.#link.reconnect();
  }

  /** What the broker keeps the device from telling. */
  *reasons(): Iterable<Reason> {
    const { swallowed, unverified } = this.#echo;
    for (const feed of this.#feeds) yield* feed.reasons();
    yield* brokerReasons({
      refused: this.#refusedTopics(),
      swallowed,
      unverified,
      retains: this.#session?.retains ?? true,
      unstable: this.#link.unstable,
    });
  }

  /** Verdicts go first; the rest follows when they are out, or soon. */
  #up(session: Session): void {
    this.#session = session;
    this.#subscribed = false;
    this.#refusedLanes.clear();
    this.#requests.up(session);
    this.#retained.up();
    this.#aside.up(session);
    if (session.protocol === "3.1.1") this.#echo.up(session);
    this.#outbox.up(session.protocol === "3.1.1" ? this.#echo : session);
    this.#aside.pump();
    const open = (): void => {
      if (session === this.#session) this.#verdictsWereFirst();
    };
    this.#openAside = setTimeout(open, VERDICTS_FIRST_MS);
    void this.#outbox.drained().then(open);
  }

  /** @returns the topic that the connection may have ended for */
  #down(): string | undefined {
    this.#session = undefined;
    clearTimeout(this.#openAside);
    clearTimeout(this.#retry);
    this.#requests.down();
    this.#retained.down();
    this.#echo.down();
    this.#outbox.down();
    return this.#aside.down();
  }

  #verdictsWereFirst(): void {
    clearTimeout(this.#openAside);
    this.#aside.open();
  }

  /** Something was acknowledged. */
  #pump(): void {
    this.#outbox.pump();
    this.#verdictsWereFirst();
  }

  /** Asks for requests, once on each connection. */
  #subscription(skip: (topic: string) => boolean): AsideJob | undefined {
    const topic = `${topicRoot(this.#options.device)}request/+`;
    if (this.#subscribed || skip(topic)) return undefined;
    const send: AsideJob["send"] = (session, done) => {
      this.#subscribed = true;
      session
        .subscribe(topic, (from, payload, packet) => this.#received(from, payload, packet))
        .then(
          () => done(),
          (error: unknown) => done(asGradelineError(error).message),
        );
      return true;
    };
    return { topic, send };
  }

  /** Of the device's own topics: where else answers may go is the asker's affair. */
  *#refusedTopics(): Iterable<[topic: string, reason: string]> {
    for (const [lane, reason] of this.#refusedLanes) yield [topicName(this.#options.device, "verdict", lane), reason];
    const root = topicRoot(this.#options.device);
    for (const [topic, reason] of this.#aside.refused) if (topic.startsWith(root)) yield [topic, reason];
  }

  #topicRefused(topic: string, reason: string): void {
    const level = topic.startsWith(topicRoot(this.#options.device)) ? "warn" : "debug";
    this.#options.log[level](
      { topic, reason },
      "the broker does not take a topic; it is left alone on this connection",
    );
    this.#options.changed?.();
  }

  /** The verdicts stay in the journal, and are tried again with another connection. */
  #verdictsRefused(lane: string, reason: string): void {
    this.#options.log.error({ lane, reason }, "the broker does not take verdicts; they are kept");
    this.#refusedLanes.set(lane, reason);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#link.reconnect(), this.#timing.retryMs);
    this.#options.changed?.();
  }

  #received(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const { responseTopic, correlationData } = packet.properties ?? {};
    this.#requests.receive({ topic, payload, retain: packet.retain, responseTopic, correlationData });
  }

  #journalHealth(): HealthMessage["journal"] {
    const { journal } = this.#options;
    const { sinks, ...stats } = journal.stats;
    const { depth, dropped } = journal.cursor(PLANT).stats;
    const { epoch, waiting, problem } = journal;
    return { depth, dropped, ...stats, epoch, waiting, sinks: [...sinks], problem: problem?.message ?? null };
  }

  #ended(): void {
    this.#open--;
    if (this.#open === 0) for (const resolve of this.#settled.splice(0)) resolve();
  }

  #allSettled(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#settled.push(resolve));
  }
}

async function bounded(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
