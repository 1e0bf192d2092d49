import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";

/** No wait of a test is longer than this where all is well, also on a machine that stands still for some seconds. */
const LIMIT_MS = 60_000;

export interface WaitOptions {
  /** Said where it does not come; else the source of `look` is. */
  readonly what?: string;
  readonly limitMs?: number;
}

/** What tests wait at: whoever has news rings it. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /**
   * Resolves with the first value of `look` that is not undefined; asks again each time it rings.
   *
   * @param came what there is in its place, for the error; the newest last
   * @throws when it does not come within the limit: what was waited for, and what came instead
   */
  async until<T>(look: () => T | undefined, came: () => unknown, options: WaitOptions = {}): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const { limitMs = LIMIT_MS } = options;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(notCome(options.what ?? String(look), limitMs, came())), limitMs);
    });
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        let ring: (() => void) | undefined;
        const rung = new Promise<void>((resolve) => {
          ring = resolve;
          this.#waiting.add(resolve);
        });
        await Promise.race([rung, late]).finally(() => this.#waiting.delete(ring!));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Waits for one event, as {@link Bell.until} does. */
export function inTime<T>(event: Promise<T>, what: string, came: () => unknown, limitMs = LIMIT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notCome(what, limitMs, came())), limitMs);
  });
  return Promise.race([event, late]).finally(() => clearTimeout(timer));
}

/** Asks a peer that rings no bell again and again, until it answers with something. */
export async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw notCome(what, LIMIT_MS, "nothing");
    await pause(10);
  }
}

function notCome(what: string, limitMs: number, came: unknown): Error {
  const newest = Array.isArray(came) ? came.slice(-5) : came;
  const text =
    typeof newest === "string" ? newest : inspect(newest, { depth: 4, maxStringLength: 400, breakLength: 120 });
  const count = Array.isArray(came) ? ` (the newest of ${came.length})` : "";
  return new Error(`waited ${limitMs / 1000} s for: ${what}\nwhat came instead${count}: ${text}`);
}
