import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Scope } from "../../device/base/lifecycle.ts";
import { countVerdicts, startBroker } from "./line/broker.ts";
import type { LoadFigures } from "./line/load.ts";
import type { SaturationFigures } from "./line/saturation.ts";
import { type BenchLine, type ChildTask, enrollGallery } from "./line/setup.ts";
import type { VisionFigures } from "./line/vision.ts";

export { describe } from "./line/describe.ts";

export interface LineBench {
  readonly machine: { readonly cores: number; readonly loadBefore: number; readonly loadAfter: number };
  readonly broker: string;
  readonly threads: number;
  readonly references: { readonly items: number; readonly views: number };
  /** Messages that a subscriber received over both parts. */
  readonly received: number;
  readonly vision: VisionFigures;
  readonly load: LoadFigures;
  readonly saturation: SaturationFigures;
}

export interface LineBenchOptions {
  /** Measured time of each part. */
  readonly seconds?: number;
  readonly threads?: number;
  /** Told what comes next. */
  readonly progress?: (text: string) => void;
}

/** Frames of each camera that the saturated line goes round in. */
const FRAMES = 110;
const VIEWS = 256;

/**
 * The whole line twice: at the pace of four lanes with ten fruit a second each, and with frames as fast as it takes
 * them. Each part runs in a process of its own, the broker and the subscriber in others.
 */
export async function run(options: LineBenchOptions = {}): Promise<LineBench> {
  const { seconds = 20, threads = 1, progress = () => {} } = options;
  const scope = new Scope();
  try {
    const loadBefore = loadavg()[0]!;
    const folder = await mkdtemp(join(tmpdir(), "gradeline-bench-"));
    scope.add({ close: () => rm(folder, { recursive: true, force: true }) });
    const broker = scope.add(await startBroker());
    const heard = scope.add(await countVerdicts(broker.url));
    const model = fileURLToPath(new URL("../../models/embedder.json", import.meta.url));
    const line: BenchLine = { folder, brokerUrl: broker.url, model, threads };
    const task: ChildTask = { line, seconds, frames: FRAMES, views: VIEWS };
    progress("enrolling reference fruit");
    const references = await enrollGallery(line);
    progress(`the line at its own pace, ${seconds} s`);
    const load = await inChild<LoadFigures>("load", task);
    progress("rendering frames, vision alone");
    const vision = await inChild<VisionFigures>("vision", task);
    progress(`the saturated line and the bare session, ${seconds} s`);
    const saturation = await inChild<SaturationFigures>("saturation", task);
    const machine = { cores: availableParallelism(), loadBefore, loadAfter: loadavg()[0]! };
    return { machine, broker: broker.name, threads, references, received: heard.count, vision, load, saturation };
  } finally {
    await scope.close();
  }
}

export interface Soak {
  readonly machine: { readonly cores: number; readonly loadBefore: number; readonly loadAfter: number };
  readonly load: LoadFigures;
}

/** The line at its own pace for long: whether memory stays what it is. */
export async function soak({ seconds = 600, threads = 1, progress = () => {} }: LineBenchOptions = {}): Promise<Soak> {
  const scope = new Scope();
  try {
    const loadBefore = loadavg()[0]!;
    const folder = await mkdtemp(join(tmpdir(), "gradeline-bench-"));
    scope.add({ close: () => rm(folder, { recursive: true, force: true }) });
    const broker = scope.add(await startBroker());
    const model = fileURLToPath(new URL("../../models/embedder.json", import.meta.url));
    const line: BenchLine = { folder, brokerUrl: broker.url, model, threads };
    progress("enrolling reference fruit");
    await enrollGallery(line);
    progress(`the line at its own pace, ${seconds} s`);
    const load = await inChild<LoadFigures>("load", { line, seconds, frames: FRAMES, views: VIEWS });
    return { machine: { cores: availableParallelism(), loadBefore, loadAfter: loadavg()[0]! }, load };
  } finally {
    await scope.close();
  }
}

/** The soak as lines for people. */
export function describeSoak({ machine, load }: Soak): string {
  const { process: figures, stages, viewsPerS, itemsPerS, frames } = load;
  const mb = (value: number): string => value.toFixed(0);
  return [
    `${figures.seconds.toFixed(0)} s, ${machine.cores} cores, load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after`,
    `RSS start ${mb(figures.rssStartMb)}, peak ${mb(figures.rssPeakMb)}, end ${mb(figures.rssEndMb)} MB; slope ${figures.rssMbPerMin.toFixed(2)}, of the second half ${figures.rssLateMbPerMin.toFixed(2)} MB/min`,
    `${viewsPerS.toFixed(0)} views/s, ${itemsPerS.toFixed(1)} items/s, frames seen ${frames.seen}, dropped ${frames.dropped}; ${figures.cores.toFixed(2)} cores`,
    `exposure to acknowledgement p50 ${stages.exposure_to_ack.p50.toFixed(1)}, p99 ${stages.exposure_to_ack.p99.toFixed(1)} ms`,
  ].join("\n");
}

/** Runs one part in a process of its own, so that its memory and its loop are nobody else's. */
export async function inChild<T>(part: "load" | "vision" | "saturation", task: ChildTask): Promise<T> {
  const child = fork(new URL(`./line/${part}.ts`, import.meta.url), [JSON.stringify(task)], {
    // As the daemon starts: see `start` in package.json, and `enableCompileCache` in its main.
    execArgv: ["--max-semi-space-size=4"],
    env: {
      ...process.env,
      MALLOC_ARENA_MAX: "2",
      NODE_COMPILE_CACHE: join(tmpdir(), "gradeline-compile-cache"),
    },
  });
  let figures: T | undefined;
  child.once("message", (message) => {
    figures = message as T;
  });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (figures === undefined) throw new Error(`the part ${part} ended with ${code}`);
  return figures;
}
