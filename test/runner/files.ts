import { PassThrough, type Readable } from "node:stream";
import { run } from "node:test";
import { endMarked, MARK, markedProcesses } from "./processes.ts";
import { Results } from "./results.ts";

/** What node:test tells of a run. */
interface Told {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly file?: string;
    readonly counts?: unknown;
  };
}

export interface FileRun {
  readonly file: string;
  readonly wallS: number;
  /** Of the test and all it started, as far as was seen: short-lived ones at the end may be missing. */
  readonly processorS: number;
}

export interface FilesOptions {
  /** So many files side by side. */
  readonly concurrency: number;
  /** A file that takes longer is ended with all it started. */
  readonly timeoutMs: number;
  readonly tell: (line: string) => void;
}

/** What runs under the mark of a file. */
interface Seen {
  /** The file's own process. */
  readonly own: boolean;
  readonly others: boolean;
  readonly usedS: number;
}

/** How often is looked at what runs. */
const LOOK_MS = 1000;
let started = 0;

/**
 * Runs test files, each in a process of its own. node:test waits for whoever holds the output of a file, also a daemon
 * that the test left behind; so each file carries a mark, by which all its processes are found and ended.
 */
export class Files {
  readonly heard = new Results();
  readonly took: FileRun[] = [];
  readonly #options: FilesOptions;
  readonly #stream = new PassThrough({ objectMode: true });
  readonly #alive = new Map<string, (seen: Seen) => void>();

  constructor(options: FilesOptions) {
    this.#options = options;
  }

  /** What node:test tells, a file after the other: for a reporter. */
  get events(): Readable {
    return this.#stream;
  }

  async run(files: readonly string[]): Promise<void> {
    const waiting = [...files];
    const looking = setInterval(() => this.#look(), LOOK_MS);
    const job = async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await this.#runFile(file);
    };
    await Promise.all(Array.from({ length: this.#options.concurrency }, job));
    clearInterval(looking);
    const failed = this.heard.all.some(({ outcome }) => outcome === "failed");
    // At which the reporter says once more what failed.
    this.#stream.end({ type: "test:summary", data: { success: !failed, counts: {}, duration_ms: 0, file: undefined } });
  }

  /** Ends all that runs: nobody waits for it any more. */
  stop(): void {
    for (const mark of this.#alive.keys()) endMarked(mark);
  }

  async #runFile(file: string): Promise<void> {
    const mark = `${process.pid}.${++started}`;
    const began = performance.now();
    let processorS = 0;
    let alone = 0;
    const left: string[] = [];
    this.#alive.set(mark, ({ own, others, usedS }) => {
      processorS = Math.max(processorS, usedS);
      // The file has come to its end, and what it left behind holds its output.
      alone = own || !others ? 0 : alone + 1;
      if (alone >= 2) left.push(...endMarked(mark));
    });
    let ended: string[] | undefined;
    const limit = setTimeout(() => {
      ended = endMarked(mark);
    }, this.#options.timeoutMs);
    const told: Told[] = [];
    for await (const event of run({ files: [file], env: { ...process.env, [MARK]: mark } })) told.push(event as Told);
    clearTimeout(limit);
    this.#alive.delete(mark);
    left.push(...endMarked(mark));
    const wallS = (performance.now() - began) / 1000;
    this.took.push({ file, wallS, processorS });
    this.#hear(told);
    if (left.length > 0) this.#options.tell(`${file} left running, ended now: ${left.join("; ")}`);
    if (ended === undefined) return;
    const why = `took more than ${this.#options.timeoutMs / 1000} s${runningOf(told)}`;
    this.heard.fileFailed(file, why);
    this.#options.tell(`${file} ${why}; ended with all it started: ${ended.join("; ")}`);
  }

  #hear(told: readonly Told[]): void {
    for (const event of told) {
      const { type, data } = event;
      // What is said of the whole run comes once, at its end.
      if (type === "test:summary" || (type === "test:diagnostic" && data.nesting === 0 && data.file === undefined))
        continue;
      if (type === "test:plan" && data.file === undefined) continue;
      if (type === "test:start") this.heard.started(data as Parameters<Results["started"]>[0]);
      if (type === "test:pass") this.heard.passed(data as Parameters<Results["passed"]>[0]);
      if (type === "test:fail") this.heard.failed(data as Parameters<Results["failed"]>[0]);
      this.#stream.write(event);
    }
  }

  #look(): void {
    const marked = markedProcesses();
    for (const [mark, tell] of this.#alive) {
      const processes = marked.get(mark) ?? [];
      tell({
        own: processes.some(({ parent }) => parent === process.pid),
        others: processes.length > 0,
        usedS: processes.reduce((sum, { processorS }) => sum + processorS, 0),
      });
    }
  }
}

/** @returns the tests that had begun and not ended */
function runningOf(told: readonly Told[]): string {
  const running = new Set<string>();
  for (const { type, data } of told) {
    const name = `${data.nesting} ${data.name}`;
    if (type === "test:dequeue") running.add(name);
    if (type === "test:complete") running.delete(name);
  }
  const deepest = [...running].at(-1)?.replace(/^\d+ /, "");
  return deepest === undefined ? "" : `, in the test: ${deepest}`;
}
