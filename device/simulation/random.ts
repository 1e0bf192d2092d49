/**
 * Mixes 32-bit words into one well spread 32-bit word. The finaliser of MurmurHash3 (Austin Appleby, public domain).
 *
 * @param words integers; only their low 32 bits count
 * @returns 0..2^32 - 1
 */
export function hash32(...words: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const word of words) {
    h ^= word | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    h = (h + 0x9e3779b9) | 0;
  }
  return h >>> 0;
}

/**
 * Seeded pseudo-random numbers: sfc32 ("small fast counter") by Chris Doty-Humphrey, from PractRand, public domain.
 * The same seed words give the same sequence on every machine.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(...seed: readonly number[]) {
    this.#a = hash32(1, ...seed);
    this.#b = hash32(2, ...seed);
    this.#c = hash32(3, ...seed);
    for (let i = 0; i < 12; i++) this.word();
  }

  /** The next 32-bit word, 0..2^32 - 1. */
  word(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.word() / 4294967296;
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Uniform integer in [0, count). */
  int(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** Roughly normal, mean 0, standard deviation 1, never beyond 3.5 (sum of twelve uniforms, cut). */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.unit();
    return Math.max(-3.5, Math.min(3.5, sum));
  }

  /** A unit vector, uniform on the sphere. */
  direction(): readonly [number, number, number] {
    const y = this.range(-1, 1);
    const angle = this.range(0, 2 * Math.PI);
    const ring = Math.sqrt(1 - y * y);
    return [ring * Math.cos(angle), y, ring * Math.sin(angle)];
  }
}
