import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/**
 * A cable that loses packets, before a GigE Vision camera that keeps what it sent: `node camera-relay.ts LISTEN CAMERA
 * EVERY`. Orders (GVCP) go through as they are, but for where the stream shall go; of the stream (GVSP) about one packet
 * in EVERY is lost the first time, and sent when it is asked for again, as real cameras do and the fake one does not.
 * Prints a line when it is ready, and one JSON object with what it did when it gets SIGTERM.
 *
 * @see GigE Vision 2.0: headers of GVCP 15.1, WRITEREG 15.3.3, PACKETRESEND 15.5, header of GVSP 24.1
 */
const [listen = "127.0.0.2", camera = "127.0.0.1", every = "1000"] = process.argv.slice(2);
const GVCP_PORT = 3956;
const DISCOVERY_ACK = 0x0003;
const WRITE_REGISTER = 0x0082;
const WRITE_MEMORY = 0x0086;
const PACKET_RESEND = 0x0040;
/** In the answer to a discovery, behind its header: the camera's address. */
const CURRENT_IP_AT = 8 + 0x24;
const STREAM_PORT = 0x0d00;
const STREAM_ADDRESS = 0x0d18;
const STATUS_RESENT = 0x0100;
/** Packets kept: some seconds of a small picture. */
const KEPT = 20_000;

const orders = await bound(listen, GVCP_PORT);
const toCamera = await bound(listen, 0);
const stream = await bound(listen, 0);
const here = Buffer.from(listen.split(".").map(Number)).readUInt32BE();
let client = { address: "", port: 0 };
let target = { address: "", port: 0 };
const kept = new Map<number, Buffer>();
/** `lossy`: ids of the frames that lost a packet, as the camera counts them. */
const counts = { packets: 0, lossy: [] as number[], resent: 0 };
let chance = 1;

orders.on("message", (packet, from) => {
  client = from;
  const command = packet.readUInt16BE(2);
  if (command === PACKET_RESEND) return resend(packet);
  if (command === WRITE_REGISTER) for (let at = 8; at + 8 <= packet.length; at += 8) redirect(packet, at, from.address);
  if (command === WRITE_MEMORY) redirect(packet, 8, from.address);
  toCamera.send(packet, GVCP_PORT, camera);
});
toCamera.on("message", (packet) => {
  if (packet.readUInt16BE(2) === DISCOVERY_ACK) packet.writeUInt32BE(here, CURRENT_IP_AT);
  orders.send(packet, client.port, client.address);
});
stream.on("message", (packet) => {
  counts.packets++;
  kept.set(keyOf(packet.readUInt16BE(2), packet.readUIntBE(5, 3)), packet);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  // Numbers that look like chance but are the same each time.
  chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0;
  if (chance % Number(every) === 0) counts.lossy.push(packet.readUInt16BE(2));
  else stream.send(packet, target.port, target.address);
});
process.on("SIGTERM", () => process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0)));
process.stdout.write("ready\n");

function redirect(packet: Buffer, at: number, address: string): void {
  const register = packet.readUInt32BE(at);
  if (register === STREAM_ADDRESS && packet.readUInt32BE(at + 4) !== 0) {
    target = { ...target, address };
    packet.writeUInt32BE(here, at + 4);
  }
  if (register === STREAM_PORT && packet.readUInt16BE(at + 6) !== 0) {
    target = { ...target, port: packet.readUInt16BE(at + 6) };
    packet.writeUInt16BE(stream.address().port, at + 6);
  }
}

function resend(packet: Buffer): void {
  const block = packet.readUInt32BE(8) & 0xffff;
  const [first, last] = [packet.readUInt32BE(12), packet.readUInt32BE(16)];
  for (let id = first; id <= last; id++) {
    const lost = kept.get(keyOf(block, id));
    if (lost === undefined) continue;
    lost.writeUInt16BE(STATUS_RESENT, 0);
    stream.send(lost, target.port, target.address);
    counts.resent++;
  }
}

function keyOf(block: number, packet: number): number {
  return block * 2 ** 24 + packet;
}

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  socket.bind(port, address);
  await once(socket, "listening");
  return socket;
}
