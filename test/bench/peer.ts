import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { GradelineError } from "../../device/base/errors.ts";
import { Scope } from "../../device/base/lifecycle.ts";
import { runBare } from "./line/bare.ts";
import { startBroker } from "./line/broker.ts";
import { LEAD_FRAMES, rawFile, viewsFile } from "./line/raw.ts";
import { type BenchLine, enrollGallery } from "./line/setup.ts";
import { inChild } from "./line.ts";
import { runSide, type SideFigures, type SideTask } from "./peer/side.ts";
import { table } from "./table.ts";

/** The product beside the same line in Python (`peer/`), by turns on the same frames, network and gallery. */

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

interface LoadRatios {
  /** The product's over the peer's. */
  readonly itemsPerCpuRatio: Spread;
  readonly itemsPerSecondRatio: Spread;
  /** Null where frames come as fast as they are taken: their times are then no clock's. */
  readonly p99Ratio: Spread | null;
}

export interface PeerBench {
  readonly machine: {
    readonly cores: number;
    readonly processor: string;
    readonly loadBefore: number;
    readonly loadAfter: number;
    /** Why these figures say little; null where the machine was quiet. */
    readonly busy: string | null;
  };
  readonly pairs: number;
  readonly saturated: LoadRatios;
  readonly p10: LoadRatios;
  readonly p20: LoadRatios;
  /** Processor time of the whole saturated line a view, over that of the session alone. */
  readonly lineOverBareCpu: Spread;
  /** Of the product at 20 items a second on two lanes. */
  readonly pssMb: Spread;
  /** Each run, for whoever wants to look. */
  readonly runs: Readonly<Record<Load, readonly { readonly product: SideFigures; readonly peer: SideFigures }[]>>;
}

type Load = "saturated" | "p10" | "p20";

export interface PeerOptions {
  readonly pairs?: number | undefined;
  readonly seconds?: number | undefined;
  readonly progress?: (text: string) => void;
}

const FRAMES = 110;
const VIEWS = 256;
const WARM_UP_S = 4;
const BATCH = 16;
const BARE_S = 3;
/** Cameras and lanes of each load: fruit come at ten a second and lane. */
const LOADS: Readonly<Record<Load, { cameras: number; lanes: number; pace: "real" | "fast" }>> = {
  saturated: { cameras: 2, lanes: 2, pace: "fast" },
  p10: { cameras: 1, lanes: 1, pace: "real" },
  p20: { cameras: 1, lanes: 2, pace: "real" },
};
const PACKAGES = ["cv2", "numpy", "onnxruntime", "paho.mqtt.client"];
/** A machine with more than this to do besides gives figures of the other work. */
const QUIET_LOAD = 0.7;

/** @throws {GradelineError} USAGE where no Python with the peer's packages can be made */
export async function run({ pairs = 5, seconds = 10, progress = () => {} }: PeerOptions = {}): Promise<PeerBench> {
  const scope = new Scope();
  try {
    const loadBefore = loadavg()[0]!;
    const python = await peerPython(progress);
    const folder = await mkdtemp(join(tmpdir(), "gradeline-peer-"));
    scope.add({ close: () => rm(folder, { recursive: true, force: true }) });
    const broker = scope.add(await startBroker());
    const description = fileURLToPath(new URL("../../models/embedder.json", import.meta.url));
    const line: BenchLine = { folder, brokerUrl: broker.url, model: description, threads: 1 };
    progress("enrolling reference fruit, drawing frames");
    await enrollGallery(line);
    await inChild("vision", { line, seconds, frames: FRAMES, views: VIEWS });
    const runs: Record<Load, { product: SideFigures; peer: SideFigures }[]> = { saturated: [], p10: [], p20: [] };
    const overBare: number[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      for (const load of Object.keys(LOADS) as Load[]) {
        progress(`pair ${pair + 1} of ${pairs}: ${load}`);
        const task = taskOf(LOADS[load], folder, broker.url, description);
        const common = { task, folder, warmUpS: WARM_UP_S, seconds };
        const product = await runSide({ ...common, command: productCommand(), env: productEnv() });
        const peer = await runSide({ ...common, command: [python, peerFile("line.py")] });
        runs[load].push({ product, peer });
        if (load !== "saturated") continue;
        const views = viewsFile(folder);
        const bare = await runBare({ model: description, threads: 1, views, batch: BATCH, seconds: BARE_S });
        overBare.push(product.cpuMsPerView / bare.cpuMsPerView);
      }
    }
    const loadAfter = loadavg()[0]!;
    const cores = availableParallelism();
    const busy = loadBefore > QUIET_LOAD * cores ? `load ${loadBefore.toFixed(1)} before the bench began` : null;
    return {
      machine: { cores, processor: cpus()[0]?.model ?? "", loadBefore, loadAfter, busy },
      pairs,
      saturated: { ...ratiosOf(runs.saturated), p99Ratio: null },
      p10: ratiosOf(runs.p10),
      p20: ratiosOf(runs.p20),
      lineOverBareCpu: spreadOf(overBare),
      pssMb: spreadOf(runs.p20.map(({ product }) => product.pssMb)),
      runs,
    };
  } finally {
    await scope.close();
  }
}

