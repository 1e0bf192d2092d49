import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Contender } from "./contenders.ts";
import { quantile } from "./quantile.ts";

/** One backend at one batch size. */
export interface EmbedRow {
  readonly backend: string;
  readonly precision: string;
  readonly batch: number;
  /** From call to result, one call after the other. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Median of the library's own run inside those calls. */
  readonly libraryMs: number;
  /** Median over the calls of what was spent outside the library's run; undefined where nothing else is done. */
  readonly overheadMs: number | undefined;
  /** With two batches under way, as the daemon keeps them. */
  readonly viewsPerS: number;
  /**
   * The same time: median over the calls of how long the library had nothing to do between the end of one run and the
   * beginning of the next, as the thread that runs it measures; undefined where one call is under way.
   */
  readonly idleMs: number | undefined;
  /** The same time: share of one core. */
  readonly cpuPercent: number;
  /** Processor time of all threads per view. */
  readonly cpuMsPerView: number;
  /** Middle of the rounds' 99th percentiles; the timer that measures it has a period of 1 ms. */
  readonly loopDelayP99Ms: number;
}

/** Turns in which the time of a batch size is shared out, so that a busy moment of the machine meets all backends. */
const ROUNDS = 20;

/** Every backend in turn; who begins a round changes, so that none has always the same place in it. */
export async function measureTurns(
  contenders: readonly Contender[],
  batch: number,
  forMs: number,
): Promise<EmbedRow[]> {
  const timings = contenders.map(() => ({
    calls: [] as number[],
    library: [] as number[],
    outside: [] as number[],
    idle: [] as number[],
    delays: [] as number[],
    views: 0,
    wallMs: 0,
    cpuMs: 0,
  }));
  const turnMs = forMs / ROUNDS / 2;
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const at = (round + turn) % contenders.length;
      const { run: embed, libraryMs, idleMs, inFlight } = contenders[at]!;
      const timing = timings[at]!;
      await embed(batch, 0);
      const since = performance.now();
      for (let runs = 0; runs === 0 || performance.now() - since < turnMs; runs++) {
        const start = performance.now();
        await embed(batch, 0);
        const took = performance.now() - start;
        const library = libraryMs();
        timing.calls.push(took);
        timing.library.push(library ?? took);
        if (library !== undefined) timing.outside.push(took - library);
      }
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const cpu = process.cpuUsage();
      const begun = performance.now();
      let calls = 0;
      const keep = async (of: number): Promise<void> => {
        do {
          await embed(batch, of);
          timing.views += batch;
          // Before the first nothing was under way.
          if (calls++ > 0 && idleMs !== undefined) timing.idle.push(idleMs());
        } while (performance.now() - begun < turnMs);
      };
      await Promise.all(Array.from({ length: inFlight }, (_, of) => keep(of)));
      const used = process.cpuUsage(cpu);
      timing.wallMs += performance.now() - begun;
      timing.cpuMs += (used.user + used.system) / 1000;
      delay.disable();
      timing.delays.push(delay.percentile(99) / 1e6);
    }
  }
  return contenders.map(({ backend, precision }, at) => {
    const { calls, library, outside, idle, delays, views, wallMs, cpuMs } = timings[at]!;
    return {
      backend,
      precision,
      batch,
      p50Ms: quantile(calls, 0.5),
      p99Ms: quantile(calls, 0.99),
      libraryMs: quantile(library, 0.5),
      overheadMs: outside.length === 0 ? undefined : quantile(outside, 0.5),
      viewsPerS: (views * 1000) / wallMs,
      idleMs: idle.length === 0 ? undefined : quantile(idle, 0.5),
      cpuPercent: (100 * cpuMs) / wallMs,
      cpuMsPerView: cpuMs / views,
      loopDelayP99Ms: quantile(delays, 0.5),
    };
  });
}
