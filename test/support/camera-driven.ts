import { BroadcastChannel } from "node:worker_threads";
import { GradelineError } from "../../device/base/errors.ts";
import type { Frame } from "../../device/base/frame.ts";
import type { FrameSource, SourceCounters, SourceStatus } from "../../device/capture/source.ts";
import type { SourceConfig } from "../../device/config/schema.ts";

/** What a test tells the source that runs in a camera's thread. */
export type Order =
  | { readonly do: "frame" }
  | { readonly do: "break"; readonly message: string; readonly retry: boolean }
  | { readonly do: "exit"; readonly code: number }
  | { readonly do: "end" }
  | { readonly do: "count"; readonly counters: SourceCounters }
  | { readonly do: "status"; readonly status: SourceStatus };

/** What the source says. */
export type Told =
  /** It is there and hears; how it opens is asked for. */
  | { readonly event: "here" }
  /** Frames that the camera's thread has taken since it was opened. */
  | { readonly event: "taken"; readonly frames: number }
  | { readonly event: "triggered" }
  | { readonly event: "closed" };

export const WIDTH_PX = 64;
export const HEIGHT_PX = 48;

/**
 * A source that does what a test in the main thread says over a channel; stands in for `openSource`. The configuration's
 * path, or the camera's name, is the channel's; its end after `#` says how it opens: `#fails`, `#breaks` (to be tried again), `#triggered`.
 */
export async function openSource(config: SourceConfig): Promise<FrameSource> {
  const address = config.kind === "gige" ? config.camera : (config as { path: string }).path;
  const [name, how] = address!.split("#");
  const channel = new BroadcastChannel(name!);
  if (how === "fails" || how === "breaks") {
    channel.close();
    throw new GradelineError("SOURCE", "no such camera", { hint: "look for it", retry: how === "breaks" });
  }
  return new DrivenSource(channel, how === "triggered");
}

class DrivenSource implements FrameSource {
  readonly widthPx = WIDTH_PX;
  readonly heightPx = HEIGHT_PX;
  counters: SourceCounters = { seen: 0, dropped: 0, incomplete: 0 };
  readonly trigger?: (at?: number) => Promise<number>;
  readonly #channel: BroadcastChannel;
  readonly #orders: Order[] = [];
  #status: SourceStatus = { state: "ok", since: 0 };
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(channel: BroadcastChannel, triggered: boolean) {
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.#take(data as Order);
    if (triggered) {
      this.trigger = async (at = 0) => {
        this.#tell({ event: "triggered" });
        return at;
      };
    }
    this.#tell({ event: "here" });
  }

  async *frames(): AsyncGenerator<Frame> {
    for (let seq = 0; !this.#closed; ) {
      this.#tell({ event: "taken", frames: seq });
      const order = await this.#next();
      if (order === undefined || order.do === "end") return;
      if (order.do === "break") throw new GradelineError("SOURCE", order.message, { retry: order.retry });
      if (order.do !== "frame") continue;
      yield {
        seq: seq++,
        exposedAt: 1_800_000_000_000_000 + seq,
        status: "ok",
        widthPx: WIDTH_PX,
        heightPx: HEIGHT_PX,
        data: new Uint8Array(WIDTH_PX * HEIGHT_PX * 3).fill(seq),
      };
    }
  }

  status(): SourceStatus {
    return this.#status;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake?.();
    this.#tell({ event: "closed" });
    this.#channel.close();
  }

  #take(order: Order): void {
    if (order.do === "exit") process.exit(order.code);
    if (order.do === "count") this.counters = order.counters;
    if (order.do === "status") this.#status = order.status;
    this.#orders.push(order);
    this.#wake?.();
  }

  async #next(): Promise<Order | undefined> {
    while (this.#orders.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#orders.shift();
  }

  #tell(told: Told): void {
    this.#channel.postMessage(told);
  }
}
