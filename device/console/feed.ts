import type { ServerResponse } from "node:http";

export const MAX_CLIENTS = 16;
/** What may wait for one client: a first picture of 32 full lanes and a good minute of a busy line. */
export const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Server-Sent Events to the pages that are open. A client that takes them too slowly is cut off; its page connects
 * again and begins with a fresh picture, so nothing waits for it here.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class Feed {
  readonly #clients = new Set<ServerResponse>();

  get clients(): number {
    return this.#clients.size;
  }

  get full(): boolean {
    return this.#clients.size >= MAX_CLIENTS;
  }

  /** Takes a client whose head is written; `first` is its first event. */
  add(response: ServerResponse, event: string, first: unknown): void {
    response.once("close", () => this.#clients.delete(response));
    this.#clients.add(response);
    this.#write(response, format(event, first));
  }

  send(event: string, data: unknown): void {
    if (this.#clients.size === 0) return;
    const text = format(event, data);
    for (const client of this.#clients) this.#write(client, text);
  }

  close(): void {
    for (const client of this.#clients) client.destroy();
    this.#clients.clear();
  }

  #write(client: ServerResponse, text: string): void {
    if (client.destroyed) return;
    client.write(text);
    if (client.writableLength <= MAX_WAITING_BYTES) return;
    this.#clients.delete(client);
    client.destroy();
  }
}

/** JSON has no line break of its own, so one `data` line carries it. */
function format(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
