import type { Frame } from "../base/frame.ts";
import type { Micros } from "../base/time.ts";
import { PacedSource, type Reel } from "../capture/paced.ts";
import { type Clock, systemClock } from "../capture/pacing.ts";
import type { FrameSource } from "../capture/source.ts";
import type { LineConfig } from "../config/schema.ts";
import { LineRenderer } from "./renderer.ts";
import { LineWorld } from "./world.ts";

/**
 * Opens the simulated line. It runs whether or not anybody looks: frame k is exposed at `startAt` + k / fps, and a
 * source that is opened late starts with the newest frame then due.
 *
 * @throws {GradelineError} CONFIG, SOURCE or SOURCE_EMPTY when the line cannot be
 */
export async function openLine(config: LineConfig, clock: Clock = systemClock): Promise<FrameSource> {
  const world = new LineWorld(config);
  const renderer = new LineRenderer(world);
  const reel = new LineReel(world, renderer, config.startAt === 0 ? clock.now() : config.startAt);
  const first = config.pace === "fast" ? 0 : Math.max(0, reel.newestAt(clock.now()));
  await reel.prepare(first);
  return new PacedSource(reel, config.pace, clock, first);
}

class LineReel implements Reel {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly count: number;
  readonly #world: LineWorld;
  readonly #renderer: LineRenderer;
  readonly #startAt: Micros;

  constructor(world: LineWorld, renderer: LineRenderer, startAt: Micros) {
    this.widthPx = world.config.widthPx;
    this.heightPx = world.config.heightPx;
    this.count = world.frames;
    this.#world = world;
    this.#renderer = renderer;
    this.#startAt = startAt;
  }

  async prepare(k: number): Promise<void> {
    await this.#renderer.prepare(k);
  }

  exposedAt(k: number): Micros {
    return this.#startAt + Math.round(this.#world.frameAtS(k) * 1e6);
  }

  /** By how much the camera's clock is ahead. */
  #clockUs(k: number): Micros {
    const { clockMs, clockDriftMsPerS } = this.#world.config.seenFrom;
    return Math.round(1000 * (clockMs + clockDriftMsPerS * this.#world.frameAtS(k)));
  }

  newestAt(time: Micros): number {
    const sinceUs = time - this.exposedAt(0);
    const k = Math.floor((sinceUs * this.#world.geometry.fps) / 1e6 + 1e-6);
    // Exposure times are whole microseconds; the rounding may put the neighbour on the other side.
    return this.exposedAt(k + 1) <= time ? k + 1 : this.exposedAt(k) > time ? k - 1 : k;
  }

  async load(k: number): Promise<Frame> {
    await this.#renderer.prepare(k);
    return {
      seq: k,
      exposedAt: this.exposedAt(k) + this.#clockUs(k),
      status: "ok",
      widthPx: this.widthPx,
      heightPx: this.heightPx,
      data: this.#renderer.render(k),
    };
  }
}

/** The moment at which something happens on the line. @param startAt as in the configuration, not 0 */
export function lineMicros(startAt: Micros, worldS: number): Micros {
  return startAt + Math.round(worldS * 1e6);
}
