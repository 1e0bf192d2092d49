/** Runs asynchronous work one piece after the other, in the order in which it is asked for. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything before it has ended, however that ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => {});
    return next;
  }

  /** Resolves when the work asked for so far has ended; never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
