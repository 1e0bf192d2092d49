/** Something that holds a resource until `close`. Closing twice is allowed and does nothing. */
export interface Closable {
  close(): Promise<void> | void;
}

/** Holds parts in the order they were opened and closes them in the reverse order, each once, whatever one throws. */
export class Scope implements Closable {
  readonly #parts: Closable[] = [];

  add<T extends Closable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      try {
        await part.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "several parts failed to close");
  }
}
