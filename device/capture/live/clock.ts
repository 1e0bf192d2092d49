import type { Micros } from "../../base/time.ts";

/** Half of the time over which the quickest arrival is looked for: at 50 ppm two clocks part by 0.25 ms in it. */
const WINDOW_US = 5_000_000;
/** A difference that no transport explains: one of the two clocks was set. */
const STEP_US = 2_000_000;

/**
 * Translates the camera's clock to the host's. A frame cannot arrive before it was exposed, and the quickest of many
 * has the least delay: the offset is the smallest difference seen within the last 5 to 10 s. The delay of that
 * quickest frame stays in it, see `delayMs` of the configuration.
 */
export class CameraClock {
  readonly #delayUs: number;
  #windowFrom = Number.NEGATIVE_INFINITY;
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #lastCameraUs = Number.NEGATIVE_INFINITY;
  #lastExposedAt = Number.NEGATIVE_INFINITY;

  /** @param delayUs known delay from exposure to the quickest arrival */
  constructor(delayUs = 0) {
    this.#delayUs = delayUs;
  }

  /** Difference between the host's and the camera's clock, microseconds. */
  get offsetUs(): number {
    return Math.min(this.#least, this.#leastBefore);
  }

  /**
   * @param cameraUs the camera's time of the frame; undefined where it gives none
   * @param arrivedAt the host's time of its arrival
   * @returns time of exposure by the host's clock; never after the arrival, always after the frame before it
   */
  exposedAt(cameraUs: number | undefined, arrivedAt: Micros): Micros {
    let at = arrivedAt;
    if (cameraUs !== undefined) {
      const difference = arrivedAt - cameraUs;
      if (cameraUs <= this.#lastCameraUs || difference > this.offsetUs + STEP_US) this.#forget();
      this.#lastCameraUs = cameraUs;
      if (arrivedAt - this.#windowFrom > WINDOW_US || arrivedAt < this.#windowFrom) {
        this.#leastBefore = this.#least;
        this.#least = Number.POSITIVE_INFINITY;
        this.#windowFrom = arrivedAt;
      }
      if (difference < this.#least) this.#least = difference;
      at = cameraUs + this.offsetUs;
    }
    at = Math.round(at - this.#delayUs);
    // A smaller offset found between two frames must not turn their order round; a host clock set back may.
    if (at <= this.#lastExposedAt && this.#lastExposedAt - at < STEP_US) at = this.#lastExposedAt + 1;
    this.#lastExposedAt = at;
    return at;
  }

  #forget(): void {
    this.#least = Number.POSITIVE_INFINITY;
    this.#leastBefore = Number.POSITIVE_INFINITY;
    this.#windowFrom = Number.NEGATIVE_INFINITY;
  }
}