function taskOf(
  { cameras, lanes, pace }: (typeof LOADS)[Load],
  folder: string,
  broker: string,
  description: string,
): Omit<SideTask, "out" | "journal"> {
  return {
    frames: Array.from({ length: cameras }, (_, index) => rawFile(folder, index)),
    widthPx: 1280,
    heightPx: 720,
    fps: 30,
    pace,
    lanesPerCamera: lanes,
    laneHeightPx: 360,
    mmPerPx: 0.45,
    mmPerS: 1500,
    lead: LEAD_FRAMES,
    model: description.replace(/\.json$/, ".onnx"),
    description,
    gallery: join(folder, "gallery"),
    broker,
  };
}

/** As the daemon starts: see `start` in package.json. */
function productCommand(): [string, ...string[]] {
  return [process.execPath, "--max-semi-space-size=4", peerFile("gradeline.ts")];
}

function productEnv(): NodeJS.ProcessEnv {
  return { MALLOC_ARENA_MAX: "2", NODE_COMPILE_CACHE: join(tmpdir(), "gradeline-compile-cache") };
}

function peerFile(name: string): string {
  return fileURLToPath(new URL(`./peer/${name}`, import.meta.url));
}

/** A Python of the peer's own, made once beside Node's modules. */
async function peerPython(progress: (text: string) => void): Promise<string> {
  const home = fileURLToPath(new URL("../../node_modules/.cache/peer", import.meta.url));
  const python = join(home, "bin", "python");
  const call = promisify(execFile);
  try {
    if (!existsSync(python)) {
      progress("making the peer's Python, once");
      await call("python3", ["-m", "venv", home]);
    }
    const works = await call(python, ["-c", `import ${PACKAGES.join(", ")}`]).catch(() => undefined);
    if (works === undefined) await call(python, ["-m", "pip", "install", "-q", "-r", peerFile("requirements.txt")]);
    return python;
  } catch (error) {
    throw new GradelineError("USAGE", `the peer's Python cannot be made: ${(error as Error).message.split("\n")[0]}`, {
      hint: "install python3 and python3-venv, and let pip reach its registry",
      cause: error,
    });
  }
}

function ratiosOf(pairs: readonly { readonly product: SideFigures; readonly peer: SideFigures }[]): LoadRatios {
  const of = (figure: (side: SideFigures) => number): Spread =>
    spreadOf(pairs.map(({ product, peer }) => figure(product) / figure(peer)));
  return {
    itemsPerCpuRatio: of(({ itemsPerCpuS }) => itemsPerCpuS),
    itemsPerSecondRatio: of(({ itemsPerS }) => itemsPerS),
    p99Ratio: of(({ p99Ms }) => p99Ms),
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1]!, low: sorted[0]!, high: sorted.at(-1)! };
}

/** The figures as a table for people. */
export function describe({ machine, pairs, saturated, p10, p20, lineOverBareCpu, pssMb }: PeerBench): string {
  const cell = (spread: Spread | null, digits = 2): string => {
    if (spread === null) return "–";
    const { median, low, high } = spread;
    return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  };
  const row = (name: string, key: keyof LoadRatios): string[] => [
    name,
    ...[saturated, p10, p20].map((load) => cell(load[key])),
  ];
  return [
    `${machine.cores} x ${machine.processor}, load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after; ${pairs} pairs, median (range)`,
    ...(machine.busy === null
      ? []
      : [`no verdict: the machine is busy (${machine.busy}); run it again when it is quiet`]),
    "",
    table(
      ["product / Python peer", "saturated, 4 lanes", "10 items/s", "20 items/s"],
      [
        row("items per CPU-second", "itemsPerCpuRatio"),
        row("items per second", "itemsPerSecondRatio"),
        row("p99 exposure to acknowledgement", "p99Ratio"),
      ],
    ),
    "",
    `CPU of the line / CPU of the session alone, saturated: ${cell(lineOverBareCpu)}`,
    `proportional set size at 20 items/s: ${cell(pssMb, 0)} MB`,
  ].join("\n");
}
