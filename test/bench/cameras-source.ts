import { BroadcastChannel } from "node:worker_threads";
import type { Frame } from "../../device/base/frame.ts";
import type { Clock } from "../../device/capture/pacing.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import type { LineConfig } from "../../device/config/schema.ts";
import { openLine } from "../../device/simulation/source.ts";

/** Where each camera's thread says what it took to draw its frames, microseconds of CPU. */
export const DRAWN = "gradeline.bench.drawn";

/** A camera of the simulated line that knows what drawing has cost: a camera on a line does not draw. */
export async function openSource(config: LineConfig, clock: Clock): Promise<FrameSource> {
  const before = process.threadCpuUsage();
  const line = await openLine(config, clock);
  let drawnUs = since(before);
  return Object.create(line, {
    frames: {
      value: async function* (): AsyncGenerator<Frame> {
        const frames = line.frames();
        try {
          for (;;) {
            const from = process.threadCpuUsage();
            const { value, done } = await frames.next();
            drawnUs += since(from);
            if (done === true) return;
            yield value;
          }
        } finally {
          await frames.return?.();
          const channel = new BroadcastChannel(DRAWN);
          channel.postMessage(drawnUs);
          channel.close();
        }
      },
    },
    widthPx: { value: line.widthPx },
    heightPx: { value: line.heightPx },
    counters: { get: () => line.counters },
    close: { value: () => line.close() },
  });
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}
