import type { EventEmitter } from "node:events";
import { GradelineError } from "../base/errors.ts";
import type { Closable } from "../base/lifecycle.ts";
import { readClock } from "../base/time.ts";
import type { Config } from "../config/schema.ts";
import type { Reason, ReasonCode } from "../contract/reasons.ts";
import type { LotBook } from "../lots/lot-book.ts";
import type { LotFigures } from "../lots/lot-figures.ts";
import { LotPictures } from "../lots/lot-pictures.ts";
import type { GradedItem, StationEvents } from "./hand-over.ts";
import type { StationState } from "./state.ts";

const TICK_MS = 1000;
/** While one of these holds, a lane grades nothing. */
const STOPS: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  "paused",
  "camera-away",
  "camera-silent",
  "blind",
  "dark",
  "frozen",
  "frame-size",
]);

export interface LotWatchParts {
  readonly config: Pick<Config, "lanes" | "lots">;
  readonly events: EventEmitter<StationEvents>;
  readonly state: StationState;
  readonly lots: LotBook;
}

/** Tells whoever counts lots what the verdicts do not say: how fruit look, when nothing was graded, what a lot is. */
export class LotWatch implements Closable {
  readonly #parts: LotWatchParts;
  readonly #figures: LotFigures;
  readonly #pictures = new LotPictures();
  readonly #timer: NodeJS.Timeout;
  readonly #heard = (item: GradedItem): void => void this.#picture(item);
  readonly #told = new Map<string, string | null>();
  #tickAt = performance.now();

  private constructor(parts: LotWatchParts, figures: LotFigures) {
    this.#parts = parts;
    this.#figures = figures;
    parts.events.on("item", this.#heard);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
    this.#tick();
  }

  /** @param figures where they could not be opened the state says so, and nothing is counted */
  static open(parts: LotWatchParts, figures: LotFigures | GradelineError): LotWatch | undefined {
    parts.state.watch(() => reasonsOf(figures));
    return figures instanceof GradelineError ? undefined : new LotWatch(parts, figures);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#parts.events.off("item", this.#heard);
  }

  #tick(): void {
    const now = performance.now();
    const seconds = Math.round(now - this.#tickAt) / 1000;
    this.#tickAt = now;
    this.#describe();
    const { state } = this.#parts;
    // Wall time, as the rows have it.
    readClock();
    const atUs = Date.now() * 1000;
    for (const { code, lane, camera } of state.latest.reasons) {
      if (!STOPS.has(code)) continue;
      for (const each of this.#lanesOf(lane, camera)) {
        const lot = this.#parts.lots.idOn(each) ?? "";
        this.#figures.addDowntime({ lot, lane: each, atUs, code, seconds });
      }
    }
  }

  /** A lane that another camera sees as well grades on. */
  #lanesOf(lane: string | undefined, camera: string | undefined): string[] {
    const { lanes } = this.#parts.config;
    if (lane !== undefined) return [lane];
    return lanes
      .filter(({ cameras }) => camera === undefined || cameras.every((each) => each.camera === camera))
      .map(({ id }) => id);
  }

  #describe(): void {
    for (const { lane, lot, since } of this.#parts.lots.list()) {
      if (lot === null || this.#told.get(lane) === since) continue;
      this.#told.set(lane, since);
      this.#figures.describe([lot]);
    }
  }

  async #picture({ verdict, decided }: GradedItem): Promise<void> {
    const { pictures: lots } = this.#parts.config.lots;
    if (lots === 0) return;
    try {
      const pictures = await this.#pictures.offer(verdict, decided.crops);
      if (pictures.length > 0) await this.#figures.addPictures(pictures, lots);
    } catch {
      // A picture is no verdict; a disk that takes none is told by the figures.
    }
  }
}

function* reasonsOf(figures: LotFigures | GradelineError): Iterable<Reason> {
  const problem = figures instanceof GradelineError ? figures : figures.problem;
  if (problem === undefined) return;
  yield { code: "lots-disk", message: `lots are not counted: ${problem.message}`, hint: problem.hint };
}
