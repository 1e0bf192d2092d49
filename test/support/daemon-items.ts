import { Bell } from "./wait.ts";

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
  readonly #bell = new Bell();

  /** @param url of the page */
  static async listen(url: string): Promise<DurableItems> {
    const durable = new DurableItems();
    const response = await fetch(new URL("/events", url), { signal: durable.#stop.signal });
    void durable.#read(response.body!.pipeThrough(new TextDecoderStream())).catch(() => {
      // The daemon was killed, or nobody listens any more.
      durable.#over = true;
      durable.#bell.ring();
    });
    return durable;
  }

  /** Resolves when `count` more than now are durable. */
  async more(count: number): Promise<void> {
    const wanted = this.items.length + count;
    const there = () => {
      if (this.items.length >= wanted) return true;
      if (this.#over) throw new Error("the daemon's page is gone");
      return undefined;
    };
    await this.#bell.until(there, () => this.items, { what: `${wanted} durable items` });
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
      this.#bell.ring();
    }
    this.#over = true;
    this.#bell.ring();
  }
}
