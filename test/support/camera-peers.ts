import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { Frame } from "../../device/base/frame.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import { inTime } from "./wait.ts";

/** Why a test that needs a program or a library of Debian is skipped; false where all are there. */
export function lacking(needs: readonly { readonly have: () => boolean; readonly debian: string }[]): string | false {
  const missing = needs.filter(({ have }) => !have()).map(({ debian }) => debian);
  return missing.length === 0 ? false : `needs apt-get install ${missing.join(" ")}`;
}

export function hasProgram(name: string): () => boolean {
  return () => spawnSync("sh", ["-c", 'command -v "$0"', name]).status === 0;
}

export function hasElement(name: string): () => boolean {
  return () => spawnSync("gst-inspect-1.0", ["--exists", name]).status === 0;
}

export function hasLibrary(name: string): () => boolean {
  return () => ["x86_64", "aarch64"].some((cpu) => existsSync(`/usr/lib/${cpu}-linux-gnu/${name}`));
}

/** What makes RGB of other formats. */
export const libyuvNeed = { have: hasLibrary("libyuv.so.0"), debian: "libyuv0" };

export const gstNeeds = [
  { have: hasProgram("gst-launch-1.0"), debian: "gstreamer1.0-tools" },
  { have: hasElement("videotestsrc"), debian: "gstreamer1.0-plugins-base" },
  { have: hasElement("rtspsrc"), debian: "gstreamer1.0-plugins-good" },
  { have: hasElement("gdppay"), debian: "gstreamer1.0-plugins-bad" },
];

/** Resolves when `holds` does; asks again and again, since counters and other processes send no events. */
export async function until(holds: () => boolean): Promise<void> {
  let over = false;
  const held = (async () => {
    while (!over && !holds()) await pause(5);
  })();
  await inTime(held, String(holds), () => "nothing of the kind").finally(() => {
    over = true;
  });
}

/** The next frame that suits. */
export async function nextFrame(
  frames: AsyncIterator<Frame>,
  suits: (frame: Frame) => boolean = () => true,
): Promise<Frame> {
  for (;;) {
    const next = await frames.next();
    if (next.done === true) throw new Error("the source ended");
    if (suits(next.value)) return next.value;
  }
}

/** Reads a source to its end or to `count` frames and calls `each` while a frame is valid. */
export async function readFrames(source: FrameSource, count: number, each: (frame: Frame) => void): Promise<void> {
  let left = count;
  for await (const frame of source.frames()) {
    each(frame);
    if (--left === 0) break;
  }
}

/** Process ids of this process's children whose command line holds `marker`. */
export function childrenWith(marker: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z" || Number(parent) !== process.pid) return false;
        return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(marker);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A helper program beside the tests, in its own process; ready when it prints a line. */
export async function startPeer(
  command: string,
  args: readonly string[],
  ready: (line: string) => boolean = () => true,
): Promise<Peer> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with code ${code} before it was ready`)));
    lines.on("line", (line) => {
      if (ready(line)) resolve();
    });
  });
  return new Peer(child);
}

export class Peer {
  readonly child: ChildProcess;

  constructor(child: ChildProcess) {
    this.child = child;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    await exited;
  }
}
