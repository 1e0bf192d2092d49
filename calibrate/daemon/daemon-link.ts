import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { connectAsync, type MqttClient } from "mqtt";
import { type ErrorCode, GradelineError } from "../../device/base/errors.ts";
import type { Closable } from "../../device/base/lifecycle.ts";
import { brokerUrls } from "../../device/config/mqtt.ts";
import type { Config } from "../../device/config/schema.ts";
import type { LaneStatsMessage, StateMessage, Verdict } from "../../device/contract/messages.ts";
import { readMessage, readResponse } from "../../device/contract/reading.ts";
import { topicRoot } from "../../device/contract/topics.ts";
import { type DataOf, type RequestOf, type Verb, verbNames } from "../../device/contract/verbs.ts";
import { brokerOptions, type Protocol } from "../../device/publish/broker-options.ts";
import { fallsBack, reasonOf } from "../../device/publish/link-errors.ts";

const CONNECT_MS = 5000;
/** A retained message comes at once. */
const STATE_MS = 3000;
const ANSWER_MS = 35_000;

interface LinkEvents {
  verdict: [Verdict];
  stats: [LaneStatsMessage];
  /** The daemon or the broker has gone. */
  gone: [GradelineError];
}

type Pending = PromiseWithResolvers<unknown> & { readonly verb: Verb };

/** A conversation with the running daemon over its broker, as any controller may have one. */
export class DaemonLink implements Closable {
  readonly events = new EventEmitter<LinkEvents>();
  readonly #config: Config;
  readonly #client: MqttClient;
  readonly #root: string;
  readonly #pending = new Map<string, Pending>();
  #state: StateMessage | undefined;
  #heardState = Promise.withResolvers<void>();
  #closed = false;
  #gone: GradelineError | undefined;

  private constructor(config: Config, client: MqttClient) {
    this.#config = config;
    this.#client = client;
    this.#root = topicRoot(config.device);
  }

  /**
   * Connects as the configuration says and makes sure that the daemon is there.
   *
   * @throws {GradelineError} BROKER when there is no broker or no daemon
   */
  static async open(config: Config): Promise<DaemonLink> {
    const link = new DaemonLink(config, await connectTo(config));
    try {
      await link.#open();
    } catch (error) {
      await link.close();
      throw error;
    }
    return link;
  }

  /** What the daemon says of itself. */
  get state(): StateMessage {
    return this.#state!;
  }

  /**
   * Asks the daemon for something and waits for its answer.
   *
   * @param timeoutMs longest wait; without end where 0
   * @throws {GradelineError} as the daemon refuses it; BROKER when no answer comes
   */
  async ask<V extends Verb>(verb: V, request: RequestOf<V>, timeoutMs = ANSWER_MS): Promise<DataOf<V>> {
    if (this.#gone !== undefined) throw this.#gone;
    const transaction = randomBytes(8).toString("hex");
    const pending: Pending = { ...Promise.withResolvers<unknown>(), verb };
    this.#pending.set(transaction, pending);
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(
            () => pending.reject(this.#away(`did not answer \`${verb}\` within ${timeoutMs / 1000} s`)),
            timeoutMs,
          );
    try {
      await this.#client.publishAsync(`${this.#root}request/${verb}`, JSON.stringify({ ...request, transaction }), {
        qos: 1,
      });
      return (await pending.promise) as DataOf<V>;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(transaction);
    }
  }

