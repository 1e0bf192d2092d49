import type { IClientPublishOptions, IConnackPacket, IPublishPacket, MqttClient } from "mqtt";
import { throwLater } from "../base/outlive.ts";
import type { Protocol } from "./broker-options.ts";

/** MQTT 5, 3.2.2.3.3: what holds where the broker names no limit. 3.1.1 knows none. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535;
/** Header, lengths, identifier and our properties of a PUBLISH, without topic, payload and correlation data. */
const PUBLISH_OVERHEAD = 64;
/** Reason codes of MQTT 5 that say no begin here (2.4). */
const FIRST_REFUSAL = 0x80;

export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly correlationData?: Buffer | undefined;
}

/** Takes verdicts to the broker. */
export interface Carrier {
  /** QoS 1 messages that may be unacknowledged at once. */
  readonly limit: number;
  /**
   * Hands one message to the connection.
   *
   * @param acked called once the broker has it (QoS 1) or it is written (QoS 0); never after the connection has ended
   * @param refused called instead where the broker does not take it; the connection goes on
   * @returns false when nothing more may be in flight: the caller keeps the message and tries again on `room`
   */
  publish(message: Outgoing, acked: () => void, refused: (reason: string) => void): boolean;
}

/** One connection that the broker has accepted, until it ends. */
export class Session implements Carrier {
  readonly protocol: Protocol;
  readonly limit: number;
  /** The broker keeps retained messages. */
  readonly retains: boolean;
  /** Largest packet that the broker takes, bytes. */
  readonly maxBytes: number;
  readonly #client: MqttClient;
  readonly #ackTimeoutMs: number;
  readonly #room: () => void;
  readonly #drop: (reason: string, slow: boolean) => void;
  #inFlight = 0;
  /** Verdicts in flight: only they may end a connection that acknowledges nothing. */
  #watched = 0;
  #ackTimer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(
    client: MqttClient,
    connack: IConnackPacket,
    parts: {
      readonly protocol: Protocol;
      readonly retains: boolean;
      readonly ackTimeoutMs: number;
      /** A message was acknowledged: there is room for another. */
      room(): void;
      /** Ends the connection for a reason; `slow` where trying again at once would change nothing. */
      drop(reason: string, slow: boolean): void;
    },
  ) {
    const { receiveMaximum, maximumPacketSize, retainAvailable } = connack.properties ?? {};
    this.#client = client;
    this.protocol = parts.protocol;
    this.limit = receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM;
    this.maxBytes = maximumPacketSize ?? Number.POSITIVE_INFINITY;
    this.retains = parts.retains && retainAvailable !== false;
    this.#ackTimeoutMs = parts.ackTimeoutMs;
    this.#room = parts.room;
    this.#drop = parts.drop;
  }

  publish(message: Outgoing, acked: () => void, refused: (reason: string) => void = () => {}): boolean {
    return this.#publish(message, true, acked, refused);
  }

  /** As {@link publish}, for a message that must never cost the connection: that it is not acknowledged ends nothing. */
  publishAside(message: Outgoing, acked: () => void, refused: (reason: string) => void): boolean {
    return this.#publish(message, false, acked, refused);
  }

  /** Whether the broker takes a packet of this size. */
  fits({ topic, payload, correlationData }: Outgoing): boolean {
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + (correlationData?.length ?? 0);
    return bytes + PUBLISH_OVERHEAD <= this.maxBytes;
  }

  /**
   * Asks for messages of a filter, without those that are retained.
   *
   * @throws when the broker does not grant it
   */
  async subscribe(
    filter: string,
    receive: (topic: string, payload: Buffer, packet: IPublishPacket) => void,
  ): Promise<void> {
    const [prefix] = filter.split("+");
    this.#client.on("message", (topic, payload, packet) => {
      if (!this.#over && topic.startsWith(prefix!)) throwLater(() => receive(topic, payload, packet));
    });
    // 5: nothing retained at subscription (`rh`), and the flag as it was published (`rap`): an old command must not act,
    // and a new one must not become old. 3.1.1 has the flag only on what was retained before.
    const [granted] = await this.#client.subscribeAsync(filter, { qos: 1, rh: 2, rap: true });
    if (granted !== undefined && granted.qos > 2) throw new Error(`the broker refuses to subscribe to ${filter}`);
  }

  /** The connection is gone: nothing is called any more. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#ackTimer);
  }

  #publish(message: Outgoing, watched: boolean, acked: () => void, refused: (reason: string) => void): boolean {
    if (this.#over || this.#inFlight >= this.limit) return false;
    if (!this.fits(message)) {
      const bytes = Buffer.byteLength(message.payload);
      queueMicrotask(() => refused(`its ${bytes} bytes are more than the ${this.maxBytes} that the broker takes`));
      return true;
    }
    this.#inFlight++;
    if (watched && ++this.#watched === 1) this.#watchAcks();
    this.#client.publish(message.topic, message.payload, this.#options(message), (error) => {
      if (this.#over) return;
      const code = error !== undefined && error !== null && "code" in error ? error.code : undefined;
      // Anything but a reason code of the broker means that the connection ends; that is told by its end.
      if (error && !(typeof code === "number" && code >= FIRST_REFUSAL)) return;
      this.#inFlight--;
      if (watched) {
        this.#watched--;
        this.#watchAcks();
      }
      // The client is in the middle of a packet: what is thrown here would leave it deaf for all that come after.
      throwLater(() => {
        if (error) refused(`the broker refuses it: ${error.message.replace(/^Publish error: /, "")}`);
        else acked();
      });
      throwLater(this.#room);
    });
    return true;
  }

  #options(message: Outgoing): IClientPublishOptions {
    const { qos, correlationData } = message;
    const retain = message.retain && this.retains;
    if (this.protocol !== "5") return { qos, retain };
    const properties = { contentType: "application/json", payloadFormatIndicator: true };
    return { qos, retain, properties: correlationData === undefined ? properties : { ...properties, correlationData } };
  }

  /** A broker that answers pings but acknowledges nothing would hold verdicts back for ever. */
  #watchAcks(): void {
    clearTimeout(this.#ackTimer);
    if (this.#watched === 0) return;
    const give = () => this.#drop(`no acknowledgement for ${this.#ackTimeoutMs / 1000} s`, false);
    this.#ackTimer = setTimeout(give, this.#ackTimeoutMs);
  }
}
