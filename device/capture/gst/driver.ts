import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { GradelineError } from "../../base/errors.ts";
import { nowMicros } from "../../base/time.ts";
import type { GstConfig } from "../../config/camera.ts";
import { ChildLog } from "../live/child-log.ts";
import type { FrameWriter } from "../live/exchange.ts";
import { openPipe, readPipe } from "../live/pipe.ts";
import type { Driver, FrameSink, LogLine } from "../live/reader.ts";
import { Watch } from "../live/watch.ts";
import { gstArguments } from "./arguments.ts";
import { diagnose } from "./diagnose.ts";
import { type GdpBuffer, GdpReader, parseCaps, type VideoCaps } from "./gdp.ts";

const LAUNCH = new URL("./launch.ts", import.meta.url).pathname;
const SLOTS = 3;
/** nvarguscamerasrc leaves its camera locked when it is not let finish. */
const GRACE_MS = 2000;
/** A child that stands still is not expected to. */
const STALLED_GRACE_MS = 200;

export interface GstSetup {
  readonly config: GstConfig;
  readonly password: string | undefined;
}

/** A gst-launch-1.0 child that writes frames to a pipe. */
export class GstDriver implements Driver {
  readonly #setup: GstSetup;
  readonly #log: LogLine;

  constructor(setup: GstSetup, log: LogLine) {
    this.#setup = setup;
    this.#log = log;
  }

  async run(sink: FrameSink, stop: AbortSignal): Promise<"ended" | "stopped"> {
    const { config, password } = this.#setup;
    const pipe = openPipe();
    const child = start(gstArguments(config, password), password !== undefined, pipe.writeFd);
    pipe.closeWriter();
    const lines = new ChildLog(this.#log);
    lines.follow(child.stdout!, "debug");
    lines.follow(child.stderr!, "info");
    const broken = Promise.withResolvers<never>();
    let graceMs = GRACE_MS;
    const watch = new Watch(config.startMs, (silentMs, first) => {
      graceMs = STALLED_GRACE_MS;
      broken.reject(stalled(silentMs, first));
    });
    const frames = new GstFrames(sink, watch, config.stallMs);
    const socket = readFrames(pipe.readFd, frames, broken.reject);
    try {
      const over = Promise.all([once(child, "close"), closed(socket)]);
      const stopped = once(stop, "abort").then(() => "stopped" as const);
      if (stop.aborted) return "stopped";
      const end = await Promise.race([over, stopped, broken.promise]);
      if (end === "stopped") return end;
      const [code, signal] = end[0] as [number | null, NodeJS.Signals | null];
      if (signal !== null) {
        throw new GradelineError("SOURCE", `gst-launch-1.0 was killed by ${signal}`, { retry: true });
      }
      if (code !== 0) throw diagnose(lines.last, code ?? -1);
      return "ended";
    } catch (error) {
      throw spawnFailed(error) ?? error;
    } finally {
      watch.close();
      lines.close();
      await finish(child, graceMs);
      socket.destroy();
    }
  }
}

/** @param secret whether the arguments hold what nobody else may read in the list of processes */
function start(words: string[], secret: boolean, framesFd: number): ChildProcess {
  // Messages are told apart by their English words.
  const env = { ...process.env, LC_ALL: "C.UTF-8", GST_DEBUG_NO_COLOR: "1" };
  if (!secret) return spawn("gst-launch-1.0", words, { stdio: ["ignore", "pipe", "pipe", framesFd], env });
  const stdio = ["pipe", "pipe", "pipe", framesFd] as const;
  const child = spawn(process.execPath, [LAUNCH], { stdio: [...stdio], env });
  // The program may end before it has read them; its end is reported elsewhere.
  child.stdin!.on("error", () => {});
  child.stdin!.end(JSON.stringify(words.filter((word) => word !== "-q")));
  return child;
}

function readFrames(readFd: number, frames: GstFrames, broken: (reason: unknown) => void): Socket {
  const reader = new GdpReader(frames);
  let failed = false;
  const spill = new Uint8Array(65_536);
  const socket = readPipe(readFd, {
    // After a failure the rest is read and thrown away, so that the child can finish.
    target: () => (failed ? spill : reader.target()),
    advance: (bytes) => {
      if (failed) return;
      try {
        reader.advance(bytes);
      } catch (error) {
        failed = true;
        broken(error);
      }
    },
  });
  socket.on("error", broken);
  return socket;
}

/** Puts the buffers of one child's stream into slots. */
class GstFrames {
  readonly #sink: FrameSink;
  readonly #watch: Watch;
  readonly #stallMs: number | undefined;
  #caps: VideoCaps | undefined;
  #writer: FrameWriter | undefined;
  #slot = -1;

