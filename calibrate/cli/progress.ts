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
          format: `${this.#title} {bar} {value}/{total}  {eta_formatted} left`,
          stream: process.stderr,
          hideCursor: true,
        },
        cliProgress.Presets.shades_classic,
      );
      this.#bar.start(this.#total, done);
    }
    this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
