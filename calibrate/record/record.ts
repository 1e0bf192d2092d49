import { rounded } from "../../device/base/numbers.ts";
import { RingRecorder } from "../../device/capture/record-ring.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import { openSource } from "../../device/lanes/open-source.ts";
import type { Context } from "../cli/context.ts";
import { type SourceOptions, sourceOf, untilStopped } from "../cli/source-option.ts";

export interface RecordOptions extends SourceOptions {
  readonly seconds?: number;
  readonly frames?: number;
  readonly maxSize: number;
  readonly maxAge?: number;
  readonly compress?: boolean;
}

const TELL_MS = 500;
/** Longer than any age: a ring without one. */
const NO_AGE_MS = Number.MAX_SAFE_INTEGER;

/** What became of a recording; camelCase as `--json` prints it. */
interface Recorded {
  readonly folder: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly frames: number;
  readonly seconds: number;
  readonly fps: number;
  readonly dropped: number;
  readonly lost: number;
  readonly incomplete: number;
  readonly leftOut: number;
  readonly restarts: number;
  readonly kept: number;
  readonly bytes: number;
}

/** `record`: writes what a camera gives into a ring until it is stopped. */
export async function record(context: Context, root: string, options: RecordOptions): Promise<void> {
  const { scope, stop, json } = context;
  const config = await sourceOf(context.config, options, "record");
  const source = scope.add(await untilStopped(openSource(config), stop));
  const maxAgeMs = options.maxAge === undefined ? NO_AGE_MS : options.maxAge * 1000;
  const { maxSize: maxBytes, compress = false } = options;
  const ring = scope.add(await RingRecorder.open(root, { maxBytes, maxAgeMs, compress, keepEarlier: true }));
  const meter = new Meter(source, ring);
  const line = new StatusLine();
  const timer = setInterval(() => {
    line.tellStatus(source);
    line.show(describe(meter.read(), maxBytes));
  }, TELL_MS);
  const close = (): void => void source.close();
  const limit = options.seconds === undefined ? undefined : setTimeout(close, options.seconds * 1000);
  stop.addEventListener("abort", close, { once: true });
  try {
    let taken = 0;
    for await (const frame of source.frames()) {
      if (ring.offer(frame)) taken++;
      // A source that waits for its reader can be waited for in turn.
      if ("pace" in config && config.pace === "fast") await ring.flush();
      meter.count(frame.status);
      if (taken === options.frames) break;
    }
    await ring.flush();
  } finally {
    clearInterval(timer);
    clearTimeout(limit);
    stop.removeEventListener("abort", close);
    line.end();
  }
  const recorded = meter.read();
  if (json) process.stdout.write(`${JSON.stringify(recorded)}\n`);
  else process.stdout.write(`${describe(recorded, maxBytes)}\nplay it: { kind: replay, path: ${recorded.folder} }\n`);
  // Without a limit, stopping is how a recording ends.
  if (stop.aborted && (options.seconds !== undefined || options.frames !== undefined)) process.exitCode = 130;
}

class Meter {
  readonly #source: FrameSource;
  readonly #ring: RingRecorder;
  #frames = 0;
  #incomplete = 0;
  #firstAt = 0;
  #lastAt = 0;

  constructor(source: FrameSource, ring: RingRecorder) {
    this.#source = source;
    this.#ring = ring;
  }

  count(status: "ok" | "incomplete"): void {
    this.#lastAt = performance.now();
    if (this.#frames++ === 0) this.#firstAt = this.#lastAt;
    if (status === "incomplete") this.#incomplete++;
  }

  read(): Recorded {
    const { widthPx, heightPx, counters } = this.#source;
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    return {
      folder: this.#ring.folder,
      widthPx,
      heightPx,
      frames: this.#ring.recorded,
      seconds: rounded(seconds, 3),
      fps: seconds > 0 ? rounded((this.#frames - 1) / seconds, 3) : 0,
      dropped: counters.dropped,
      lost: counters.lost ?? 0,
      incomplete: this.#incomplete,
      leftOut: this.#ring.skipped,
      restarts: counters.restarts ?? 0,
      kept: this.#ring.kept.frames,
      bytes: this.#ring.kept.bytes,
    };
  }
}

function describe(recorded: Recorded, maxBytes: number): string {
  const { frames, seconds, fps, widthPx, heightPx, dropped, lost, incomplete, leftOut, kept, bytes } = recorded;
  const parts = [
    `${frames} frames of ${widthPx}x${heightPx} in ${seconds.toFixed(1)} s`,
    `${fps.toFixed(1)} a second`,
    `dropped ${dropped}, lost ${lost}, incomplete ${incomplete}, left out ${leftOut}`,
    `${size(bytes)} of ${size(maxBytes)}${kept < frames ? `, the newest ${kept} kept` : ""}`,
  ];
  return parts.join(" · ");
}

/** One line on standard error that is written over, on a terminal only. */
class StatusLine {
  #told = "";

  show(text: string): void {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[2K${text.slice(0, Math.max(20, process.stderr.columns - 1))}`);
  }

  /** What happens to the camera stays in view, also where there is no terminal. */
  tellStatus(source: FrameSource): void {
    const status = source.status?.();
    const text = status === undefined || status.state === "ok" ? "" : `camera away: ${status.reason ?? "?"}`;
    if (text === this.#told) return;
    this.end();
    process.stderr.write(`${text === "" ? "camera is back" : text}\n`);
    this.#told = text;
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  }
}

function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
