import { createInterface, type Interface } from "node:readline";

/** Lines that somebody types, or that come through a pipe, one after the other. */
export class Answers {
  readonly #lines: Interface;
  readonly #ready: string[] = [];
  #over = false;
  #wake: (() => void) | undefined;

  /** @param stop ends the reading */
  constructor(stop: AbortSignal) {
    this.#lines = createInterface({ input: process.stdin, terminal: false });
    this.#lines.on("line", (line) => {
      this.#ready.push(line.trim());
      this.#wake?.();
    });
    this.#lines.once("close", () => {
      this.#over = true;
      this.#wake?.();
    });
    stop.addEventListener("abort", () => this.#lines.close(), { once: true });
    if (stop.aborted) this.#lines.close();
  }

  /** The next line; undefined where no more come. */
  async next(prompt: string): Promise<string | undefined> {
    process.stdout.write(prompt);
    while (this.#ready.length === 0 && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const line = this.#ready.shift();
    // A pipe echoes nothing.
    if (!process.stdin.isTTY) process.stdout.write(`${line ?? ""}\n`);
    return line;
  }

  close(): void {
    this.#lines.close();
  }
}
