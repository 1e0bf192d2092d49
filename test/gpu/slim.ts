import { readFileSync, writeFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";

/**
 * Makes a library of CUDA kernels small enough to carry: `node test/gpu/slim.ts IN OUT 9.0` overwrites with zeros the
 * machine code of every other compute capability, and of kernels that only language models call. The file keeps its
 * length and its structure, so the loader finds everything where it was; zeros compress to nothing. It is for one
 * GPU's checks, never for a board.
 *
 * A section .nv_fatbin holds containers (magic 0xBA55ED50, header of 16 bytes) of entries: kind (2: machine code), length
 * of the entry's header, length of its payload, and at byte 28 the compute capability times ten.
 *
 * @see CUDA's fatbinary.h; the layout of entries was read off ONNX Runtime 1.31.1
 */
const MAGIC = Buffer.from([0x50, 0xed, 0x55, 0xba]);
const CONTAINER_HEADER = 16;
const MACHINE_CODE = 2;
const ZSTD = 0xfd2fb528;
/** Kernels of attention, mixtures of experts and quantised weights: two thirds of the code, none in an embedder. */
const LANGUAGE_MODELS = /flash|fmha|attention|moe|fpA_intB|cutlass|NBits|Beam|Greedy/i;

const [from, to, capability] = process.argv.slice(2);
if (from === undefined || to === undefined || !/^\d+\.\d$/.test(capability ?? "")) {
  process.stderr.write("usage: node test/gpu/slim.ts IN OUT CAPABILITY, such as 9.0\n");
  process.exit(2);
}
const wanted = Number(capability!.replace(".", ""));
const bytes = readFileSync(from);
let kept = 0;
let dropped = 0;
for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 4)) {
  if (bytes.readUInt16LE(at + 4) !== 1 || bytes.readUInt16LE(at + 6) !== CONTAINER_HEADER) continue;
  const end = at + CONTAINER_HEADER + Number(bytes.readBigUInt64LE(at + 8));
  for (let entry = at + CONTAINER_HEADER; entry < end; ) {
    const header = bytes.readUInt32LE(entry + 4);
    const length = Number(bytes.readBigUInt64LE(entry + 8));
    const payload = bytes.subarray(entry + header, entry + header + length);
    const own = bytes.readUInt16LE(entry) === MACHINE_CODE && bytes.readUInt32LE(entry + 28) === wanted;
    if (own && !LANGUAGE_MODELS.test(code(payload, bytes.readUInt32LE(entry + 16)).toString("latin1"))) {
      kept += length;
    } else {
      payload.fill(0);
      dropped += length;
    }
    entry += header + length;
  }
}
if (kept === 0) {
  process.stderr.write(`${from} holds no machine code for compute capability ${capability}\n`);
  process.exit(1);
}
writeFileSync(to, bytes);
console.log(`${to}: ${(kept / 1e6).toFixed(0)} MB of machine code kept, ${(dropped / 1e6).toFixed(0)} MB zeroed`);

/** @param compressed bytes of the payload that are compressed; padding follows */
function code(payload: Buffer, compressed: number): Buffer {
  if (payload.length < 4 || payload.readUInt32LE(0) !== ZSTD) return payload;
  return zstdDecompressSync(payload.subarray(0, compressed > 0 ? compressed : payload.length));
}
