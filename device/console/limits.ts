import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Connections without a whole request yet, of one address and of all together. */
const MAX_SILENT = 32;
const MAX_SILENT_IN_ALL = 128;
/** Wrong tokens of one address in a minute. */
const MAX_WRONG = 20;
const MINUTE_MS = 60_000;
/** Addresses that are remembered. */
const MAX_ADDRESSES = 1000;

/**
 * Keeps connections that ask for nothing, or ever so slowly, from locking out others: where one address has too many, or
 * all together have, the oldest of them is closed. Who asks for something is never among them.
 */
export function limitSilent(server: Server): void {
  const silent = new Set<Socket>();
  server.on("connection", (socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
    const same = [...silent].filter(({ remoteAddress }) => remoteAddress === socket.remoteAddress);
    if (same.length > MAX_SILENT) same[0]!.destroy();
    else if (silent.size > MAX_SILENT_IN_ALL) silent.values().next().value!.destroy();
  });
  server.on("request", ({ socket }) => silent.delete(socket));
}

/** Counts wrong logins by address, minute by minute. */
export class WrongLogins {
  readonly #addresses = new Map<string, { minute: number; count: number }>();

  tooMany(address: string): boolean {
    const known = this.#addresses.get(address);
    return known !== undefined && known.minute === minuteNow() && known.count >= MAX_WRONG;
  }

  /** @returns how many there were before in the last minute that had some, where this is the first of its minute */
  add(address: string): number | undefined {
    const known = this.#addresses.get(address);
    const minute = minuteNow();
    if (known?.minute === minute) {
      known.count++;
      return undefined;
    }
    this.#addresses.delete(address);
    this.#addresses.set(address, { minute, count: 1 });
    if (this.#addresses.size > MAX_ADDRESSES) this.#addresses.delete(this.#addresses.keys().next().value!);
    return known?.count ?? 0;
  }
}

function minuteNow(): number {
  return Math.floor(performance.now() / MINUTE_MS);
}
