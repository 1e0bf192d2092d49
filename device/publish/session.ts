import type { IClientPublishOptions, IConnackPacket, IPublishPacket, MqttClient } from "mqtt";
import type { Protocol } from "./broker-options.ts";

/** MQTT 5, 3.2.2.3.3: what holds where the broker names no limit. 3.1.1 knows none. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535;

export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly correlationData?: Buffer | undefined;
}

/** One connection that the broker has accepted, until it ends. */
export class Session {
  readonly protocol: Protocol;
  /** QoS 1 messages that may be unacknowledged at once. */
  readonly limit: number;
  readonly #client: MqttClient;
  readonly #ackTimeoutMs: number;
  readonly #room: () => void;
  readonly #drop: (reason: string, slow: boolean) => void;
  #inFlight = 0;
  #ackTimer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(
    client: MqttClient,
    connack: IConnackPacket,
    parts: {
      readonly protocol: Protocol;
      readonly ackTimeoutMs: number;
      /** A message was acknowledged: there is room for another. */
      room(): void;
      /** Ends the connection for a reason; `slow` where trying again at once would change nothing. */
      drop(reason: string, slow: boolean): void;
    },
  ) {
    this.#client = client;
    this.protocol = parts.protocol;
    this.limit = connack.properties?.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM;
    this.#ackTimeoutMs = parts.ackTimeoutMs;
    this.#room = parts.room;
    this.#drop = parts.drop;
  }

  /**
   * Hands one message to the connection.
   *
   * @param acked called once the broker has it (QoS 1) or it is written (QoS 0); never after the connection has ended
   * @returns false when nothing more may be in flight: the caller keeps the message and tries again on `room`
   */
  publish(message: Outgoing, acked: () => void): boolean {
    if (this.#over || this.#inFlight >= this.limit) return false;
    this.#inFlight++;
    if (this.#inFlight === 1) this.#watchAcks();
    this.#client.publish(message.topic, message.payload, this.#options(message), (error) => {
      if (this.#over) return;
      if (error) {
        // MQTT 5 brokers say no to single messages. It is not lost: the journal has it, and it is tried again later.
        this.#drop(`the broker refuses ${message.topic}: ${error.message}`, true);
        return;
      }
      this.#inFlight--;
      this.#watchAcks();
      acked();
      this.#room();
    });
    return true;
  }

  /** @throws when the broker does not grant it */
  async subscribe(
    filter: string,
    receive: (topic: string, payload: Buffer, packet: IPublishPacket) => void,
  ): Promise<void> {
    this.#client.on("message", receive);
    // 5: nothing retained at subscription (`rh`), an old command must not act; 3.1.1 has the flag on the message.
    await this.#client.subscribeAsync(filter, { qos: 1, rh: 2 });
  }

  /** The connection is gone: nothing is called any more. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#ackTimer);
  }

  #options(message: Outgoing): IClientPublishOptions {
    const { qos, retain, correlationData } = message;
    if (this.protocol !== "5") return { qos, retain };
    const properties = { contentType: "application/json", payloadFormatIndicator: true };
    return { qos, retain, properties: correlationData === undefined ? properties : { ...properties, correlationData } };
  }

  /** A broker that answers pings but acknowledges nothing would hold verdicts back for ever. */
  #watchAcks(): void {
    clearTimeout(this.#ackTimer);
    if (this.#inFlight === 0) return;
    const give = () => this.#drop(`no acknowledgement for ${this.#ackTimeoutMs / 1000} s`, false);
    this.#ackTimer = setTimeout(give, this.#ackTimeoutMs);
  }
}
