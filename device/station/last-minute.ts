/** How a counter grew over the last minute, next to that of which it counts a part. */
export class LastMinute {
  readonly #samples: { readonly atMs: number; readonly part: number; readonly whole: number }[] = [];

  /**
   * Takes both counters as they are now.
   *
   * @param nowMs of a clock that never goes back, milliseconds
   * @returns how much each grew in the last minute
   */
  take(part: number, whole: number, nowMs: number): { readonly part: number; readonly whole: number } {
    const samples = this.#samples;
    // A counter that is smaller than before began anew.
    if (samples.length > 0 && whole < samples.at(-1)!.whole) samples.length = 0;
    if (samples.length === 0 || nowMs - samples.at(-1)!.atMs >= SAMPLE_MS) samples.push({ atMs: nowMs, part, whole });
    while (samples.length > 1 && nowMs - samples[1]!.atMs >= MINUTE_MS) samples.shift();
    const first = samples[0]!;
    return { part: part - first.part, whole: whole - first.whole };
  }
}

const MINUTE_MS = 60_000;
const SAMPLE_MS = 1000;
