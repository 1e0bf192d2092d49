/** Barks when nothing was seen for too long. */
export class Watch {
  readonly #bark: (silentMs: number, first: boolean) => void;
  readonly #timer: NodeJS.Timeout;
  #limitMs: number;
  #seenAt = performance.now();
  #checkedAt = this.#seenAt;
  #first = true;

  /** @param startMs longest wait for the first time that something is seen */
  constructor(startMs: number, bark: (silentMs: number, first: boolean) => void) {
    this.#limitMs = startMs;
    this.#bark = bark;
    this.#timer = setInterval(() => this.#check(), 50);
  }

  /** @param limitMs longest silence from now on */
  seen(limitMs: number): void {
    this.#seenAt = performance.now();
    this.#limitMs = limitMs;
    this.#first = false;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const now = performance.now();
    // Where this thread itself was kept from running, what came meanwhile has not been read yet.
    const late = now - this.#checkedAt > 500;
    this.#checkedAt = now;
    const silentMs = Math.round(now - this.#seenAt);
    if (late || silentMs <= this.#limitMs) return;
    this.close();
    this.#bark(silentMs, this.#first);
  }
}
