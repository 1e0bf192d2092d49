import { GradelineError } from "../base/errors.ts";
import { type EnrollableItem, keep, type SeenItem } from "./enrollable.ts";

/** How far the enrollment of a lane is. */
export interface EnrollmentProgress {
  readonly grade: string;
  readonly count: number;
  /** Names of the items counted so far, in the order in which they passed. */
  readonly items: readonly string[];
  /** The last one has passed and the gallery is written. */
  readonly saving: boolean;
}

/** Counts the next fruit that pass one lane. */
export class LaneEnrollment {
  readonly lane: string;
  readonly grade: string;
  readonly count: number;
  readonly #idleMs: number;
  readonly #items: EnrollableItem[] = [];
  readonly #complete = Promise.withResolvers<readonly EnrollableItem[]>();
  readonly #advanced: () => void;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  /**
   * @param idleMs longest time without a fruit
   * @param advanced one more was counted
   */
  constructor(lane: string, grade: string, count: number, idleMs: number, advanced: () => void) {
    this.lane = lane;
    this.grade = grade;
    this.count = count;
    this.#idleMs = idleMs;
    this.#advanced = advanced;
  }

  get progress(): EnrollmentProgress {
    const items = this.#items.map(({ verdict }) => verdict.item);
    return { grade: this.grade, count: this.count, items, saving: items.length >= this.count };
  }

  /**
   * Resolves with the fruit once enough have passed.
   *
   * @throws {GradelineError} REQUEST when it is cancelled or none passes for too long
   */
  take(): Promise<readonly EnrollableItem[]> {
    this.#restartTimer();
    return this.#complete.promise;
  }

  seen(item: SeenItem): void {
    if (this.#over || item.decided.crops.length === 0) return;
    this.#items.push(keep(item));
    this.#advanced();
    if (this.#items.length < this.count) {
      this.#restartTimer();
      return;
    }
    this.#end();
    this.#complete.resolve(this.#items);
  }

  /** @returns false where it is too late */
  cancel(reason: string): boolean {
    if (this.#over) return false;
    this.#end();
    this.#complete.reject(
      new GradelineError("REQUEST", `${reason}; ${this.#items.length} of ${this.count} had passed, none is enrolled`),
    );
    return true;
  }

  #restartTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end();
      this.#complete.reject(
        new GradelineError(
          "REQUEST",
          `no fruit passed lane ${this.lane} for ${Math.round(this.#idleMs / 1000)} s; ` +
            `${this.#items.length} of ${this.count} had passed, none is enrolled`,
          { hint: "is the line running, and is it this lane?", retry: true },
        ),
      );
    }, this.#idleMs);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
