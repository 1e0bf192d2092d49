import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Bell, inTime } from "./wait.ts";

export type Said = Record<string, unknown> & { readonly event: string };

/** A script of test/support in a process of its own, which tells what it does as JSON lines. */
export class Child {
  readonly process: ChildProcess;
  readonly said: Said[] = [];
  readonly ended: Promise<void>;
  #over = false;
  readonly #bell = new Bell();

  /** @param wrap program and arguments that start the script's command, e.g. a shell that sets a limit */
  constructor(script: string, args: readonly string[], wrap: readonly string[] = []) {
    const [program, ...rest] = [...wrap, process.execPath, script, ...args];
    this.process = spawn(program!, rest, { stdio: ["pipe", "pipe", "inherit"] });
    this.process.stdin!.on("error", () => {});
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      this.said.push(JSON.parse(line) as Said);
      this.#bell.ring();
    });
    this.ended = new Promise((resolve) => {
      // `close`, not `exit`: everything that it said has been read then.
      this.process.once("close", () => {
        this.#over = true;
        this.#bell.ring();
        resolve();
      });
    });
  }

  /** Resolves with the first event for which `look` holds. */
  async until(look: (said: Said) => boolean): Promise<Said> {
    let at = 0;
    const next = () => {
      for (; at < this.said.length; at++) if (look(this.said[at]!)) return this.said[at]!;
      if (!this.#over) return undefined;
      throw new Error(`the child ended after ${JSON.stringify(this.said.at(-1))}`);
    };
    return this.#bell.until(next, () => this.said, { what: `the child says ${look}` });
  }

  all(event: string): Said[] {
    return this.said.filter((said) => said.event === event);
  }

  tell(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.#over) this.process.kill(signal);
    await inTime(this.ended, `the child's end after ${signal}`, () => this.said);
  }
}
