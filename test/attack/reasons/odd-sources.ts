import { setTimeout as wait } from "node:timers/promises";
import type { Frame } from "../../../device/base/frame.ts";
import { nowMicros } from "../../../device/base/time.ts";
import type { FrameSource } from "../../../device/capture/source.ts";
import type { SourceConfig } from "../../../device/config/schema.ts";
import { openSource as openReal } from "../../../device/lanes/open-source.ts";

/** `path` of a replay that begins so names what its camera does; see {@link ODD}. */
export const ODD_PATH = "odd:";
/** Frames that are as they should be, before the camera becomes odd. */
const WELL = 70;
const INTERVAL_MS = 50;
const WIDTH_PX = 160;
const HEIGHT_PX = 64;
const BELT = [70, 74, 80];

/** What each camera makes of a frame once it is odd; the frame's pixels are its own. */
const ODD: Readonly<Record<string, (frame: Frame, k: number) => Frame>> = {
  dark: (frame) => filled(frame, (_, noise) => noise / 4),
  blind: (frame) => filled(frame, (channel, noise) => [210, 120, 30][channel]! + noise),
  flicker: (frame, k) =>
    filled(frame, (channel, noise, row) => BELT[channel]! * (1 + 0.35 * Math.sin(row / 5 + k * 2.1)) + noise),
  torn: (frame) => {
    frame.data.fill(128, Math.floor(frame.data.length * 0.6));
    return frame;
  },
  "frame-size": (frame) => {
    const heightPx = HEIGHT_PX - 8;
    return { ...frame, heightPx, data: frame.data.subarray(0, WIDTH_PX * heightPx * 3) };
  },
  "frame-times": (frame, k) => (k % 5 === 0 ? { ...frame, exposedAt: frame.exposedAt - 2_000_000 } : frame),
  // Three times as long between two of them, by their own times.
  "frame-rate": (frame, k) => ({ ...frame, exposedAt: frame.exposedAt + (k - WELL) * INTERVAL_MS * 2000 }),
  frozen: (frame) => filled(frame, (channel) => BELT[channel]!),
};

/** Stands in for the daemon's own. */
export async function openSource(...[config, clock, log]: Parameters<typeof openReal>): Promise<FrameSource> {
  const odd = oddOf(config);
  return odd === undefined ? openReal(config, clock, log) : new OddSource(odd);
}

function oddOf(config: SourceConfig): string | undefined {
  return config.kind === "replay" && config.path.startsWith(ODD_PATH) ? config.path.slice(ODD_PATH.length) : undefined;
}

class OddSource implements FrameSource {
  readonly widthPx = WIDTH_PX;
  readonly heightPx = HEIGHT_PX;
  readonly counters = { seen: 0, dropped: 0, incomplete: 0 };
  readonly #odd: string;
  readonly #closing = new AbortController();

  constructor(odd: string) {
    this.#odd = odd;
  }

  async *frames(): AsyncGenerator<Frame> {
    const start = nowMicros();
    const { signal } = this.#closing;
    for (let k = 0; !signal.aborted; k++) {
      await wait(INTERVAL_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.counters.seen++;
      if (this.#odd === "dropped") this.counters.dropped++;
      if (this.#odd === "silent" && k >= WELL) await wait(600_000, undefined, { signal }).catch(() => {});
      const frame: Frame = {
        seq: k,
        // Even, whatever the machine does: only the odd one has another rate.
        exposedAt: start + k * INTERVAL_MS * 1000,
        status: "ok",
        widthPx: WIDTH_PX,
        heightPx: HEIGHT_PX,
        data: new Uint8Array(WIDTH_PX * HEIGHT_PX * 3),
      };
      filled(frame, (channel, noise) => BELT[channel]! + noise);
      yield k < WELL ? frame : (ODD[this.#odd]?.(frame, k) ?? frame);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}

function filled(frame: Frame, level: (channel: number, noise: number, row: number) => number): Frame {
  const { data, widthPx } = frame;
  for (let i = 0; i < data.length; i++) {
    data[i] = level(i % 3, Math.random() * 6, Math.floor(i / (3 * widthPx)));
  }
  return frame;
}
