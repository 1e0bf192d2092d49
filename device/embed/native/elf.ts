import { open } from "node:fs/promises";
import { GradelineError } from "../../base/errors.ts";

const MACHINES: ReadonlyMap<number, NodeJS.Architecture> = new Map([
  [0x3e, "x64"],
  [0xb7, "arm64"],
]);
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SHARED_OBJECT = 3;
const PT_LOAD = 1;

/**
 * Holds a shared library against its own headers before the loader maps it: a file cut short would otherwise end the
 * process with SIGBUS, not with an error.
 *
 * @param path of the library
 * @throws {GradelineError} PROVIDER when the file is missing, no 64-bit ELF library, made for another processor, or
 *   shorter than its headers say
 * @see System V ABI, ELF-64 object file format
 */
export async function checkLibraryFile(path: string): Promise<void> {
  const { header, segments, sizeBytes } = await readHeaders(path);
  const problem = describeProblem(header, segments, sizeBytes);
  if (problem === undefined) return;
  throw new GradelineError("PROVIDER", `${path} is not a usable inference library: ${problem}`, {
    hint: "copy libonnxruntime.so again from the package that it came with, or name another one in embedder.library",
  });
}

interface Headers {
  readonly header: DataView;
  readonly segments: DataView;
  readonly sizeBytes: number;
}

async function readHeaders(path: string): Promise<Headers> {
  try {
    await using file = await open(path);
    const about = await file.stat();
    if (!about.isFile()) throw new Error("it is no regular file");
    const header = await part(file, 0, HEADER_BYTES);
    const wanted =
      header.byteLength === HEADER_BYTES
        ? { at: header.getBigUint64(32, true), count: header.getUint16(56, true) }
        : { at: 0n, count: 0 };
    const inside = wanted.at < BigInt(about.size);
    const segments = await part(file, inside ? Number(wanted.at) : 0, inside ? wanted.count * SEGMENT_BYTES : 0);
    return { header, segments, sizeBytes: about.size };
  } catch (error) {
    throw new GradelineError("PROVIDER", `the inference library ${path} cannot be read: ${(error as Error).message}`, {
      hint: "set embedder.library to the libonnxruntime.so of this board, or to the folder that holds it",
      cause: error,
    });
  }
}

async function part(file: Awaited<ReturnType<typeof open>>, at: number, length: number): Promise<DataView> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return new DataView(buffer.buffer, buffer.byteOffset, bytesRead);
}

function describeProblem(header: DataView, segments: DataView, sizeBytes: number): string | undefined {
  if (header.byteLength < HEADER_BYTES) return `it has ${sizeBytes} bytes`;
  if (header.getUint32(0, false) !== 0x7f454c46) return "it is no ELF file";
  if (header.getUint8(4) !== 2 || header.getUint8(5) !== 1) return "it is no 64-bit little-endian ELF file";
  const machine = header.getUint16(18, true);
  const architecture = MACHINES.get(machine) ?? `machine ${machine}`;
  if (architecture !== process.arch) return `it was made for ${architecture}, this is ${process.arch}`;
  if (header.getUint16(16, true) !== SHARED_OBJECT) return "it is no shared library";
  const wanted = wantedBytes(header, segments);
  if (wanted > BigInt(sizeBytes)) return `it is cut short: ${sizeBytes} bytes, its headers want ${wanted}`;
  return undefined;
}

/** How long the file must be: its headers' tables and every segment that is mapped from it. */
function wantedBytes(header: DataView, segments: DataView): bigint {
  const count = header.getUint16(56, true);
  const ends = [
    header.getBigUint64(32, true) + BigInt(count * SEGMENT_BYTES),
    header.getBigUint64(40, true) + BigInt(header.getUint16(58, true) * header.getUint16(60, true)),
  ];
  for (let at = 0; at + SEGMENT_BYTES <= segments.byteLength; at += SEGMENT_BYTES) {
    if (segments.getUint32(at, true) !== PT_LOAD) continue;
    ends.push(segments.getBigUint64(at + 8, true) + segments.getBigUint64(at + 32, true));
  }
  return ends.sort((a, b) => (a < b ? -1 : 1)).at(-1)!;
}
