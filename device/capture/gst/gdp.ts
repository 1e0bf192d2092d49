import { GradelineError } from "../../base/errors.ts";
import type { ByteTaker } from "../live/pipe.ts";

/**
 * Reader of the GStreamer Data Protocol 1.0 as `gdppay` writes it: a header of 62 bytes, big-endian, before each event,
 * caps and buffer.
 *
 * @see gst-plugins-bad, gst/gdp/dataprotocol.h
 */
const HEADER = 62;
const TYPE = 4;
const LENGTH = 6;
const PTS = 10;
const OFFSET = 26;
const FLAGS = 42;
const TYPE_BUFFER = 1;
const TYPE_CAPS = 2;
/** GST_BUFFER_FLAG_CORRUPTED */
const CORRUPTED = 1 << 8;
const NONE = 0xffff_ffff_ffff_ffffn;
/** Caps and events are text of a few hundred bytes; what claims more is no GDP. */
const MAX_TEXT = 1 << 16;

export interface GdpBuffer {
  readonly bytes: number;
  /** Nanoseconds on the pipeline's clock; undefined where the buffer has none. */
  readonly ptsNs: bigint | undefined;
  /** The source's own frame number; undefined if it gives none. */
  readonly offset: number | undefined;
  readonly corrupted: boolean;
}

export interface GdpListener {
  caps(text: string): void;
  /** Called at the start of a buffer. @returns memory for its bytes, `buffer.bytes` or more */
  place(buffer: GdpBuffer): Uint8Array;
  /** All bytes of the buffer are where `place` said. */
  buffer(buffer: GdpBuffer): void;
}

/** Takes a GDP stream in pieces of any size; the bytes of buffers go straight to where the listener wants them. */
export class GdpReader implements ByteTaker {
  readonly #listener: GdpListener;
  readonly #header = Buffer.alloc(HEADER);
  #into: Uint8Array = this.#header;
  #filled = 0;
  #wanted = HEADER;
  #then: (() => void) | undefined;

  constructor(listener: GdpListener) {
    this.#listener = listener;
  }

  target(): Uint8Array {
    return this.#into.subarray(this.#filled, this.#wanted);
  }

  /** @throws {GradelineError} SOURCE when the stream is no GDP */
  advance(bytes: number): void {
    this.#filled += bytes;
    // A payload may be empty: then the next header follows at once.
    while (this.#filled === this.#wanted) {
      const then = this.#then;
      if (then === undefined) this.#beginPayload();
      else {
        this.#expect(this.#header, HEADER, undefined);
        then();
      }
    }
  }

  #expect(into: Uint8Array, wanted: number, then: (() => void) | undefined): void {
    this.#into = into;
    this.#filled = 0;
    this.#wanted = wanted;
    this.#then = then;
  }

  #beginPayload(): void {
    const header = this.#header;
    if (header[0] !== 1 || header[1] !== 0) {
      throw new GradelineError("SOURCE", `expected GDP 1.0 from the pipeline, got ${header.toString("hex", 0, 4)}`);
    }
    const type = header.readUInt16BE(TYPE);
    const length = header.readUInt32BE(LENGTH);
    if (type === TYPE_BUFFER) {
      const buffer: GdpBuffer = {
        bytes: length,
        ptsNs: wordAt(header, PTS),
        offset: offsetOf(header),
        corrupted: (header.readUInt16BE(FLAGS) & CORRUPTED) !== 0,
      };
      this.#expect(this.#listener.place(buffer), length, () => this.#listener.buffer(buffer));
      return;
    }
    if (length > MAX_TEXT) throw new GradelineError("SOURCE", `a GDP text of ${length} bytes came from the pipeline`);
    const text = Buffer.alloc(length);
    this.#expect(text, length, () => {
      if (type === TYPE_CAPS) this.#listener.caps(text.toString("utf8").replace(/\0$/, ""));
    });
  }
}

function wordAt(header: Buffer, at: number): bigint | undefined {
  const value = header.readBigUInt64BE(at);
  return value === NONE ? undefined : value;
}

function offsetOf(header: Buffer): number | undefined {
  const value = wordAt(header, OFFSET);
  return value === undefined ? undefined : Number(value);
}

export interface VideoCaps {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Bytes from row to row: GStreamer pads rows of RGB to multiples of 4. */
  readonly strideBytes: number;
  /** Undefined where the rate may vary. */
  readonly periodUs: number | undefined;
}

/**
 * @param text caps as GStreamer writes them
 * @throws {GradelineError} SOURCE when they are not raw RGB video
 */
export function parseCaps(text: string): VideoCaps {
  const format = /format=\(string\)"?(\w+)/.exec(text)?.[1];
  const widthPx = Number(/width=\(int\)(\d+)/.exec(text)?.[1]);
  const heightPx = Number(/height=\(int\)(\d+)/.exec(text)?.[1]);
  if (!text.startsWith("video/x-raw") || format !== "RGB" || !(widthPx > 0) || !(heightPx > 0)) {
    throw new GradelineError("SOURCE", `expected raw RGB video from the pipeline, got ${text.slice(0, 200)}`);
  }
  const rate = /framerate=\(fraction\)(\d+)\/(\d+)/.exec(text);
  const fps = rate === null ? 0 : Number(rate[1]) / Number(rate[2]);
  return {
    widthPx,
    heightPx,
    strideBytes: Math.ceil((widthPx * 3) / 4) * 4,
    periodUs: fps > 0 ? 1e6 / fps : undefined,
  };
}
