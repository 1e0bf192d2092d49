import type { Progress } from "../../device/embed/open-embedder.ts";

/** Work shorter than this needs no word. */
const QUIET_MS = 1000;
const REPEAT_MS = 10_000;
const CLEAR_LINE = "\r\u001b[K";

/**
 * Tells on standard error what takes long, with the time it has taken: on a terminal one line that is kept current,
 * elsewhere a line when a stage has lasted a second, and every ten seconds.
 */
export class Stages {
  #told = { detail: "", atMs: 0 };
  #open = false;

  readonly tell = ({ detail, elapsedMs }: Progress): void => {
    if (elapsedMs < QUIET_MS * 0.9) return;
    const text = `${detail}, ${Math.round(elapsedMs / 1000)} s`;
    if (process.stderr.isTTY) {
      process.stderr.write(`${CLEAR_LINE}${text}`);
      this.#open = true;
      return;
    }
    if (this.#told.detail === detail && elapsedMs - this.#told.atMs < REPEAT_MS) return;
    this.#told = { detail, atMs: elapsedMs };
    process.stderr.write(`${text}\n`);
  };

  stop(): void {
    if (this.#open) process.stderr.write(CLEAR_LINE);
    this.#open = false;
  }
}
