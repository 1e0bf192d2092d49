import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { GradelineError } from "../../../device/base/errors.ts";
import type { Frame } from "../../../device/base/frame.ts";
import type { FrameSource } from "../../../device/capture/source.ts";
import type { SourceConfig } from "../../../device/config/schema.ts";

/** Frames of one camera one after the other, RGB8, in a file that the system keeps in memory. */
export function rawFile(folder: string, seed: number): string {
  return join(folder, `camera-${seed}.raw`);
}

/** Views of those frames, for the bare session. */
export function viewsFile(folder: string): string {
  return join(folder, "views.bin");
}

/** Frames until fruit fill the belt: shown once, what comes behind them again and again. */
export const LEAD_FRAMES = 20;

/**
 * Stands in for `lanes/open-source.ts` in the cameras' threads: a `replay` whose path is a raw file of 1280x720 frames,
 * without end, as fast as it is read.
 */
export function openSource(config: SourceConfig): Promise<FrameSource> {
  if (config.kind !== "replay") throw new GradelineError("INTERNAL", `a raw source of kind ${config.kind}`);
  return Promise.resolve(new RawSource(config.path, config.fps));
}

class RawSource implements FrameSource {
  readonly widthPx = 1280;
  readonly heightPx = 720;
  readonly #file: number;
  readonly #fps: number;
  #seen = 0;
  #closed = false;

  constructor(path: string, fps: number) {
    this.#file = openSync(path, "r");
    this.#fps = fps;
  }

  get counters(): { seen: number; dropped: number; incomplete: number } {
    return { seen: this.#seen, dropped: 0, incomplete: 0 };
  }

  async *frames(): AsyncIterableIterator<Frame> {
    const { widthPx, heightPx } = this;
    const data = new Uint8Array(widthPx * heightPx * 3);
    const startAt = Date.now() * 1000;
    let at = 0;
    while (!this.#closed) {
      if (readSync(this.#file, data, 0, data.length, at * data.length) < data.length) {
        at = LEAD_FRAMES;
        continue;
      }
      await setImmediate();
      const seq = this.#seen++;
      yield { seq, exposedAt: startAt + Math.round((seq * 1e6) / this.#fps), status: "ok", widthPx, heightPx, data };
      at++;
    }
    closeSync(this.#file);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
