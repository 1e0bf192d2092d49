import cliProgress from "cli-progress";

/** Work shorter than this needs no bar. */
const QUIET_MS = 1000;

/** A bar on standard error once the work lasts over a second, on a terminal only. */
export class Progress {
  readonly #title: string;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #bar: cliProgress.SingleBar | undefined;

  constructor(title: string, total: number) {
    this.#title = title;
    this.#total = total;
  }

  update(done: number): void {
    if (this.#bar === undefined && process.stderr.isTTY && performance.now() - this.#startedAt > QUIET_MS) {
      this.#bar = new cliProgress.SingleBar(
        {
          format: `${this.#title} {bar} {value}/{total}{left}`,
          stream: process.stderr,
          hideCursor: true,
        },
        cliProgress.Presets.shades_classic,
      );
      this.#bar.start(this.#total, done, { left: "" });
    }
    this.#bar?.update(done, { left: timeLeft(done, this.#total, performance.now() - this.#startedAt) });
  }

  stop(): void {
    this.#bar?.stop();
  }
}

/** `  2 min left`; nothing before anything is done, as nobody knows then. */
export function timeLeft(done: number, total: number, elapsedMs: number): string {
  if (done <= 0 || done > total) return "";
  const seconds = Math.round(((elapsedMs / done) * (total - done)) / 1000);
  if (seconds < 100) return `  ${seconds} s left`;
  return seconds < 6000 ? `  ${Math.round(seconds / 60)} min left` : `  ${Math.round(seconds / 3600)} h left`;
}
