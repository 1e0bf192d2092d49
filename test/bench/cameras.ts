import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { gigeSchema, gstSchema } from "../../device/base/camera-config.ts";
import type { GradelineError } from "../../device/base/errors.ts";
import { nowMicros } from "../../device/base/time.ts";
import { openGige } from "../../device/capture/gige/open.ts";
import { openGst } from "../../device/capture/gst/open.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import { childrenWith, gstNeeds, hasProgram, lacking } from "../support/camera-peers.ts";
import { enterOwnNetwork } from "../support/own-network.ts";

const FAKE = "arv-fake-gv-camera-0.8";
const ADDRESS = "127.0.0.1";
/** Clock ticks a second in /proc. */
const TICKS = 100;

export interface CameraRow {
  readonly source: string;
  readonly framesPerS: number;
  readonly missing: number;
  /** Of one core: this process with its threads, and the source's own programs. */
  readonly ownPercent: number;
  readonly programsPercent: number;
  readonly hopP50Ms: number | undefined;
  readonly hopP99Ms: number | undefined;
  /** Copies in user space between the source's memory and the consumer's eyes. */
  readonly copies: string;
  readonly rssMb: number | undefined;
}

/** Measures every source that can run here, side by side with the bare tools. @param seconds for each row */
export async function run(seconds = 10): Promise<CameraRow[]> {
  enterOwnNetwork();
  const rows: CameraRow[] = [];
  const noGst = lacking(gstNeeds);
  if (noGst !== false) process.stdout.write(`gst: ${noGst}\n`);
  else await gstRows(rows, seconds);
  const noGige = lacking([{ have: hasProgram(FAKE), debian: "aravis-tools" }]);
  if (noGige !== false) process.stdout.write(`gige: ${noGige}\n`);
  else await gigeRows(rows, seconds);
  print(rows);
  return rows;
}

async function gstRows(rows: CameraRow[], seconds: number): Promise<void> {
  const live = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=RGB,width=1280,height=720,framerate=30/1";
  const free = "videotestsrc pattern=black ! video/x-raw,format=RGB,width=1280,height=720,framerate=30/1";
  rows.push(await bare("gst-launch fakesink, 720p 30/s", ["gst-launch-1.0", `-q ${live} ! fakesink`], seconds, 30));
  rows.push(await measure("gst, 720p 30/s", [await gst(live)], seconds, "1 (the pipe)"));
  const four = await Promise.all([1, 2, 3, 4].map(() => gst(live)));
  rows.push(await measure("gst, four of 720p 30/s", four, seconds, "1 (the pipe)"));
  rows.push(await measure("gst, 720p as fast as it goes", [await gst(free)], seconds, "1 (the pipe)"));
}

async function gigeRows(rows: CameraRow[], seconds: number): Promise<void> {
  const camera = spawn(FAKE, ["-i", ADDRESS], { stdio: "ignore" });
  try {
    await pause(500);
    const tool = `-n ${ADDRESS} -f 60 -w 1280 -h 720 -a --no-packet-socket --features=PixelFormat=RGB8 --duration=${seconds + 2}`;
    rows.push(await bare("arv-camera-test, 720p RGB8 60/s", ["arv-camera-test-0.8", tool], seconds, 60));
    await pause(3000);
    for (const [format, copies] of [
      ["RGB8", "0"],
      ["Mono8", "1 (to three channels)"],
    ] as const) {
      const source = await gige(format);
      rows.push(await measure(`gige, 720p ${format} 60/s`, [source], seconds, copies));
    }
  } finally {
    camera.kill();
  }
}

async function gst(pipeline: string): Promise<FrameSource> {
  return openGst(gstSchema.parse({ kind: "gst", pipeline }));
}

async function gige(pixelFormat: string): Promise<FrameSource> {
  const config = { kind: "gige", camera: ADDRESS, packetSocket: false, fps: 60, roi: { w: 1280, h: 720 }, pixelFormat };
  for (;;) {
    try {
      return await openGige(gigeSchema.parse(config));
    } catch (error) {
      if (!(error as GradelineError).retry) throw error;
    }
  }
}

async function measure(
  name: string,
  sources: readonly FrameSource[],
  seconds: number,
  copies: string,
): Promise<CameraRow> {
  const hops: number[] = [];
  let from = 0;
  let until = Number.POSITIVE_INFINITY;
  const readers = sources.map(async (source) => {
    for await (const frame of source.frames()) {
      const now = nowMicros();
      if (now >= until) break;
      if (from > 0) hops.push((now - frame.arrivedAt!) / 1000);
    }
  });
  while (sources.some(({ counters }) => counters.seen === 0)) await pause(20);
  await pause(1000);
  const programs = childrenWith("gst-launch-1.0");
  const before = counts(sources);
  const own = process.cpuUsage();
  const others = cpuMs(programs);
  from = nowMicros();
  await pause(seconds * 1000);
  const spentMs = (nowMicros() - from) / 1000;
  until = nowMicros();
  const { user, system } = process.cpuUsage(own);
  const othersMs = cpuMs(programs) - others;
  const after = counts(sources);
  await Promise.all(readers);
  for (const source of sources) await source.close();
  hops.sort((a, b) => a - b);
  return {
    source: name,
    framesPerS: (hops.length / spentMs) * 1000,
    missing: after - before,
    ownPercent: (user + system) / 10 / spentMs,
    programsPercent: (othersMs / spentMs) * 100,
    hopP50Ms: hops[Math.floor(hops.length * 0.5)],
    hopP99Ms: hops[Math.floor(hops.length * 0.99)],
    copies,
    rssMb: process.memoryUsage.rss() / 1e6,
  };
}

function counts(sources: readonly FrameSource[]): number {
  return sources.reduce((sum, { counters }) => sum + counters.dropped + (counters.lost ?? 0) + counters.incomplete, 0);
}

/** The same frames into the tool's own sink. */
async function bare(
  name: string,
  [command, words]: readonly [string, string],
  seconds: number,
  fps: number,
): Promise<CameraRow> {
  const child: ChildProcess = spawn(command, words.split(" "), { stdio: "ignore" });
  await pause(1000);
  const before = cpuMs([child.pid!]);
  await pause(seconds * 1000);
  const spentMs = cpuMs([child.pid!]) - before;
  child.kill();
  return {
    source: name,
    framesPerS: fps,
    missing: 0,
    ownPercent: 0,
    programsPercent: spentMs / 10 / seconds,
    hopP50Ms: undefined,
    hopP99Ms: undefined,
    copies: "",
    rssMb: undefined,
  };
}

function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks * 1000) / TICKS;
}

function print(rows: readonly CameraRow[]): void {
  const ms = (value: number | undefined) => (value === undefined ? "" : value.toFixed(2));
  process.stdout.write(
    "| source | frames/s | missing | CPU here, % of a core | CPU of its programs | hop p50 / p99 ms | copies | RSS MB |\n",
  );
  process.stdout.write("|---|---|---|---|---|---|---|---|\n");
  for (const row of rows) {
    const hops = row.hopP50Ms === undefined ? "" : `${ms(row.hopP50Ms)} / ${ms(row.hopP99Ms)}`;
    const { source, framesPerS, missing, ownPercent, programsPercent, copies, rssMb } = row;
    process.stdout.write(
      `| ${source} | ${framesPerS.toFixed(1)} | ${missing} | ${ownPercent.toFixed(1)} | ${programsPercent.toFixed(1)} | ${hops} | ${copies} | ${rssMb?.toFixed(0) ?? ""} |\n`,
    );
  }
}
