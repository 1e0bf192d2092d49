import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { cpuMs, rssMb } from "./proc.ts";
import type { CameraRow } from "./row.ts";

/** Frames that a tool says it has taken, those it says are missing, and when it said so last. */
interface Count {
  frames: number;
  missing: number;
  atMs: number;
}

/**
 * A GStreamer pipeline into its own sink, which says each frame with the source's number.
 *
 * @param pipeline what comes before the sink
 */
export function bareGst(source: string, pipeline: string, seconds: number): Promise<CameraRow> {
  const words = `-v ${pipeline} ! fakesink silent=false sync=false`.split(" ");
  let last: number | undefined;
  return bare(source, spawnTool("gst-launch-1.0", words), seconds, (line, count) => {
    const offset = /last-message = chain .* offset: (\d+),/.exec(line)?.[1];
    if (offset === undefined) return;
    count.frames++;
    if (last !== undefined) count.missing += Number(offset) - last - 1;
    last = Number(offset);
  });
}

/** Aravis' own tool, which says once a second how many frames came and how many of them are bad. */
export function bareAravis(source: string, options: string, seconds: number): Promise<CameraRow> {
  const child = spawnTool("arv-camera-test-0.8", options.split(" "));
  return bare(source, child, seconds, (line, count) => {
    // Bad ones are told where there are any: `60 frames/s - 166 MiB/s - 1 error`.
    const said = /(\d+) frames\/s(?:.* (\d+) error)?/.exec(line);
    if (said === null) return;
    count.frames += Number(said[1]);
    count.missing += Number(said[2] ?? 0);
  });
}

function spawnTool(command: string, words: readonly string[]): ChildProcess {
  // By lines also into a pipe.
  return spawn("stdbuf", ["-oL", command, ...words], { stdio: ["ignore", "pipe", "ignore"] });
}

async function bare(
  source: string,
  child: ChildProcess,
  seconds: number,
  take: (line: string, count: Count) => void,
): Promise<CameraRow> {
  const count: Count = { frames: 0, missing: 0, atMs: 0 };
  const lines = createInterface({ input: child.stdout! });
  lines.on("line", (line) => {
    const before = count.frames;
    take(line, count);
    if (count.frames > before) count.atMs = performance.now();
  });
  const early = once(child, "exit").then(([code]) => {
    throw new Error(`${child.spawnargs.join(" ")} ended with code ${code}`);
  });
  // Later it is ended on purpose.
  early.catch(() => {});
  while (count.frames === 0) await Promise.race([once(lines, "line"), early]);
  await pause(1000);
  const pid = child.pid!;
  const [before, cpuBefore, from] = [{ ...count }, cpuMs([pid]), performance.now()];
  await pause(seconds * 1000);
  const spentMs = performance.now() - from;
  const used = cpuMs([pid]) - cpuBefore;
  const frames = count.frames - before.frames;
  const missing = count.missing - before.missing;
  const rss = rssMb(pid);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  return {
    source,
    // A tool that speaks once a second is taken by what it said.
    framesPerS: (frames * 1000) / (count.atMs - before.atMs),
    missing,
    programsPercent: (used / spentMs) * 100,
    rssMb: rss,
  };
}
