import { monitorEventLoopDelay } from "node:perf_hooks";

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/** Nearest-rank quantiles; zeros where there is nothing. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1), count: sorted.length };
}

export interface ProcessFigures {
  readonly seconds: number;
  /** Processor time of all threads over time: cores. */
  readonly cores: number;
  readonly rssStartMb: number;
  readonly rssPeakMb: number;
  readonly rssEndMb: number;
  /** Least squares over the run; says little over seconds. */
  readonly rssMbPerMin: number;
  /** The same over its second half, when everything has been used. */
  readonly rssLateMbPerMin: number;
  readonly loopDelayMs: Spread;
}

const LOOP_SAMPLE_MS = 1;
const RSS_EVERY_MS = 250;
const MB = 1024 * 1024;

/** Watches this process while it works. */
export class ProcessGauge {
  readonly #delay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  readonly #rss: { readonly atS: number; readonly mb: number }[] = [];
  readonly #since = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#delay.enable();
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), RSS_EVERY_MS);
  }

  stop(): ProcessFigures {
    clearInterval(this.#timer);
    this.#delay.disable();
    const cpu = process.cpuUsage(this.#cpu);
    this.#sample();
    const seconds = (performance.now() - this.#since) / 1000;
    const sizes = this.#rss.map(({ mb }) => mb);
    // Node counts the interval itself as delay.
    const late = (ns: number): number => Math.max(0, ns / 1e6 - LOOP_SAMPLE_MS);
    return {
      seconds,
      cores: (cpu.user + cpu.system) / 1e6 / seconds,
      rssStartMb: sizes[0]!,
      rssPeakMb: Math.max(...sizes),
      rssEndMb: sizes.at(-1)!,
      rssMbPerMin: 60 * slope(this.#rss),
      rssLateMbPerMin: 60 * slope(this.#rss.slice(this.#rss.length >> 1)),
      loopDelayMs: {
        p50: late(this.#delay.percentile(50)),
        p99: late(this.#delay.percentile(99)),
        max: late(this.#delay.max),
        count: this.#delay.count,
      },
    };
  }

  #sample(): void {
    this.#rss.push({ atS: (performance.now() - this.#since) / 1000, mb: process.memoryUsage.rss() / MB });
  }
}

function slope(points: readonly { readonly atS: number; readonly mb: number }[]): number {
  const meanS = points.reduce((sum, { atS }) => sum + atS, 0) / points.length;
  const meanMb = points.reduce((sum, { mb }) => sum + mb, 0) / points.length;
  let across = 0;
  let along = 0;
  for (const { atS, mb } of points) {
    across += (atS - meanS) * (mb - meanMb);
    along += (atS - meanS) ** 2;
  }
  return along === 0 ? 0 : across / along;
}
