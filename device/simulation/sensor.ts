import { hash32, Random } from "./random.ts";

/** Noise values lie in 0..2 * NOISE_MEAN; whoever adds them takes the mean off first. */
export const NOISE_MEAN = 5;
const LENGTH = 1 << 18;
/** A row reads on from its start without a wrap. */
const SPARE = 4096 * 3;

/** Sensor noise, made once and read from another place for every row of every frame. */
export class SensorNoise {
  /** Bytes 0..10, mean 5, standard deviation 1.5. */
  readonly bytes: Uint8Array;
  /** The same memory, four bytes at a time. */
  readonly words: Uint32Array;
  /** The same noise about 0, for what is drawn pixel by pixel. */
  readonly signed: Int8Array;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.bytes = new Uint8Array(LENGTH + SPARE);
    this.words = new Uint32Array(this.bytes.buffer);
    const random = new Random(seed, 0x6e6f6973);
    const drawn = Uint8Array.from({ length: 4096 }, () => Math.round(NOISE_MEAN + 1.4 * random.normal()));
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i] = drawn[random.word() & 4095]!;
    this.signed = Int8Array.from(this.bytes, (value) => value - NOISE_MEAN);
  }

  /** Where row y of frame k starts; a multiple of 4. */
  start(k: number, y: number): number {
    return hash32(this.#seed, k, y) & (LENGTH - 1) & ~3;
  }
}