  constructor(sink: FrameSink, watch: Watch, stallMs: number | undefined) {
    this.#sink = sink;
    this.#watch = watch;
    this.#stallMs = stallMs;
  }

  caps(text: string): void {
    const caps = parseCaps(text);
    // Caps are sent again when only their small print changes.
    if (this.#caps?.widthPx !== caps.widthPx || this.#caps.heightPx !== caps.heightPx) this.#writer = undefined;
    this.#caps = caps;
  }

  place(buffer: GdpBuffer): Uint8Array {
    const caps = this.#caps;
    if (caps === undefined) throw new GradelineError("SOURCE", "the pipeline sent a frame before its format");
    const { widthPx, heightPx, strideBytes } = caps;
    if (buffer.bytes !== strideBytes * heightPx) {
      throw new GradelineError(
        "SOURCE",
        `the pipeline sent ${buffer.bytes} bytes for a frame of ${widthPx}x${heightPx}`,
      );
    }
    if (this.#writer === undefined) {
      this.#writer = this.#sink.open(widthPx, heightPx, buffer.bytes, SLOTS);
      this.#slot = this.#writer.free.values().next().value!;
    }
    return this.#writer.bytes(this.#slot);
  }

  buffer(buffer: GdpBuffer): void {
    const arrivedAt = nowMicros();
    const { widthPx, heightPx, strideBytes, periodUs } = this.#caps!;
    if (strideBytes !== widthPx * 3) {
      const bytes = this.#writer!.bytes(this.#slot);
      closeRows(bytes, widthPx * 3, strideBytes, heightPx);
    }
    this.#watch.seen(this.#stallMs ?? stallAfter(periodUs));
    this.#slot = this.#sink.deliver(this.#slot, {
      id: buffer.offset,
      cameraNs: buffer.ptsNs,
      arrivedAt,
      periodUs,
      complete: !buffer.corrupted,
    });
  }
}

/** Thirty periods; no less than a second, as a busy board may well pause for some. */
export function stallAfter(periodUs: number | undefined): number {
  return periodUs === undefined ? 5000 : Math.max(1000, (30 * periodUs) / 1000);
}

/**
 * Moves rows together, in place.
 *
 * @param bytes (rows * strideBytes) at least
 */
export function closeRows(bytes: Uint8Array, rowBytes: number, strideBytes: number, rows: number): void {
  for (let row = 1; row < rows; row++) {
    bytes.copyWithin(row * rowBytes, row * strideBytes, row * strideBytes + rowBytes);
  }
}

function stalled(silentMs: number, first: boolean): GradelineError {
  const message = first
    ? `no frame within ${silentMs} ms of the start of the pipeline`
    : `the pipeline runs but gave no frame for ${silentMs} ms`;
  return new GradelineError("SOURCE", message, {
    retry: true,
    hint: "camera asleep, cable loose, or stallMs too short",
  });
}

function spawnFailed(error: unknown): GradelineError | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== "ENOENT" && code !== "EACCES") return undefined;
  return new GradelineError("SOURCE", "gst-launch-1.0 is not there", {
    hint: "apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad",
    cause: error,
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** Waits for the child to finish, and kills it if it does not. */
async function finish(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGINT");
  const deadline = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await exited;
  clearTimeout(deadline);
}
