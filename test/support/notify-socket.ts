import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { Bell } from "./wait.ts";

const PYTHON = "python3";

/** Why there can be no socket here. */
export const withoutNotifySocket: string | false =
  spawnSync(PYTHON, ["--version"]).status === 0 ? false : "no python3 to listen on a datagram socket";

/** The socket on which systemd would listen. */
export class NotifySocket {
  readonly path: string;
  /** Lines that were told, in order. */
  readonly told: string[] = [];
  readonly #process: ChildProcess;
  readonly #bell = new Bell();
  #over = false;

  private constructor(path: string, how: readonly string[]) {
    this.path = path;
    const args = ["test/support/notify-socket.py", path, ...how];
    this.#process = spawn(PYTHON, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#process.stdout! }).on("line", (line) => {
      const said = JSON.parse(line) as { event: string; lines?: string[] };
      this.told.push(...(said.lines ?? [said.event]));
      this.#bell.ring();
    });
    this.#process.once("close", () => {
      this.#over = true;
      this.#bell.ring();
    });
  }

  /** @param how `deaf`: it reads nothing of what is told */
  static async listen(path: string, how: readonly "deaf"[] = []): Promise<NotifySocket> {
    const socket = new NotifySocket(path, how);
    await socket.until((line) => line === "listening");
    return socket;
  }

  /** Resolves with the position after the first line from `from` for which `look` holds. */
  async until(look: (line: string) => boolean, from = 0): Promise<number> {
    let at = from;
    const next = () => {
      for (; at < this.told.length; at++) if (look(this.told[at]!)) return at + 1;
      if (!this.#over) return undefined;
      throw new Error(`the socket's listener ended after ${this.told.at(-1)}`);
    };
    return this.#bell.until(next, () => this.told, { what: `systemd is told ${look}` });
  }

  async close(): Promise<void> {
    if (this.#over) return;
    const ended = new Promise((resolve) => this.#process.once("close", resolve));
    this.#process.kill();
    await ended;
  }
}
