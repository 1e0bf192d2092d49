import { packetIdOf, RawBroker, type RawConnection, type RawPacket, topicOf } from "./broker-raw.ts";

/** What the broker says of itself in its CONNACK (MQTT 5, 3.2.2.3), and holds whoever connects to. */
export interface Limits {
  /** Bytes. */
  readonly maximumPacketSize?: number;
  readonly retainAvailable?: boolean;
  readonly receiveMaximum?: number;
  /** Seconds. */
  readonly serverKeepAlive?: number;
  readonly assignedClientId?: string;
  readonly wildcards?: boolean;
  /** Reason code that each SUBSCRIBE gets. */
  readonly subscribes?: number;
}

const CONNECT = 1;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const PINGREQ = 12;
const RETAIN_NOT_SUPPORTED = 0x9a;

export interface LimitedHeard {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly topic: string;
  readonly text: string;
}

/**
 * A broker of MQTT 5 with limits. It passes nothing on but keeps what it hears, and what breaks a limit; acknowledges
 * everything `ackMs` later, so that a client that sends too many at once is seen to.
 */
export class LimitedBroker {
  readonly heard: LimitedHeard[] = [];
  /** In words. */
  readonly broken: string[] = [];
  readonly #broker: RawBroker;
  readonly #limits: Limits;
  readonly #timers = new Set<NodeJS.Timeout>();
  #inFlight = 0;
  #lastAt = 0;
  #connection: RawConnection | undefined;

  private constructor(limits: Limits, broker: (answer: LimitedBroker["answer"]) => RawBroker) {
    this.#limits = limits;
    this.#broker = broker((connection, packet) => this.answer(connection, packet));
  }

  static async start(limits: Limits): Promise<LimitedBroker> {
    let answer: LimitedBroker["answer"] = () => {};
    const raw = await RawBroker.start((connection, packet) => answer(connection, packet));
    return new LimitedBroker(limits, (own) => {
      answer = own;
      return raw;
    });
  }

  get port(): number {
    return this.#broker.port;
  }

  on(suffix: string): LimitedHeard[] {
    return this.heard.filter(({ topic }) => topic.endsWith(suffix));
  }

  latest(suffix: string): Record<string, unknown> | undefined {
    const found = this.heard.findLast(({ topic }) => topic.endsWith(suffix));
    return found === undefined ? undefined : (JSON.parse(found.text) as Record<string, unknown>);
  }

  until(look: () => boolean): Promise<void> {
    return this.#broker.until(look);
  }

  /** Passes a request on. */
  ask(topic: string, payload: string): void {
    const name = Buffer.from(topic);
    const length = Buffer.from([name.length >> 8, name.length & 255]);
    const body = Buffer.concat([length, name, Buffer.from([0]), Buffer.from(payload)]);
    this.#connection!.send(Buffer.concat([Buffer.from([0x30, ...varint(body.length)]), body]));
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#broker.close();
  }

  answer(connection: RawConnection, packet: RawPacket): void {
    const { type, flags, body } = packet;
    const { maximumPacketSize = Number.POSITIVE_INFINITY, retainAvailable = true, serverKeepAlive } = this.#limits;
    const bytes = 1 + varint(body.length).length + body.length;
    if (bytes > maximumPacketSize)
      this.broken.push(`a packet of ${bytes} bytes, at most ${maximumPacketSize} are taken`);
    const now = performance.now();
    const silentMs = now - this.#lastAt;
    this.#lastAt = now;
    // Half as much again is what the protocol gives (3.1.2.10); a busy machine gets the same once more.
    if (type !== CONNECT && serverKeepAlive !== undefined && silentMs > 3000 * serverKeepAlive)
      this.broken.push(`nothing came for ${Math.round(silentMs)} ms, the keep alive is ${serverKeepAlive} s`);
    if (type === CONNECT) this.#connected(connection, retainAvailable || (body[7]! & 0x20) === 0);
    else if (type === PUBLISH) this.#published(connection, packet, retainAvailable);
    else if (type === SUBSCRIBE) {
      const reason = this.#limits.subscribes ?? (this.#limits.wildcards === false && body.includes("+") ? 0xa2 : 1);
      connection.send([0x90, 4, body[0]!, body[1]!, 0, reason]);
    } else if (type === PINGREQ) connection.send([0xd0, 0]);
    void flags;
  }

  #connected(connection: RawConnection, allowed: boolean): void {
    this.#inFlight = 0;
    this.#connection = connection;
    connection.connack(allowed ? 0 : RETAIN_NOT_SUPPORTED, allowed ? this.#properties() : []);
    if (!allowed) connection.finish();
  }

  #published(connection: RawConnection, packet: RawPacket, retains: boolean): void {
    const { flags, body } = packet;
    const topic = topicOf(packet);
    if ((flags & 1) === 1 && !retains) this.broken.push(`a retained message on ${topic}`);
    const qos1 = (flags & 6) !== 0;
    let at = 2 + topic.length + (qos1 ? 2 : 0);
    const properties = body[at]!;
    // 0x23: an alias for a topic, of which this broker takes none.
    if (topic === "" || body[at + 1] === 0x23) this.broken.push("a topic alias");
    at += 1 + properties;
    this.heard.push({ atMs: Date.now(), topic, text: body.subarray(at).toString() });
    if (!qos1) return;
    const limit = this.#limits.receiveMaximum ?? 65_535;
    if (++this.#inFlight > limit) this.broken.push(`${this.#inFlight} messages at once, at most ${limit} are taken`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (connection !== this.#connection) return;
      this.#inFlight--;
      connection.puback(packetIdOf(packet));
    }, 5);
    this.#timers.add(timer);
  }

  #properties(): number[] {
    const { maximumPacketSize, retainAvailable, receiveMaximum, serverKeepAlive, assignedClientId } = this.#limits;
    const bytes: number[] = [];
    if (serverKeepAlive !== undefined) bytes.push(0x13, serverKeepAlive >> 8, serverKeepAlive & 255);
    if (assignedClientId !== undefined) bytes.push(0x12, 0, assignedClientId.length, ...Buffer.from(assignedClientId));
    if (receiveMaximum !== undefined) bytes.push(0x21, receiveMaximum >> 8, receiveMaximum & 255);
    if (retainAvailable === false) bytes.push(0x25, 0);
    if (maximumPacketSize !== undefined) bytes.push(0x27, 0, 0, maximumPacketSize >> 8, maximumPacketSize & 255);
    if (this.#limits.wildcards === false) bytes.push(0x28, 0);
    return bytes;
  }
}

function varint(length: number): number[] {
  const digits: number[] = [];
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...digits, rest];
    digits.push((rest % 128) | 128);
  }
}
