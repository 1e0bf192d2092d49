/** Where a camera counts its frames in 16 bits: 1 to 65535, 0 is not used (GigE Vision 1.x). */
const CYCLE_16 = 65_535;

/** Unwraps frame ids that may be 16 bits wide. */
export class FrameIds {
  #last: number | undefined;
  #wide = false;

  /**
   * @param id as received
   * @returns the id on a scale that never wraps; the first one stays as it is
   */
  unwrap(id: number): number {
    if (id > CYCLE_16) this.#wide = true;
    if (this.#last === undefined || this.#wide) {
      this.#last = id;
      return id;
    }
    const lastRaw = ((this.#last - 1) % CYCLE_16) + 1;
    // The shorter way round the circle: a frame that comes late and out of order is a small step back.
    let step = (id - lastRaw) % CYCLE_16;
    if (step > CYCLE_16 / 2) step -= CYCLE_16;
    if (step < -CYCLE_16 / 2) step += CYCLE_16;
    this.#last += step;
    return this.#last;
  }
}

/** What one frame adds to the count of exposures. */
export interface Step {
  /** Exposures since the frame before, this one included. */
  readonly exposures: number;
  /** Of these, the ones that never arrived. */
  readonly lost: number;
}

/** Longest gap believed: beyond it the numbers themselves are taken for wrong. */
const MAX_GAP = 100_000;

/**
 * Counts exposures from the camera's own frame ids, or where it gives none from its time stamps and its rate.
 * Begin a new one whenever the camera was started.
 */
export class FrameSteps {
  #lastId: number | undefined;
  #lastUs: number | undefined;

  /**
   * @param id unwrapped; undefined where the camera gives none
   * @param cameraUs time stamp; undefined where the camera gives none
   * @param periodUs time between frames at the set rate; undefined where it may vary
   */
  step(id: number | undefined, cameraUs: number | undefined, periodUs: number | undefined): Step {
    let exposures = 1;
    if (id !== undefined && this.#lastId !== undefined) exposures = id - this.#lastId;
    else if (id === undefined && cameraUs !== undefined && this.#lastUs !== undefined && periodUs !== undefined) {
      const periods = (cameraUs - this.#lastUs) / periodUs;
      // Jitter up to three quarters of a period is not yet a gap.
      exposures = periods < 1.75 ? 1 : Math.round(periods);
    }
    if (exposures < 1 || exposures > MAX_GAP) exposures = 1;
    this.#lastId = id;
    this.#lastUs = cameraUs;
    return { exposures, lost: exposures - 1 };
  }
}
