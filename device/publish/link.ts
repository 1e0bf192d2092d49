import { connect, type IConnackPacket, type MqttClient } from "mqtt";
import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { brokerUrls, type MqttConfig } from "../config/mqtt.ts";
import type { MessageForm } from "../contract/form.ts";
import type { BrokerHealth } from "../contract/messages.ts";
import { brokerOptions, MAX_PACKET_BYTES, type Protocol } from "./broker-options.ts";
import { fallsBack, isLasting, isRefusal, reasonOf, refusesToRetain } from "./link-errors.ts";
import { packetGuard } from "./packet-guard.ts";
import { Session } from "./session.ts";

/** How long things may take and how often they are tried again. */
export interface LinkTiming {
  /** Wait before the second try; doubles from there, less up to half of it by chance. */
  readonly firstMs: number;
  readonly capMs: number;
  /** Wait where the broker turned us away: soon again would change nothing. */
  readonly refusedMs: number;
  readonly connectMs: number;
  readonly ackMs: number;
}

export const LINK_TIMING: LinkTiming = {
  firstMs: 200,
  capMs: 5000,
  refusedMs: 15_000,
  connectMs: 10_000,
  ackMs: 30_000,
};

export interface LinkParts {
  readonly mqtt: MqttConfig;
  readonly device: string;
  readonly log: Log;
  readonly form: MessageForm;
  readonly timing: LinkTiming;
  up(session: Session): void;
  /** @returns the topic that the connection may have ended for */
  down(): string | undefined;
  /** Something was acknowledged. */
  room(): void;
  /** The broker tells nobody when the connection is lost: what it would say is not said there at all. */
  readonly withoutWill?: boolean | undefined;
}

const GOODBYE_MS = 1000;
/** How long a connection that the broker ended counts, and how many are too many. */
const DROPS_MS = 60_000;
const MANY_DROPS = 3;
const FLAPPING = "the broker ends each connection soon after it is made";
const FLAPPING_HELP = {
  hint: "give each device its own `device` or `mqtt.clientId`: two of one name throw each other out",
};

/** A connection that the broker had accepted and ended. */
interface Drop {
  /** Milliseconds of a clock that never goes back. */
  readonly at: number;
  readonly lasting: boolean;
  readonly message: string;
  readonly hint: string | undefined;
}

/** How one attempt or connection ended. */
interface End {
  readonly error: unknown;
  readonly slow: boolean;
  /** The broker had accepted it. */
  readonly accepted: boolean;
  /** It ended for something that will not be repeated for ever. */
  readonly known: boolean;
}

/**
 * Keeps a connection to the broker. Every attempt is a client of its own, so that nothing of an old connection, no
 * queue and no repeat of mqtt.js, lives on in the next.
 */
