import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { libcamera } from "node-libcamera";
import { GradelineError } from "../../base/errors.ts";
import { nowMicros } from "../../base/time.ts";
import type { LibcameraConfig } from "../../config/camera.ts";
import { openFifo, readPipe } from "../live/pipe.ts";
import type { Driver, FrameSink } from "../live/reader.ts";
import { Watch } from "../live/watch.ts";
import { videoOptions } from "./options.ts";
import { killHolders, programFailed, searchPath, withFolder } from "./programs.ts";
import { type YuvLayout, yuvConverter, yuvLayout } from "./yuv.ts";

const GRACE_MS = 1000;

/** `libcamera-vid` (`rpicam-vid`) writing raw frames to a named pipe. Frames have no numbers and no times there. */
export class LibcameraDriver implements Driver {
  readonly #config: LibcameraConfig;

  constructor(config: LibcameraConfig) {
    this.#config = config;
  }

  run(sink: FrameSink, stop: AbortSignal): Promise<"ended" | "stopped"> {
    return withFolder((folder) => this.#run(folder, sink, stop));
  }

  async #run(folder: string, sink: FrameSink, stop: AbortSignal): Promise<"ended" | "stopped"> {
    const config = this.#config;
    const layout = yuvLayout(config.widthPx, config.heightPx);
    const fifo = join(folder, "frames");
    const options = videoOptions(config, fifo);
    const convert = yuvConverter(layout);
    // This thread's own copy of the environment: node-libcamera looks nowhere else.
    const path = process.env.PATH ?? "";
    process.env.PATH = await searchPath("vid", folder, path);
    const fd = openFifo(fifo);
    const program = libcamera.vid(options as Parameters<typeof libcamera.vid>[0]).then(
      () => "ended" as const,
      (error: unknown) => {
        throw programFailed("libcamera-vid", error);
      },
    );
    process.env.PATH = path;
    const silent = Promise.withResolvers<never>();
    const watch = new Watch(config.startMs, (ms, first) => silent.reject(stalled(ms, first)));
    const stallMs = config.stallMs ?? Math.max(1000, 30_000 / config.fps);
    const socket = readFrames(fd, layout, convert, sink, 1e6 / config.fps, () => watch.seen(stallMs));
    try {
      if (stop.aborted) return "stopped";
      const stopped = once(stop, "abort").then(() => "stopped" as const);
      return await Promise.race([program, stopped, silent.promise]);
    } finally {
      watch.close();
      await finish(program, fifo);
      socket.destroy();
    }
  }
}

function readFrames(
  fd: number,
  layout: YuvLayout,
  convert: (yuv: Uint8Array, rgb: Uint8Array) => void,
  sink: FrameSink,
  periodUs: number,
  seen: () => void,
): Socket {
  const yuv = new Uint8Array(layout.bytes);
  const { widthPx, heightPx } = layout;
  let filled = 0;
  let slot = -1;
  return readPipe(fd, {
    target: () => yuv.subarray(filled),
    advance: (bytes) => {
      filled += bytes;
      if (filled < yuv.length) return;
      filled = 0;
      const arrivedAt = nowMicros();
      seen();
      if (slot < 0) {
        const writer = sink.open(widthPx, heightPx, widthPx * heightPx * 3, 3);
        slot = [...writer.free][0]!;
      }
      convert(yuv, sink.bytes(slot));
      slot = sink.deliver(slot, { id: undefined, cameraNs: undefined, arrivedAt, periodUs, complete: true });
    },
  });
}

function stalled(silentMs: number, first: boolean): GradelineError {
  const when = first ? "of the start of libcamera-vid" : "though libcamera-vid runs";
  return new GradelineError("SOURCE", `no frame within ${silentMs} ms ${when}`, { retry: true });
}

async function finish(program: Promise<unknown>, fifo: string): Promise<void> {
  const ended = program.catch(() => undefined);
  await killHolders(fifo, "SIGINT");
  const deadline = setTimeout(() => void killHolders(fifo, "SIGKILL"), GRACE_MS);
  await ended;
  clearTimeout(deadline);
}
