/** Last values of one stage, for the page's p50 and p99; bounded. */
export class RecentValues {
  readonly #values: Float64Array;
  #count = 0;

  /** @param capacity how many of the newest values count */
  constructor(capacity = 512) {
    this.#values = new Float64Array(capacity);
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  /** Nearest-rank quantiles of the newest values; zeros where there are none. */
  quantiles(): { p50: number; p99: number; max: number } {
    const sorted = this.#values.slice(0, Math.min(this.#count, this.#values.length)).sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}
