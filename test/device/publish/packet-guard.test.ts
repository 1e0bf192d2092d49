import assert from "node:assert/strict";
import { test } from "node:test";
import { packetGuard } from "../../../device/publish/packet-guard.ts";

/** PINGRESP, a PUBLISH of `body` bytes, PINGRESP. */
function stream(body: number): Uint8Array {
  const length = [];
  for (let left = body; ; left = Math.floor(left / 128)) {
    const more = left >= 128;
    length.push((left % 128) | (more ? 0x80 : 0));
    if (!more) break;
  }
  return Uint8Array.from([0xd0, 0, 0x30, ...length, ...new Uint8Array(body).fill(0xff), 0xd0, 0]);
}

for (const step of [1, 2, 3, 7, 100_000]) {
  test(`packets within the limit pass in pieces of ${step} bytes, whatever they hold`, () => {
    const tripped: number[] = [];
    const guard = packetGuard(20_000, (bytes) => tripped.push(bytes));
    for (const body of [0, 1, 127, 128, 16_383, 16_384, 20_000]) {
      const bytes = stream(body);
      for (let at = 0; at < bytes.length; at += step) guard(bytes.subarray(at, at + step));
    }
    assert.deepEqual(tripped, []);
  });

  test(`a packet beyond the limit is told once, from its length alone, in pieces of ${step} bytes`, () => {
    const tripped: number[] = [];
    const guard = packetGuard(20_000, (bytes) => tripped.push(bytes));
    const bytes = stream(20_001).subarray(0, 6);
    for (let at = 0; at < bytes.length; at += step) guard(bytes.subarray(at, at + step));
    guard(stream(30_000));
    assert.deepEqual(tripped, [20_001]);
  });
}
