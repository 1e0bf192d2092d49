import { setTimeout as pause } from "node:timers/promises";
import type { GradelineError } from "../../../device/base/errors.ts";
import { nowMicros } from "../../../device/base/time.ts";
import type { FrameSource } from "../../../device/capture/source.ts";
import { type SourceConfig, sourceSchema } from "../../../device/config/schema.ts";
import { openSource } from "../../../device/lanes/open-source.ts";
import { childrenWith } from "../../support/camera-peers.ts";
import { cpuMs } from "./proc.ts";
import type { CameraRow } from "./row.ts";

/**
 * Measures sources in a process of their own, so that memory is theirs alone: `node child.ts SECONDS SOURCES` with the
 * sources as a JSON array. Prints the figures as JSON.
 */
const [seconds = "10", given = "[]"] = process.argv.slice(2);
const configs = (JSON.parse(given) as unknown[]).map((config) => sourceSchema.parse(config));
const sources = await Promise.all(configs.map(open));
const figures = await measure(sources, Number(seconds));
for (const source of sources) await source.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);

/** A camera may still hold the place of the client before. */
async function open(config: SourceConfig): Promise<FrameSource> {
  for (;;) {
    try {
      return await openSource(config);
    } catch (error) {
      if (!(error as GradelineError).retry) throw error;
    }
  }
}

async function measure(all: readonly FrameSource[], forS: number): Promise<Omit<CameraRow, "source">> {
  const hops: number[] = [];
  let [from, until] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const readers = all.map(async (source) => {
    for await (const frame of source.frames()) {
      const now = nowMicros();
      if (now >= until) break;
      if (now >= from) hops.push((now - frame.arrivedAt!) / 1000);
    }
  });
  while (all.some(({ counters }) => counters.seen === 0)) await pause(20);
  await pause(1000);
  const programs = childrenWith("gst-launch-1.0");
  const [before, own, others] = [missed(all), process.cpuUsage(), cpuMs(programs)];
  from = nowMicros();
  await pause(forS * 1000);
  until = nowMicros();
  const spentMs = (until - from) / 1000;
  const { user, system } = process.cpuUsage(own);
  const othersMs = cpuMs(programs) - others;
  const missing = missed(all) - before;
  const rss = process.memoryUsage.rss() / 1e6;
  await Promise.all(readers);
  hops.sort((a, b) => a - b);
  return {
    framesPerS: (hops.length / spentMs) * 1000,
    missing,
    ownPercent: (user + system) / 10 / spentMs,
    ...(programs.length === 0 ? {} : { programsPercent: (othersMs / spentMs) * 100 }),
    hopP50Ms: hops[Math.floor(hops.length * 0.5)] ?? Number.NaN,
    hopP99Ms: hops[Math.floor(hops.length * 0.99)] ?? Number.NaN,
    rssMb: rss,
  };
}

function missed(all: readonly FrameSource[]): number {
  return all.reduce((sum, { counters }) => sum + counters.dropped + (counters.lost ?? 0) + counters.incomplete, 0);
}
