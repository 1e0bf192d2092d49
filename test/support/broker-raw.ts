import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Bell } from "./wait.ts";

export interface RawPacket {
  /** MQTT 5, table 2-1: 1 CONNECT, 3 PUBLISH, 8 SUBSCRIBE, 14 DISCONNECT. */
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** A connection to {@link RawBroker}. */
export class RawConnection {
  readonly packets: RawPacket[] = [];
  readonly #socket: Socket;

  constructor(socket: Socket, heard: (packet: RawPacket) => void) {
    this.#socket = socket;
    let rest = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let read = readPacket(rest); read !== undefined; read = readPacket(rest)) {
        rest = rest.subarray(read.bytes);
        this.packets.push(read.packet);
        heard(read.packet);
      }
    });
  }

  /** @param reason 0 takes the client. @param properties bytes of MQTT 5's properties */
  connack(reason = 0, properties: readonly number[] = []): void {
    this.#socket.write(Uint8Array.from([0x20, 3 + properties.length, 0, reason, properties.length, ...properties]));
  }

  puback(packetId: number): void {
    this.#socket.write(Uint8Array.from([0x40, 2, packetId >> 8, packetId & 255]));
  }

  send(bytes: Uint8Array | readonly number[]): void {
    this.#socket.write(Uint8Array.from(bytes));
  }

  /** Closes it when what was written is out. */
  finish(): void {
    this.#socket.end();
  }

  end(): void {
    this.#socket.destroy();
  }

  published(): RawPacket[] {
    return this.packets.filter(({ type }) => type === 3);
  }
}

/** A broker of MQTT 5 that does nothing by itself: the test writes its answers, to the byte. */
export class RawBroker {
  readonly connections: RawConnection[] = [];
  readonly #server: Server;
  readonly #bell = new Bell();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param answer what it does with each packet that comes */
  static async start(answer: (connection: RawConnection, packet: RawPacket) => void): Promise<RawBroker> {
    const server = createServer();
    const broker = new RawBroker(server);
    server.on("connection", (socket) => {
      const connection: RawConnection = new RawConnection(socket, (packet) => {
        answer(connection, packet);
        broker.#bell.ring();
      });
      broker.connections.push(connection);
      broker.#bell.ring();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async until(look: () => boolean): Promise<void> {
    const came = () => this.connections.map(({ packets }) => packets.map(({ type }) => type).join(" "));
    await this.#bell.until(() => look() || undefined, came, { what: String(look) });
  }

  /** For news that no packet brings. */
  ring(): void {
    this.#bell.ring();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.connections) connection.end();
    await closed;
  }
}

/** @returns the number of a PUBLISH with QoS 1 */
export function packetIdOf({ body }: RawPacket): number {
  return body.readUInt16BE(2 + body.readUInt16BE(0));
}

export function topicOf({ body }: RawPacket): string {
  return body.subarray(2, 2 + body.readUInt16BE(0)).toString();
}

function readPacket(bytes: Buffer): { packet: RawPacket; bytes: number } | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(5, bytes.length); at++) {
    length += (bytes[at]! & 127) * 128 ** (at - 1);
    if (bytes[at]! >= 128) continue;
    const end = at + 1 + length;
    if (bytes.length < end) return undefined;
    const body = Buffer.from(bytes.subarray(at + 1, end));
    return { packet: { type: bytes[0]! >> 4, flags: bytes[0]! & 15, body }, bytes: end };
  }
  return undefined;
}
