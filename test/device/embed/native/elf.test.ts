import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkLibraryFile } from "../../../../device/embed/native/elf.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const MACHINE = process.arch === "arm64" ? 0xb7 : 0x3e;
const HEADER = 64;
const SEGMENT = 56;
const SECTION = 64;
const BYTES = 4096;

/** A shared library that is nothing but its headers: two segments, three sections, 4096 bytes in all. */
function made(change: (file: Buffer) => void = () => {}): Buffer {
  const file = Buffer.alloc(BYTES);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(MACHINE, 18);
  file.writeBigUInt64LE(BigInt(HEADER), 32);
  file.writeUInt16LE(SEGMENT, 54);
  file.writeUInt16LE(2, 56);
  file.writeBigUInt64LE(BigInt(BYTES - 3 * SECTION), 40);
  file.writeUInt16LE(SECTION, 58);
  file.writeUInt16LE(3, 60);
  for (const [n, type, at, bytes] of [
    [0, 1, 0, 2000],
    [1, 6, 0, 100_000],
  ] as const) {
    const from = HEADER + n * SEGMENT;
    file.writeUInt32LE(type, from);
    file.writeBigUInt64LE(BigInt(at), from + 8);
    file.writeBigUInt64LE(BigInt(bytes), from + 32);
  }
  change(file);
  return file;
}

async function check(t: TestContext, file: Buffer): Promise<void> {
  const path = join(await temporaryFolder(t), "libonnxruntime.so");
  await writeFile(path, file);
  await checkLibraryFile(path);
}

test("a library that is as long as its headers say is taken; what is not mapped from the file does not count", async (t) => {
  await check(t, made());
  await check(
    t,
    made((file) => file.writeBigUInt64LE(BigInt(BYTES), HEADER + 32)),
  );
});

for (const [what, change, found] of [
  ["a 32-bit library", (file: Buffer) => file.writeUInt8(1, 4), /it is no 64-bit little-endian ELF file/],
  ["a big-endian library", (file: Buffer) => file.writeUInt8(2, 5), /it is no 64-bit little-endian ELF file/],
  ["another file", (file: Buffer) => file.writeUInt8(0, 0), /it is no ELF file/],
  ["one of an unknown processor", (file: Buffer) => file.writeUInt16LE(0x99, 18), /made for machine 153, this is/],
  ["a program", (file: Buffer) => file.writeUInt16LE(2, 16), /it is no shared library/],
  [
    "one whose first segment reaches beyond its end",
    (file: Buffer) => file.writeBigUInt64LE(BigInt(BYTES + 1), HEADER + 32),
    /cut short: 4096 bytes, its headers want 4097/,
  ],
  [
    "one whose segment begins too late",
    (file: Buffer) => file.writeBigUInt64LE(BigInt(BYTES - 1999), HEADER + 8),
    /its headers want 4097/,
  ],
  [
    "one whose last section reaches beyond its end",
    (file: Buffer) => file.writeUInt16LE(4, 60),
    /its headers want 4160/,
  ],
  [
    "one whose table of segments lies beyond its end",
    (file: Buffer) => file.writeBigUInt64LE(5000n, 32),
    /its headers want 5112/,
  ],
] as const) {
  test(`${what} is refused before the loader maps it`, async (t) => {
    await assert.rejects(check(t, made(change)), { code: "PROVIDER", message: found });
  });
}

test("a library that was cut is refused with its length, wherever it was cut", async (t) => {
  for (const bytes of [0, 10, 63]) {
    await assert.rejects(check(t, made().subarray(0, bytes)), { message: new RegExp(`it has ${bytes} bytes$`) });
  }
  for (const bytes of [64, 100, 300, 4095]) {
    await assert.rejects(check(t, made().subarray(0, bytes)), {
      message: /cut short: \d+ bytes, its headers want \d+/,
    });
  }
});
