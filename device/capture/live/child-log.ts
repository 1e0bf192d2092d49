import type { Readable } from "node:stream";
import type { LogSeverity } from "./messages.ts";
import type { LogLine } from "./reader.ts";

const KEPT = 30;
const LONGEST = 500;
const LINES_PER_SECOND = 20;

/** What a child prints goes to the log, line by line and never more than a little; the last lines are kept. */
export class ChildLog {
  readonly #log: LogLine;
  readonly #last: string[] = [];
  #second = 0;
  #written = 0;
  #leftOut = 0;

  constructor(log: LogLine) {
    this.#log = log;
  }

  /** The last lines of all that is followed. */
  get last(): readonly string[] {
    return this.#last;
  }

  follow(stream: Readable, level: LogSeverity): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      // A line without an end is cut, not gathered for ever.
      rest = lines.pop()!.slice(0, LONGEST);
      for (const line of lines) this.#line(line, level);
    });
    stream.on("end", () => {
      if (rest !== "") this.#line(rest, level);
    });
    stream.on("error", () => {});
  }

  close(): void {
    if (this.#leftOut > 0) this.#log("info", `${this.#leftOut} lines were left out`);
    this.#leftOut = 0;
  }

  #line(text: string, level: LogSeverity): void {
    const line = text.trimEnd().slice(0, LONGEST);
    if (line === "") return;
    this.#last.push(line);
    if (this.#last.length > KEPT) this.#last.shift();
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.close();
      this.#second = second;
      this.#written = 0;
    }
    if (this.#written++ < LINES_PER_SECOND) this.#log(level, line);
    else this.#leftOut++;
  }
}