export class Link implements Closable {
  readonly #parts: LinkParts;
  /** The broker keeps retained messages, as far as is known. */
  #retains = true;
  /** Which of the brokers is tried. */
  #turn = 0;
  #client: MqttClient | undefined;
  #session: Session | undefined;
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #closed = false;
  #state: BrokerHealth["state"] = "connecting";
  #protocol: Protocol | null = null;
  #reason: string | null = "not connected yet";
  #connects = 0;
  /** Attempts and brief connections in a row. */
  #tries = 0;
  /** The connection ends because we left it. */
  #left = false;
  /** Connections that the broker ended in the last minute, with their reasons. */
  readonly #drops: Drop[] = [];

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  get health(): Omit<BrokerHealth, "refused"> {
    return { state: this.#state, protocol: this.#protocol, reason: this.#reason, connects: this.#connects };
  }

  /** Of the broker that is connected, or tried next. */
  get url(): string {
    const urls = brokerUrls(this.#parts.mqtt);
    return urls[this.#turn % urls.length]!;
  }

  /** The reason to report if connections end again and again; undefined if they last. */
  get unstable(): { readonly message: string; readonly hint: string } | undefined {
    const now = performance.now();
    const drops = this.#drops.filter(({ at }) => now - at < DROPS_MS);
    // What another try at once would not change is worth telling the first time.
    const lasting = drops.findLast((drop) => drop.lasting);
    if (lasting === undefined && drops.length < MANY_DROPS) return undefined;
    const { message, hint } = lasting ?? { message: FLAPPING, ...FLAPPING_HELP };
    return { message, hint: hint ?? FLAPPING_HELP.hint };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Says goodbye, so that the broker keeps the will to itself, and stops trying. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    this.#session?.end();
    const cut = this.#leave();
    await this.#running;
    clearTimeout(cut);
    this.#state = "closed";
    this.#reason = "closed";
  }

  /** Disconnects and connects again with the current configuration. */
  reconnect(): void {
    this.#retains = true;
    this.#turn = 0;
    this.#tries = 0;
    this.#left = this.#client !== undefined;
    this.#leave();
    this.#wake?.();
  }

  /** Nothing more is wanted of this attempt. */
  get #over(): boolean {
    return this.#closed || this.#left;
  }

  /** Ends the connection, if there is one. @returns what cuts it off where the broker is slow to let go */
  #leave(): NodeJS.Timeout | undefined {
    const client = this.#client;
    if (!client?.connected) {
      client?.stream.destroy();
      return undefined;
    }
    const cut = setTimeout(() => client.stream.destroy(), GOODBYE_MS);
    client.end(Object.keys(client.outgoing).length > 0);
    return cut;
  }

  async #run(): Promise<void> {
    const { timing, mqtt } = this.#parts;
    while (!this.#closed) {
      const since = performance.now();
      let end = await this.#connection(mqtt.protocol === "auto" ? "5" : mqtt.protocol);
      if (!end.accepted && this.#retains && refusesToRetain(end.error) && !this.#over) {
        this.#retains = false;
        end = await this.#connection("5");
      }
      if (!end.accepted && mqtt.protocol === "auto" && fallsBack(end.error) && !this.#over) {
        end = await this.#connection("3.1.1");
      }
      if (this.#closed) return;
      if (this.#left) {
        this.#left = false;
        continue;
      }
      const { url } = this;
      // One whose connection was lost may be back at once; where it is not, the next has its turn.
      if (!end.accepted) this.#turn++;
      // One that was taken and lost at once counts as a failure: else a broker that does so would be hammered.
      const brief = performance.now() - since <= timing.capMs;
      this.#tries = (end.accepted && !brief) || end.known ? 0 : this.#tries + 1;
      if (end.accepted && !end.known) this.#dropped(end.error);
      if (end.accepted && brief && !end.slow && this.#tries > 2)
        end = { ...end, error: new GradelineError("BROKER", FLAPPING, FLAPPING_HELP) };
      this.#tell(end, url);
      const doubled = timing.firstMs * 2 ** Math.max(0, this.#tries - 1);
      const base = end.slow ? timing.refusedMs : Math.min(timing.capMs, doubled);
      await this.#pause(base * (0.5 + Math.random() / 2));
    }
  }

  /** One connection from its first byte to its end. */
  async #connection(protocol: Protocol): Promise<End> {
    const { mqtt, device, timing, form } = this.#parts;
    let client: MqttClient;
    try {
      const to = { ...mqtt, url: this.url };
      const { will, ...options } = await brokerOptions(to, device, protocol, timing.connectMs, form, this.#retains);
      client = connect(this.#parts.withoutWill || will === undefined ? options : { ...options, will });
    } catch (error) {
      return { error, slow: true, accepted: false, known: false };
    }
    if (this.#closed) client.stream.destroy();
    this.#client = client;
    let error: unknown;
    let slow = false;
    let session: Session | undefined;
    const drop = (reason: string, slowly: boolean) => {
      error ??= new GradelineError("BROKER", reason);
      slow ||= slowly;
      client.stream.destroy();
    };
    client.stream.on(
      "data",
      packetGuard(MAX_PACKET_BYTES, (bytes) => drop(`a packet of ${bytes} bytes`, false)),
    );
    // Small messages one by one: without this they wait for each other's acknowledgement.
    if ("setNoDelay" in client.stream) (client.stream as unknown as { setNoDelay(): void }).setNoDelay();
    client.on("connect", (connack: IConnackPacket) => {
      if (connack.properties?.maximumQoS === 0) return drop("the broker offers no QoS 1", true);
      session = new Session(client, connack, {
        protocol,
        retains: this.#retains,
        ackTimeoutMs: timing.ackMs,
        room: this.#parts.room,
        drop,
      });
      this.#accepted(session);
    });
    client.on("disconnect", (packet) => {
      error ??= Object.assign(new Error("the broker closed the connection"), { code: packet.reasonCode });
    });
    client.on("error", (cause) => {
      error ??= cause;
      client.stream.destroy();
    });
    await new Promise<void>((resolve) => client.once("close", () => resolve()));
    session?.end();
    this.#client = undefined;
    this.#session = undefined;
    if (session === undefined) return { error, slow: slow || isRefusal(error), accepted: false, known: false };
    this.#protocol = null;
    this.#state = "connecting";
    const topic = this.#parts.down();
    if (topic !== undefined && !this.#left && !slow && !isLasting(error)) {
      const ended = new GradelineError("BROKER", `the broker ended the connection while ${topic} was sent`, {
        cause: error,
      });
      return { error: ended, slow: false, accepted: true, known: true };
    }
    return { error, slow: slow || isLasting(error), accepted: true, known: false };
  }

  #accepted(session: Session): void {
    this.#session = session;
    this.#state = "connected";
    this.#protocol = session.protocol;
    this.#reason = null;
    this.#connects++;
    this.#parts.log.info({ url: this.url, protocol: session.protocol }, "connected to the broker");
    this.#parts.up(session);
  }

  #dropped(error: unknown): void {
    const now = performance.now();
    while (this.#drops.length > 0 && now - this.#drops[0]!.at >= DROPS_MS) this.#drops.shift();
    this.#drops.push({ at: now, lasting: isLasting(error), ...reasonOf(error) });
  }

  /** Each reason is told once until it changes or a connection was there in between; a log must not grow from it. */
  #tell(end: End, url: string): void {
    const { cert } = this.#parts.mqtt;
    const { message, hint } = reasonOf(end.error, !end.accepted && cert === undefined && /^(mqtts|wss|tls):/.test(url));
    const known = this.#reason === message;
    this.#state = end.slow ? "refused" : "connecting";
    this.#reason = message;
    const fields = { url, reason: message, ...(hint === undefined ? {} : { hint }) };
    const text = end.slow ? "turned away by the broker, trying on slowly" : "no connection to the broker, trying on";
    if (known) this.#parts.log.debug(fields, text);
    else if (end.slow) this.#parts.log.error(fields, text);
    else this.#parts.log.warn(fields, text);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What the caller of a first check wants to know before anything runs: can the files be read? */
export async function checkBrokerFiles(mqtt: MqttConfig, device: string): Promise<void> {
  try {
    await brokerOptions(mqtt, device, "5", 0);
  } catch (error) {
    throw asGradelineError(error, "CONFIG");
  }
}