  /**
   * Waits for `work`; ends before it when the daemon goes or `stop` aborts.
   *
   * @throws {GradelineError} BROKER when the daemon goes; the reason of `stop`
   */
  async during<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
    stop.throwIfAborted();
    if (this.#gone !== undefined) throw this.#gone;
    const { promise, reject } = Promise.withResolvers<never>();
    const stopped = (): void => reject(stop.reason);
    stop.addEventListener("abort", stopped, { once: true });
    this.events.on("gone", reject);
    try {
      return await Promise.race([work, promise]);
    } finally {
      stop.removeEventListener("abort", stopped);
      this.events.off("gone", reject);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#client.endAsync();
  }

  async #open(): Promise<void> {
    this.#client.on("message", (topic, payload) => this.#heard(topic.slice(this.#root.length), payload));
    this.#client.on("close", () => {
      if (!this.#closed) this.#lost(new GradelineError("BROKER", `the connection to ${this.#url} was lost`));
    });
    this.#client.on("error", () => {});
    const topics = ["state", "response/+", "lane/+/verdict", "lane/+/stats"].map((topic) => this.#root + topic);
    const granted = await this.#client.subscribeAsync(topics, { qos: 1 }).catch((error: Error) => {
      throw new GradelineError("BROKER", `the broker at ${this.#url} does not let us listen: ${error.message}`);
    });
    if (granted.some(({ qos }) => qos > 2)) {
      throw new GradelineError("BROKER", `the broker at ${this.#url} does not let us listen to ${this.#root}#`, {
        hint: "allow this login to read the daemon's topics and to write its requests",
      });
    }
    const timer = setTimeout(() => this.#heardState.resolve(), STATE_MS);
    await this.#heardState.promise;
    clearTimeout(timer);
    if (this.#state === undefined) throw this.#away("was never seen at this broker");
    this.#checkThere();
  }

  #heard(topic: string, payload: Uint8Array): void {
    const value = parse(payload);
    const [first, second, third] = topic.split("/");
    if (topic === "state") {
      this.#state = readMessage("state", value) ?? this.#state;
      this.#heardState.resolve();
      try {
        this.#checkThere();
      } catch (error) {
        this.#lost(error as GradelineError);
      }
    } else if (first === "response") this.#answered(second!, value);
    else if (third === "verdict") {
      const verdict = readMessage("verdict", value);
      if (verdict !== undefined) this.events.emit("verdict", verdict);
    } else if (third === "stats") {
      const stats = readMessage("laneStats", value);
      if (stats !== undefined) this.events.emit("stats", stats);
    }
  }

  #answered(name: string, value: unknown): void {
    const verb = verbNames.find((known) => known === name);
    if (verb === undefined) return;
    const read = readResponse(verb, value);
    const { transaction } = (value ?? {}) as { transaction?: unknown };
    const pending = this.#pending.get(String(transaction));
    if (pending === undefined) return;
    if (read === undefined) {
      pending.reject(new GradelineError("BROKER", `the daemon's answer to \`${verb}\` is not as promised`));
      return;
    }
    const answer = read as
      | { status: "ok"; data: unknown }
      | { status: "error"; error: { code: string; message: string; hint?: string } };
    if (answer.status === "ok") pending.resolve(answer.data);
    else {
      const { code, message, hint } = answer.error;
      pending.reject(new GradelineError(code as ErrorCode, message, { hint }));
    }
  }

  #checkThere(): void {
    const state = this.#state?.state;
    if (state === "stopped") throw this.#away("is stopped");
    if (state === "offline") throw this.#away("is away: the broker lost its connection");
  }

  #lost(error: GradelineError): void {
    if (this.#gone !== undefined) return;
    this.#gone = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.events.emit("gone", error);
  }

  #away(what: string): GradelineError {
    return new GradelineError("BROKER", `the daemon ${this.#config.device} at ${this.#url} ${what}`, {
      hint: "start it: systemctl start gradeline, or npx gradeline --config FILE; is --config the file that it runs with?",
      retry: true,
    });
  }

  get #url(): string {
    return brokerUrls(this.#config.mqtt).join(", ");
  }
}

/** The first broker that answers, of those that the daemon tries. */
async function connectTo(config: Config): Promise<MqttClient> {
  const [first, ...others] = brokerUrls(config.mqtt);
  const to = (url: string): Promise<MqttClient> => connectToOne({ ...config, mqtt: { ...config.mqtt, url } });
  return others.reduce((tried, url) => tried.catch(() => to(url)), to(first));
}

async function connectToOne(config: Config): Promise<MqttClient> {
  const { mqtt } = config;
  try {
    return await connectAs(config, mqtt.protocol === "auto" ? "5" : mqtt.protocol);
  } catch (error) {
    if (mqtt.protocol === "auto" && fallsBack(error)) {
      return await connectAs(config, "3.1.1").catch((again: unknown) => {
        throw unreachable(config, again);
      });
    }
    throw unreachable(config, error);
  }
}

async function connectAs({ mqtt, device }: Config, protocol: Protocol): Promise<MqttClient> {
  // Not the daemon's name, which would end its connection, and no will: we speak for nobody.
  const { will: _, ...options } = await brokerOptions(mqtt, device, protocol, CONNECT_MS);
  const clientId = `gradeline-calibrate-${randomBytes(4).toString("hex")}`;
  return connectAsync(mqtt.url, { ...options, clientId }, false);
}

function unreachable({ mqtt }: Config, error: unknown): GradelineError {
  if (error instanceof GradelineError) return error;
  const { message, hint } = reasonOf(error);
  return new GradelineError("BROKER", `no connection to the broker at ${mqtt.url}: ${message}`, {
    hint: hint ?? "check `mqtt.url` and that the broker runs",
    retry: true,
    cause: error,
  });
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
}
