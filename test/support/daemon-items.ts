export interface DurableItem {
  readonly lane: string;
  readonly seq: number;
  readonly item: string;
}

/** Hears on the daemon's page which verdicts are durable, whether or not a broker is there. */
export class DurableItems {
  readonly items: DurableItem[] = [];
  readonly #stop = new AbortController();
  #over = false;
  #watching: (() => void)[] = [];

  /** @param url of the page */
  static async listen(url: string): Promise<DurableItems> {
    const durable = new DurableItems();
    const response = await fetch(new URL("/events", url), { signal: durable.#stop.signal });
    void durable.#read(response.body!.pipeThrough(new TextDecoderStream())).catch(() => {
      // The daemon was killed, or nobody listens any more.
      durable.#over = true;
      durable.#look();
    });
    return durable;
  }

  /** Resolves when `count` more than now are durable. */
  async more(count: number): Promise<void> {
    const wanted = this.items.length + count;
    while (this.items.length < wanted) {
      if (this.#over) throw new Error("the daemon's page is gone");
      await new Promise<void>((resolve) => this.#watching.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
  }

  async #read(texts: ReadableStream<string>): Promise<void> {
    let rest = "";
    for await (const text of texts) {
      const events = (rest + text).split("\n\n");
      rest = events.pop()!;
      for (const event of events) {
        if (event.startsWith("event: item\n")) this.items.push(JSON.parse(event.slice(event.indexOf("data: ") + 6)));
      }
      this.#look();
    }
    this.#over = true;
    this.#look();
  }

  #look(): void {
    for (const resolve of this.#watching.splice(0)) resolve();
  }
}
