import {
  connectAsync,
  type IClientOptions,
  type IClientPublishOptions,
  type IPublishPacket,
  type MqttClient,
} from "mqtt";
import { Bell, type WaitOptions } from "./wait.ts";

export interface Heard {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

/** A client that keeps what it hears and can be waited for. */
export class Subscriber {
  readonly heard: Heard[] = [];
  readonly client: MqttClient;
  readonly #bell = new Bell();

  private constructor(client: MqttClient) {
    this.client = client;
    client.on("message", (topic, payload, packet) => {
      this.heard.push({ topic, text: payload.toString(), packet });
      this.#bell.ring();
    });
  }

  static async connect(port: number, filters: string[], options: IClientOptions = {}): Promise<Subscriber> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 5,
      reconnectPeriod: 0,
      ...options,
    });
    const subscriber = new Subscriber(client);
    await client.subscribeAsync(filters, { qos: 1 });
    return subscriber;
  }

  on(suffix: string): Heard[] {
    return this.heard.filter(({ topic }) => topic.endsWith(suffix));
  }

  json(suffix: string): Record<string, unknown>[] {
    return this.on(suffix).map(({ text }) => JSON.parse(text) as Record<string, unknown>);
  }

  /** Resolves with the first value that is not undefined; asked again after each message. */
  async until<T>(look: () => T | undefined, options: WaitOptions = {}): Promise<T> {
    return this.#bell.until(look, () => this.heard.map(({ topic, text }) => `${topic} ${text}`), options);
  }

  /** Resolves when `count` messages on topics with this ending are there. */
  async count(suffix: string, count: number): Promise<Heard[]> {
    return this.until(() => (this.on(suffix).length >= count ? this.on(suffix) : undefined), {
      what: `${count} messages on topics that end in ${suffix}`,
    });
  }

  async ask(topic: string, payload: string | Buffer, options: IClientPublishOptions = {}): Promise<void> {
    await this.client.publishAsync(topic, payload, { qos: 1, ...options });
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}
