import { createSocket } from "node:dgram";
import { GradelineError } from "../../base/errors.ts";
import { type Micros, nowMicros } from "../../base/time.ts";

/** By which cameras know that a command is theirs: their `ActionDeviceKey`, `ActionGroupKey` and `ActionGroupMask`. */
export interface ActionKeys {
  readonly deviceKey: number;
  readonly groupKey: number;
  readonly groupMask: number;
}

const GVCP_PORT = 3956;
const GVCP_KEY = 0x42;
const ACK_REQUIRED = 0x01;
const ACTION_CMD = 0x0100;
const ACTION_ACK = 0x0101;
const PAYLOAD_BYTES = 12;
const HEADER_BYTES = 8;
/** A camera answers within some milliseconds; one that is held up by its network later. */
const ANSWER_MS = 500;
const MOST_ID = 0xffff;

let lastId = 0;

/**
 * One action command as it goes over the network.
 *
 * @param id 1 to 65535; the answer has it
 * @see GigE Vision 2.0, 16.9 ACTION
 */
export function actionCommand({ deviceKey, groupKey, groupMask }: ActionKeys, id: number): Buffer {
  const command = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES);
  command.writeUInt8(GVCP_KEY, 0);
  command.writeUInt8(ACK_REQUIRED, 1);
  command.writeUInt16BE(ACTION_CMD, 2);
  command.writeUInt16BE(PAYLOAD_BYTES, 4);
  command.writeUInt16BE(id, 6);
  command.writeUInt32BE(deviceKey >>> 0, 8);
  command.writeUInt32BE(groupKey >>> 0, 12);
  command.writeUInt32BE(groupMask >>> 0, 16);
  return command;
}

/**
 * Has cameras expose now: one command to each, right after the other, since cameras may be on networks of their own.
 *
 * @param addresses IPv4
 * @returns when the commands went out
 * @throws {GradelineError} SOURCE that names each camera that refuses the command or does not answer
 */
export async function sendAction(keys: ActionKeys, addresses: readonly string[]): Promise<Micros> {
  lastId = (lastId % MOST_ID) + 1;
  const id = lastId;
  const command = actionCommand(keys, id);
  const left = new Map(addresses.map((address) => [address, "does not answer"]));
  const answered = Promise.withResolvers<void>();
  const socket = createSocket("udp4");
  socket.on("error", (error) => answered.reject(error));
  socket.on("message", (answer, { address }) => {
    if (answer.length < HEADER_BYTES || answer.readUInt16BE(2) !== ACTION_ACK || answer.readUInt16BE(6) !== id) return;
    const status = answer.readUInt16BE(0);
    if (status === 0) left.delete(address);
    else if (left.has(address)) left.set(address, `refuses it (status 0x${status.toString(16)})`);
    if ([...left.values()].every((why) => why.startsWith("refuses"))) answered.resolve();
  });
  let at: Micros;
  const timer = setTimeout(answered.resolve, ANSWER_MS);
  try {
    await new Promise<void>((resolve) => void socket.bind(0, resolve));
    at = nowMicros();
    for (const address of addresses) socket.send(command, GVCP_PORT, address);
    await answered.promise;
  } catch (cause) {
    throw new GradelineError("SOURCE", "the action command cannot be sent", { cause, retry: true });
  } finally {
    clearTimeout(timer);
    socket.close();
  }
  if (left.size > 0) {
    const told = [...left].map(([address, why]) => `camera ${address} ${why}`);
    throw new GradelineError("SOURCE", `action command: ${told.join("; ")}`, {
      hint: "the camera must be open, and its trigger `source: Action1`",
      retry: true,
    });
  }
  return at;
}
