import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { type TestContext, test } from "node:test";
import { actionCommand, sendAction } from "../../../../device/capture/gige/action.ts";
import { enterOwnNetwork } from "../../../support/own-network.ts";

/*
 * Aravis' fake camera knows no action command. What is tested here is the protocol, against a peer of the test's own
 * that answers as the standard says.
 */

const skip = enterOwnNetwork();
const KEYS = { deviceKey: 0x11223344, groupKey: 0x55667788, groupMask: 0xffffffff };

/** A camera's control port, which answers an action command with a status, or not at all. */
async function camera(t: TestContext, address: string, status: number | undefined): Promise<Buffer[]> {
  const heard: Buffer[] = [];
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.on("message", (command, from) => {
    heard.push(command);
    if (status === undefined) return;
    const answer = Buffer.alloc(8);
    answer.writeUInt16BE(status, 0);
    answer.writeUInt16BE(0x0101, 2);
    command.copy(answer, 6, 6, 8);
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => void socket.bind(3956, address, resolve));
  return heard;
}

test("an action command is laid out as GigE Vision says", () => {
  assert.equal(actionCommand(KEYS, 0x0102).toString("hex"), "42010100000c0102" + "11223344" + "55667788" + "ffffffff");
});

test("one command goes to every camera, and all of them answer it", { skip }, async (t) => {
  const heard = await Promise.all(["127.0.0.11", "127.0.0.12", "127.0.0.13"].map((address) => camera(t, address, 0)));
  const at = await sendAction(KEYS, ["127.0.0.11", "127.0.0.12", "127.0.0.13"]);
  assert.ok(at > 0);
  const id = heard[0]![0]!.readUInt16BE(6);
  assert.ok(id > 0, "0 is no id");
  for (const commands of heard) assert.deepEqual(commands, [actionCommand(KEYS, id)]);
});

test("a camera that refuses the command and one that does not answer are named", { skip }, async (t) => {
  await camera(t, "127.0.0.21", 0);
  await camera(t, "127.0.0.22", 0x8006);
  await camera(t, "127.0.0.23", undefined);
  await assert.rejects(sendAction(KEYS, ["127.0.0.21", "127.0.0.22", "127.0.0.23"]), {
    code: "SOURCE",
    message: "action command: camera 127.0.0.22 refuses it (status 0x8006); camera 127.0.0.23 does not answer",
  });
});
