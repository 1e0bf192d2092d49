import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import { GradelineError } from "../../../device/base/errors.ts";
import type { Frame } from "../../../device/base/frame.ts";
import { nowMicros } from "../../../device/base/time.ts";
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
 * without end; as fast as it is read, or with `pace: real` at its own pace, where what came due meanwhile is dropped.
 */
export function openSource(config: SourceConfig): Promise<FrameSource> {
  if (config.kind !== "replay") throw new GradelineError("INTERNAL", `a raw source of kind ${config.kind}`);
  return Promise.resolve(new RawSource(config.path, config.fps, config.pace === "real"));
}

class RawSource implements FrameSource {
  readonly widthPx = 1280;
  readonly heightPx = 720;
  readonly #file: number;
  readonly #fps: number;
  readonly #real: boolean;
  #seen = 0;
  #dropped = 0;
  #closed = false;

  constructor(path: string, fps: number, real: boolean) {
    this.#file = openSync(path, "r");
    this.#fps = fps;
    this.#real = real;
  }

  get counters(): { seen: number; dropped: number; incomplete: number } {
    return { seen: this.#seen, dropped: this.#dropped, incomplete: 0 };
  }

  async *frames(): AsyncIterableIterator<Frame> {
    const { widthPx, heightPx } = this;
    const data = new Uint8Array(widthPx * heightPx * 3);
    const stored = Math.floor(fstatSync(this.#file).size / data.length);
    const startAt = nowMicros();
    const dueAt = (seq: number): number => startAt + Math.round((seq * 1e6) / this.#fps);
    while (!this.#closed) {
      if (this.#real) {
        const behind = Math.floor(((nowMicros() - startAt) * this.#fps) / 1e6) - this.#seen;
        this.#dropped += Math.max(0, behind);
        this.#seen += Math.max(0, behind);
        const waitMs = (dueAt(this.#seen) - nowMicros()) / 1000;
        if (waitMs > 0) await wait(waitMs);
      } else await setImmediate();
      const seq = this.#seen++;
      const at = seq < stored ? seq : LEAD_FRAMES + ((seq - LEAD_FRAMES) % (stored - LEAD_FRAMES));
      readSync(this.#file, data, 0, data.length, at * data.length);
      yield { seq, exposedAt: dueAt(seq), status: "ok", widthPx, heightPx, data };
    }
    closeSync(this.#file);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
